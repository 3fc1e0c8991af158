"""The files of the dashboard as they are sent."""

import gzip
import os
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.api.dashboard_files import CONTENT_TYPES, FILES_MAX, ROOT, DashboardFiles
from headwater.core.errors import ConfigError

_MAP = '{"imports": {"one": "./modules/one-1.0.0.mjs"}}'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "dashboard"
    (root / "modules").mkdir(parents=True)
    (root / "modules" / "one-1.0.0.mjs").write_text("export {};\n")
    (root / "index.html").write_text(f'<p>{"x" * 500}<script type="importmap">{_MAP}</script>')
    (root / "app.js").write_text("import 'one';\n" * 50)
    (tmp_path / "secret.txt").write_text("no")
    (root / "notes.py").write_text("no")
    return root


def test_a_file_has_its_type_its_tag_and_its_short_form(folder: Path) -> None:
    found = DashboardFiles(folder).find("app.js")
    assert found is not None
    assert found.content_type == "text/javascript; charset=utf-8"
    assert found.zipped is not None
    assert gzip.decompress(found.zipped) == found.body == (folder / "app.js").read_bytes()
    assert found.tag == sha256(found.body).hexdigest()[:24]
    assert not found.is_immutable


def test_a_module_never_changes_and_a_tiny_file_stays_as_it_is(folder: Path) -> None:
    found = DashboardFiles(folder).find("modules/one-1.0.0.mjs")
    assert found is not None
    assert found.is_immutable
    assert found.zipped is None


@pytest.mark.parametrize(
    "name",
    [
        "../secret.txt",
        "modules/../../secret.txt",
        "modules/..",
        "/etc/passwd",
        "//secret.txt",
        "..%2Fsecret.txt",
        "..\\secret.txt",
        "notes.py",
        "",
        ".",
        "app.js/",
        "app.js\x00",
        "app.js\n",
        "modules",
        "modules/modules/one-1.0.0.mjs",
        "a" * 5000 + ".js",
    ],
)
def test_nothing_else_is_served(folder: Path, name: str) -> None:
    assert DashboardFiles(folder).find(name) is None


def test_documentation_is_not_sent_and_lines_keep_their_numbers(folder: Path) -> None:
    (folder / "app.js").write_text("/**\n * What.\n */\nlet a = /** @type {any} */ (1); // b\n")
    found = DashboardFiles(folder).find("app.js")
    assert found is not None
    assert found.body == b"\n\n\nlet a = /** @type {any} */ (1); // b\n"


@given(st.text(alphabet="./\\ab%2fFe~modules-js\x00", max_size=40))
def test_no_name_leads_out_of_the_folder(name: str) -> None:
    """Whatever is found is one of the files that lie at the two places."""
    if DashboardFiles().find(name + ".js") is not None:
        path = (ROOT / (name + ".js")).resolve()
        assert path.parent in (ROOT, ROOT / "modules")


def test_an_edited_file_is_read_again(folder: Path) -> None:
    files = DashboardFiles(folder)
    first = files.find("app.js")
    assert files.find("app.js") is first
    (folder / "app.js").write_text("changed\n")
    os.utime(folder / "app.js", ns=(1, 1))
    second = files.find("app.js")
    assert second is not None
    assert second.body == b"changed\n"


def test_more_files_than_fit_are_served_all_the_same(folder: Path) -> None:
    for number in range(FILES_MAX + 2):
        (folder / f"one{number}.txt").write_text(str(number))
    files = DashboardFiles(folder)
    found = [files.find(f"one{number}.txt") for number in range(FILES_MAX + 2)]
    assert [one.body for one in found if one is not None] == [
        str(number).encode() for number in range(FILES_MAX + 2)
    ]


def test_missing_modules_are_named(folder: Path) -> None:
    files = DashboardFiles(folder)
    assert files.missing() == ()
    (folder / "modules" / "one-1.0.0.mjs").unlink()
    assert files.missing() == ("modules/one-1.0.0.mjs",)


def test_the_policy_lets_in_the_import_map_and_nothing_else_inline(folder: Path) -> None:
    digest = b64encode(sha256(_MAP.encode()).digest()).decode()
    rules = dict(
        rule.split(" ", 1) for rule in DashboardFiles(folder).security_policy().split("; ")
    )
    assert rules["default-src"] == "'self'"
    assert rules["script-src"] == f"'self' 'sha256-{digest}'"
    assert rules["frame-ancestors"] == rules["object-src"] == rules["base-uri"] == "'none'"
    assert not any("unsafe" in value or "*" in value for value in rules.values())


def test_a_package_without_a_page_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no page"):
        DashboardFiles(tmp_path).import_map()


def test_every_file_of_the_package_can_be_served() -> None:
    files = DashboardFiles()
    names = [path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*") if path.is_file()]
    assert "index.html" in names
    assert [name for name in names if files.find(name) is None] == []
    assert {Path(name).suffix for name in names} <= set(CONTENT_TYPES)
