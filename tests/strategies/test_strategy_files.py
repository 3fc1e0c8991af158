"""Strategies in files: what is wrong with one is told with its line."""

import dataclasses
from pathlib import Path

import pytest

from headwater.core.errors import RequestError
from headwater.strategies.base import BaseStrategy
from headwater.strategies.strategy_files import class_of_file

BASE = "from headwater.strategies.base import BaseStrategy\n"
ONE = BASE + "class Mine(BaseStrategy):\n    name = 'mine'\n"


def _file(folder: Path, text: str) -> Path:
    file = folder / "my strategy.py"
    file.write_text(text)
    return file


def test_a_class_is_found_by_its_name_or_as_the_only_one(tmp_path: Path) -> None:
    file = _file(tmp_path, ONE + "Other = 5\n")
    assert class_of_file(file, "Mine").name == "mine"
    assert issubclass(class_of_file(file), BaseStrategy)
    # Changed, it is run anew.
    assert class_of_file(_file(tmp_path, ONE.replace("'mine'", "'new'"))).name == "new"


def test_dataclasses_of_the_file_work(tmp_path: Path) -> None:
    text = (
        "from __future__ import annotations\nfrom dataclasses import dataclass\n" + ONE
        + "@dataclass\nclass Level:\n    price: float\nMine.level = Level(2.0)\n"
    )  # fmt: skip
    found = class_of_file(_file(tmp_path, text))
    assert dataclasses.asdict(vars(found)["level"]) == {"price": 2.0}


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        (ONE, "Yours", "a class of my strategy.py, which has Mine"),
        (ONE + "Other = 5\n", "Other", "a subclass of BaseStrategy"),
        ("", "", "the file has no strategy at all"),
        (ONE + ONE.replace("Mine", "Yours"), "", "the file has Mine, Yours"),
        (ONE + "def broken(:\n", "Mine", "line 4: SyntaxError"),
        (ONE + "import no_such_module\n", "Mine", "line 4: ModuleNotFoundError"),
        (ONE + "def f():\n    return 1 / 0\nf()\n", "Mine", "line 5: ZeroDivisionError"),
        (ONE + "raise SystemExit(3)\n", "Mine", "line 4: SystemExit"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(
    tmp_path: Path, text: str, name: str, message: str
) -> None:
    with pytest.raises(RequestError, match=message):
        class_of_file(_file(tmp_path, text), name)


def test_there_must_be_a_file(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere.py", tmp_path):
        with pytest.raises(RequestError, match="a Python file that is there"):
            class_of_file(path, "Mine")
