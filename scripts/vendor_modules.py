"""Copies the dashboard's third-party modules from `node_modules` into the package.

The page is served without a build step: what `npm ci` fetched is copied as it is, under names that
carry the version, into a folder that git ignores and the wheel contains. `scripts/modules.json`
lists each file with its SHA-256; a file that differs is refused, so that neither a changed package
nor a changed lock file gets into the page unseen.
"""

import hashlib
import shutil
import sys
from pathlib import Path
from typing import Final

import msgspec

ROOT: Final = Path(__file__).resolve().parents[1]
LIST: Final = ROOT / "scripts" / "modules.json"
SOURCE: Final = ROOT / "node_modules"
TARGET: Final = ROOT / "src" / "headwater" / "dashboard" / "modules"


class ModuleFile(msgspec.Struct, frozen=True):
    """One file of the list.

    Attributes:
        name: what it is called in the folder; carries the version.
        source: its path below `node_modules`.
        sha256: of its bytes, in hexadecimal digits.
    """

    name: str
    source: str
    sha256: str


class ModulesRefused(Exception):
    """A file is missing or is not the one in the list; the message says which and what to do."""


def read_list(path: Path = LIST) -> tuple[ModuleFile, ...]:
    """The files of the list, in its order."""
    return msgspec.json.decode(path.read_bytes(), type=tuple[ModuleFile, ...])


def copy_modules(files: tuple[ModuleFile, ...], source: Path, target: Path) -> None:
    """Makes `target` hold exactly `files`, all of them checked.

    The new folder takes the place of the old one only when every file is right.

    Args:
        files: the list.
        source: the `node_modules` folder.
        target: the folder to make.

    Raises:
        ModulesRefused: a file is missing or has another hash.
    """
    fresh = target.with_name(target.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    for file in files:
        try:
            content = (source / file.source).read_bytes()
        except OSError as error:
            raise ModulesRefused(f"{file.source}: {error.strerror}; run `npm ci`") from error
        found = hashlib.sha256(content).hexdigest()
        if found != file.sha256:
            raise ModulesRefused(
                f"{file.source}: SHA-256 is {found}, the list says {file.sha256}; "
                "after a wanted change of version run `python scripts/vendor_modules.py --write`"
            )
        (fresh / file.name).write_bytes(content)
    shutil.rmtree(target, ignore_errors=True)
    fresh.rename(target)


def write_list(files: tuple[ModuleFile, ...], source: Path, path: Path) -> None:
    """Writes the list anew with the hashes of what is there; for a wanted change of version."""
    renewed = [
        msgspec.structs.replace(
            file, sha256=hashlib.sha256((source / file.source).read_bytes()).hexdigest()
        )
        for file in files
    ]
    path.write_bytes(msgspec.json.format(msgspec.json.encode(renewed), indent=2) + b"\n")


def main() -> int:
    """Copies, or with `--write` first takes over the hashes of what npm has fetched."""
    if "--write" in sys.argv[1:]:
        write_list(read_list(), SOURCE, LIST)
    try:
        copy_modules(read_list(), SOURCE, TARGET)
    except ModulesRefused as refused:
        print(refused, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
