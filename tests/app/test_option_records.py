"""Records of options: what Typer sees of a command, and what the command is handed."""

from dataclasses import dataclass
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from headwater.app.option_records import spread

Size = Annotated[int, typer.Option(help="How large.")]


@dataclass(frozen=True, kw_only=True)
class Shape:
    """A record of options."""

    name: Annotated[str, typer.Option(help="Name.")]
    size: Size = 3


HEARD: list[tuple[Shape, bool]] = []


@spread
def draw(shape: Shape, bold: Annotated[bool, typer.Option("--bold")] = False) -> None:
    """Draw a shape."""
    HEARD.append((shape, bold))


@pytest.mark.parametrize(
    ("given", "heard"),
    [
        (["--name", "a"], (Shape(name="a"), False)),
        (["--bold", "--size", "5", "--name", "b"], (Shape(name="b", size=5), True)),
    ],
)
def test_the_fields_are_options_and_the_command_has_its_record(
    given: list[str], heard: tuple[Shape, bool]
) -> None:
    app = typer.Typer()
    app.command()(draw)
    HEARD.clear()
    done = CliRunner().invoke(app, given)
    assert done.exit_code == 0, done.output
    assert [heard] == HEARD


def test_name_help_and_required_options_stay() -> None:
    app = typer.Typer()
    app.command()(draw)
    told = CliRunner().invoke(app, ["--help"]).output
    assert draw.__name__ == "draw"
    assert "Draw a shape." in told
    assert "How large." in told
    assert CliRunner().invoke(app, []).exit_code == 2
