"""Commands that are imported when they are called: what is imported when, and what help shows."""

import gc
import subprocess
import sys
from pathlib import Path

import pytest
import typer
import typer.main
from typer.core import TyperGroup
from typer.testing import CliRunner

from headwater.app.cli import PLACES, app
from headwater.app.lazy_commands import CommandPlace, LazyCommands, LazyGroup

HEAVY = ("polars", "fastapi", "aiohttp", "sqlalchemy", "pydantic", "headwater.api")
"""What a command may need and the program's start may not."""


def _real(name: str) -> object:
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    return group.commands[name]


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.name)
def test_the_summary_of_a_command_is_the_first_line_of_its_help(place: CommandPlace) -> None:
    command = _real(place.name)
    help_text = getattr(command, "help", "") or ""
    assert help_text.splitlines()[0] == place.summary
    assert getattr(command, "name", "") == place.name


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_the_start_of_the_program_imports_no_command(arguments: list[str]) -> None:
    program = (
        "import sys\n"
        "from headwater.app.cli import main\n"
        f"sys.argv = ['headwater', *{arguments!r}]\n"
        "try:\n    main()\nexcept SystemExit as done:\n    assert not done.code, done.code\n"
        "there = [name for name in sys.modules if name.startswith('headwater.app.commands.')]\n"
        f"there += [name for name in {HEAVY!r} if name in sys.modules]\n"
        "sys.stderr.write(' '.join(there))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout


def test_the_collector_rests_while_a_command_is_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And is on again behind it, also behind one that cannot be imported."""
    (tmp_path / "made_command.py").write_text(
        "import gc\nwas_on = gc.isenabled()\ndef hello():\n    'Say hello.'\n"
    )
    (tmp_path / "broken_command.py").write_text("raise ImportError('no such part')\n")
    monkeypatch.syspath_prepend(tmp_path)
    places = [
        CommandPlace(name, f"{name}_command:hello", "Say hello.") for name in ("made", "broken")
    ]
    commands = LazyCommands({place.name: place for place in places})
    assert gc.isenabled()
    assert commands["made"].name == "made"
    assert sys.modules.pop("made_command").was_on is False
    assert gc.isenabled()
    with pytest.raises(ImportError, match="no such part"):
        commands["broken"]
    assert gc.isenabled()


def test_help_shows_every_command() -> None:
    shown = CliRunner().invoke(app, ["--help"]).output
    assert [place.name for place in PLACES if place.name not in shown] == []


def test_a_typing_error_is_answered_with_what_may_have_been_meant() -> None:
    done = CliRunner().invoke(app, ["recrod"])
    assert done.exit_code == 2
    assert "record" in done.output


def _hello(name: str = "you") -> None:
    """Say hello.

    A second paragraph.
    """
    typer.echo(f"hello {name}")


def test_a_command_that_is_added_stands_behind_those_with_places() -> None:
    one = typer.Typer(add_completion=False)
    one.command("hello")(_hello)
    commands = LazyCommands({place.name: place for place in PLACES[:2]})
    commands["hello"] = typer.main.get_command(one)
    assert list(commands) == ["run", "demo", "hello"]
    assert len(commands) == 3
    assert "hello" in commands
    assert "bye" not in commands
    del commands["hello"]
    assert list(commands) == ["run", "demo"]


def test_a_group_runs_a_command_by_its_place() -> None:
    class Group(LazyGroup):
        places = (CommandPlace("hello", f"{__name__}:_hello", "Say hello."),)

    group = typer.Typer(cls=Group, add_completion=False)
    group.callback()(lambda: None)
    done = CliRunner().invoke(group, ["hello", "--name", "Ada"])
    assert done.output == "hello Ada\n"
    assert done.exit_code == 0
