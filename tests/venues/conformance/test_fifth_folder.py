"""Adding a folder adds a venue: discovery, the suite and the command line see it, nothing else.

A copy of the tree gets a fifth folder, copied from one of the four under another name; the suite
then runs for five with no other edit.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import headwater
from headwater.venues.discovery import venues

TIMEOUT_S = 300
CHOSEN = ["test_facts.py", "test_book.py", "test_rest.py"]


@pytest.mark.parametrize("model", list(venues())[:1])
def test_a_copied_folder_is_a_venue_of_its_own(model: str, tmp_path: Path) -> None:
    """The suite passes for it, and of the one it was copied from the facts are what they were."""
    root = Path(__file__).parents[3]
    tree = tmp_path / "src" / "headwater"
    # With what is compiled: a copy keeps the times by which Python tells whether it still holds.
    shutil.copytree(Path(headwater.__path__[0]), tree)
    suite = tmp_path / "tests" / "venues" / "conformance"
    shutil.copytree(Path(__file__).parent, suite)
    shutil.copy(root / "tests" / "conftest.py", tmp_path / "tests")
    shutil.copy(root / "pyproject.toml", tmp_path)
    _copy_venue(tree / "venues", model, "fifth")
    files = [str(suite / name) for name in CHOSEN]
    # One span of weeks will do: the longer one is the code of the model again.
    chosen = f"(fifth and not 29.5) or (test_facts and {model})"
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--no-cov", "-k", chosen, *files],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path / "src"), str(tmp_path)])},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-2000:]
    listed = subprocess.run(
        [sys.executable, "-c", "from headwater.venues.discovery import venues; print(*venues())"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path / "src")},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=True,
    )
    assert listed.stdout.split() == sorted([*venues(), "fifth"])


def _copy_venue(folder: Path, model: str, name: str) -> None:
    """Copies a venue's folder under another name and id."""
    shutil.copytree(folder / model, folder / name)
    for path in (folder / name).glob("*.py"):
        text = path.read_text(encoding="utf-8")
        text = text.replace(f"headwater.venues.{model}", f"headwater.venues.{name}")
        text = re.sub(rf'EXCHANGE: Final = "{model}"', f'EXCHANGE: Final = "{name}"', text)
        path.write_text(text, encoding="utf-8")
