"""The files of the dashboard, as they are sent: type, tag, compressed form, security policy.

They are read from the package and kept in memory until they change on the disk, so that a script
that is edited is the script that runs. Our scripts are sent without their comments. Files under
`modules/` carry their version in their name, never change, and are sent as they are; everything
else is asked about again with its tag.
"""

import gzip
import hashlib
import re
from base64 import b64encode
from pathlib import Path
from typing import Final

import msgspec

import headwater
from headwater.core.errors import ConfigError

ROOT: Final = Path(headwater.__file__).parent / "dashboard"
"""Where the package has them."""

PAGE: Final = "index.html"

CONTENT_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
"""Written down here: what a machine's own table says of `.js` differs, and a module that comes as
plain text is refused by browsers. No other files are served."""

FILES_MAX: Final = 256
"""Files kept in memory; the package has fewer, and beyond it they are read each time."""

_NAME: Final = re.compile(r"(?:modules/)?[a-z0-9][a-z0-9_.-]*(?<!\.)", re.IGNORECASE)
_IMPORT_MAP: Final = re.compile(r'<script type="importmap">(.*?)</script>', re.DOTALL)

_LOGO_STYLE: Final = "sha256-3pRED1tOXas1FXFoPb9TGCjmYe9XQsmO9OV23khV2nY="
"""The one style element that Lightweight Charts 5.2.1 makes, for its attribution logo."""

_COMMENT: Final = re.compile(r"^[ \t]*(?:/\*\*(?:[^*]|\*(?!/))*\*/[ \t]*|//[^\n]*)$", re.MULTILINE)
"""A comment that has its lines for itself. A line of a template that begins like one would be taken
for it; a test holds that there is none."""

_GZIP_LEVEL: Final = 9


class DashboardFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file, ready to be sent.

    Attributes:
        content_type: its MIME type.
        body: its bytes.
        zipped: the same, compressed with gzip; None where that is not shorter.
        tag: names this content, without quotes.
        is_immutable: whether its name says its version, so that it can be kept for ever.
    """

    content_type: str
    body: bytes
    zipped: bytes | None
    tag: str
    is_immutable: bool


def without_comments(script: str) -> str:
    """A script of ours without the comments that have lines of their own, a sixth of its bytes.

    Their lines stay, empty: what a browser says of line 40 is line 40 of the file.
    """
    return _COMMENT.sub(lambda found: "\n" * found[0].count("\n"), script)


class DashboardFiles:
    """The folder of the dashboard.

    Reads files: call it off the event loop.

    Args:
        root: the folder.
    """

    def __init__(self, root: Path = ROOT) -> None:
        self._root = root
        self._kept: dict[str, tuple[int, int, DashboardFile]] = {}

    def find(self, name: str) -> DashboardFile | None:
        """A file by its path below the folder, None when there is none that is served.

        Only plain names are looked for, at the top and under `modules/`: no name can lead out.
        """
        content_type = CONTENT_TYPES.get(Path(name).suffix)
        if content_type is None or _NAME.fullmatch(name) is None:
            return None
        path = self._root / name
        try:
            state = path.stat()
            kept = self._kept.get(name)
            if kept is not None and kept[:2] == (state.st_mtime_ns, state.st_size):
                return kept[2]
            body = path.read_bytes()
        except OSError:
            return None
        if path.suffix == ".js":
            body = without_comments(body.decode()).encode()
        zipped = gzip.compress(body, _GZIP_LEVEL, mtime=0)
        found = DashboardFile(
            content_type=content_type,
            body=body,
            zipped=zipped if len(zipped) < len(body) else None,
            tag=hashlib.sha256(body).hexdigest()[:24],
            is_immutable=name.startswith("modules/"),
        )
        if len(self._kept) < FILES_MAX:
            self._kept[name] = (state.st_mtime_ns, state.st_size, found)
        return found

    def import_map(self) -> dict[str, str]:
        """Addresses of the page's modules by the names under which scripts import them.

        Raises:
            ConfigError: the package has no page, or a page without such a map.
        """
        document = msgspec.json.decode(self._import_map_text(), type=dict[str, dict[str, str]])
        return document["imports"]

    def missing(self) -> tuple[str, ...]:
        """Files of the import map that are not there, sorted; none when the page can work."""
        names = (address.removeprefix("./") for address in self.import_map().values())
        return tuple(sorted(name for name in names if not (self._root / name).is_file()))

    def security_policy(self) -> str:
        """The `Content-Security-Policy` of the page.

        Everything comes from this server, and no script stands in the page but the import map,
        which is named by its hash.
        """
        digest = hashlib.sha256(self._import_map_text().encode()).digest()
        allowed = f"'sha256-{b64encode(digest).decode()}'"
        return "; ".join(
            (
                "default-src 'self'",
                f"script-src 'self' {allowed}",
                f"style-src 'self' '{_LOGO_STYLE}'",
                "img-src 'self' data: blob:",
                "object-src 'none'",
                "base-uri 'none'",
                "form-action 'none'",
                "frame-ancestors 'none'",
            )
        )

    def _import_map_text(self) -> str:
        page = self.find(PAGE)
        found = None if page is None else _IMPORT_MAP.search(page.body.decode())
        if found is None:
            raise ConfigError(
                "dashboard", f"{self._root} has no page with an import map", "a whole package"
            )
        return found.group(1)
