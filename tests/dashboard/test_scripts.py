"""The page's scripts: what is pure under `node --test`, and rules that hold for all of them."""

import re
import subprocess
from pathlib import Path

import pytest
from tests.dashboard.installed import NODE, needs_node, needs_node_modules
from tests.dashboard.installed import ROOT as CHECKOUT

from headwater.api.dashboard_files import ROOT, without_comments

SCRIPTS = sorted(ROOT.glob("*.js"))
TESTS = sorted(Path(__file__).parent.glob("*.test.js"))
TSC = CHECKOUT / "node_modules" / ".bin" / "tsc"
LINES_MAX = 400
WIDTH_MAX = 100

# Whatever puts text into a page as markup, or runs it.
MARKUP = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|dangerouslySetInnerHTML"
    r"|createContextualFragment|DOMParser|\beval\(|new Function|srcdoc|javascript:"
    r"|setAttribute\(.on"
)


@needs_node
@needs_node_modules
@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_pure_scripts_pass_their_tests(path: Path) -> None:
    assert NODE is not None
    # Without `--test`, which starts a second process for the one file.
    ran = subprocess.run(
        [NODE, "--test-reporter=tap", str(path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr[-2000:]
    assert re.search(r"^# pass [1-9]", ran.stdout, re.MULTILINE)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_no_script_makes_markup_of_text(path: Path) -> None:
    assert MARKUP.findall(path.read_text()) == []


def test_every_address_in_the_page_is_relative() -> None:
    """Under a proxy's path prefix an address that begins with a slash leads elsewhere."""
    for path in (*ROOT.glob("*.html"), *ROOT.glob("*.css"), *ROOT.glob("*.webmanifest")):
        for address in re.findall(
            r"(?:href|src|\"src\"|start_url)\"?[=:]\s*\"([^\"]*)", path.read_text()
        ):
            assert address.startswith(("./", "../")), f"{path.name}: {address}"
        assert not re.search(r"https?:|url\(", path.read_text()), path.name


def compiled(folder: Path, scripts: dict[str, str]) -> dict[str, str]:
    """Each script as the TypeScript compiler writes it: the code alone."""
    (folder / "in").mkdir(parents=True)
    for name, text in scripts.items():
        (folder / "in" / name).write_text(text)
    options = (
        "--allowJs --noCheck --noResolve --removeComments --target esnext --module esnext"
        " --rootDir in --outDir out"
    )
    subprocess.run(
        [TSC, *options.split(), *(f"in/{name}" for name in scripts)],
        check=True,
        timeout=100,
        cwd=folder,
    )
    return {name: (folder / "out" / name).read_text() for name in scripts}


@needs_node
@needs_node_modules
def test_what_is_sent_is_the_script_without_its_comments(tmp_path: Path) -> None:
    """Line for line the same code, also where a line of a text looks like a comment."""
    scripts = {path.name: path.read_text() for path in SCRIPTS}
    scripts["planted.js"] = "export const a = `\n// a text\n`;\n"
    sent = {name: without_comments(whole) for name, whole in scripts.items()}
    assert all(sent[name].count("\n") == whole.count("\n") for name, whole in scripts.items())
    before, after = compiled(tmp_path / "whole", scripts), compiled(tmp_path / "sent", sent)
    assert [name for name in scripts if before[name] != after[name]] == ["planted.js"]


def test_scripts_are_short_and_say_what_they_are() -> None:
    for path in (*SCRIPTS, *TESTS):
        text = path.read_text()
        assert len(text.splitlines()) <= LINES_MAX, path.name
        assert max(map(len, text.splitlines())) <= WIDTH_MAX, path.name
        assert text.startswith(("/** @file", "/**\n * @file", "// ")), path.name
        assert not re.search("TO" + "DO|FIX" + "ME", text), path.name
