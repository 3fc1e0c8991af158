"""Third-party modules: only what is listed, only as it is listed, from nowhere in particular."""

import hashlib
import json
import re
from pathlib import Path

import pytest
from scripts.vendor_modules import (
    LIST,
    SOURCE,
    ModuleFile,
    ModulesRefused,
    copy_modules,
    read_list,
    write_list,
)
from tests.dashboard.installed import ROOT, needs_node_modules

from headwater.api.dashboard_files import ROOT as DASHBOARD
from headwater.api.dashboard_files import DashboardFiles


def _listed(content: bytes = b"export {};\n", name: str = "one-1.0.0.mjs") -> ModuleFile:
    return ModuleFile(name, "one/dist/one.mjs", hashlib.sha256(content).hexdigest())


def _fetched(tmp_path: Path, content: bytes = b"export {};\n") -> Path:
    source = tmp_path / "node_modules"
    (source / "one" / "dist").mkdir(parents=True)
    (source / "one" / "dist" / "one.mjs").write_bytes(content)
    return source


def test_the_folder_holds_what_is_listed_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "modules"
    target.mkdir()
    (target / "left-over.mjs").write_text("old")
    copy_modules((_listed(),), _fetched(tmp_path), target)
    assert {path.name: path.read_bytes() for path in target.iterdir()} == {
        "one-1.0.0.mjs": b"export {};\n"
    }


def test_a_changed_file_is_refused_and_the_old_folder_stays(tmp_path: Path) -> None:
    target = tmp_path / "modules"
    target.mkdir()
    (target / "kept.mjs").write_text("kept")
    source = _fetched(tmp_path, b"steal();\n")
    with pytest.raises(ModulesRefused, match=r"one/dist/one\.mjs: SHA-256 is .* the list says"):
        copy_modules((_listed(),), source, target)
    assert [path.name for path in target.iterdir()] == ["kept.mjs"]


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ModulesRefused, match="run `npm ci`"):
        copy_modules((_listed(),), tmp_path, tmp_path / "modules")


def test_a_wanted_change_is_written_into_the_list(tmp_path: Path) -> None:
    source, path = _fetched(tmp_path, b"new\n"), tmp_path / "list.json"
    write_list((_listed(b"old\n"),), source, path)
    assert read_list(path) == (_listed(b"new\n"),)


@needs_node_modules
def test_what_the_lock_file_fetches_is_what_is_listed(tmp_path: Path) -> None:
    copy_modules(read_list(), SOURCE, tmp_path / "modules")


def test_names_carry_the_version_of_the_lock_file() -> None:
    """A new version gets a new name, so that no browser keeps the old one under it."""
    lock = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    for file in read_list():
        if file.name.endswith(".txt"):
            continue
        match = re.match(r"(@[^/]+/)?[^/]+", file.source)
        assert match is not None
        assert lock[f"node_modules/{match.group()}"]["version"] in file.name


def test_the_page_imports_what_is_listed() -> None:
    listed = {file.name for file in read_list() if file.name.endswith(".mjs")}
    mapped = {
        address.removeprefix("./modules/") for address in DashboardFiles().import_map().values()
    }
    assert mapped == listed


def test_every_package_brings_its_licence_and_is_named() -> None:
    files = read_list()
    notice = (DASHBOARD / "NOTICE.txt").read_text()
    packages = {
        "/".join(file.source.split("/")[: 2 if file.source.startswith("@") else 1])
        for file in files
    }
    assert packages == {
        "/".join(file.source.split("/")[:-1]) for file in files if file.source.endswith("/LICENSE")
    }
    lock = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    for package in packages:
        assert lock[f"node_modules/{package}"]["version"] in notice


def test_the_lock_file_pins_by_hash_and_names_no_address() -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text())
    fetched = {name: one for name, one in lock["packages"].items() if name}
    assert fetched
    assert all(one["integrity"].startswith("sha512-") for one in fetched.values())
    assert not any("resolved" in one for one in fetched.values())
    assert "registry" not in LIST.read_text()
