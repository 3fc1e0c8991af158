"""Commands that are imported when they are called, not when the program starts.

The platform's parts take seconds to import, and one command needs few of them. A group of this
module knows its commands by name, place and one line of help; the rest is found when a command is
run, or asked for its own help. It knows nothing of what the commands do.
"""

import gc
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Final, TypeAlias

import msgspec
import typer
import typer.main
from typer.core import TyperCommand, TyperGroup

__all__ = ["CommandPlace", "LazyCommands", "LazyGroup"]

Command: TypeAlias = Any
"""What Typer makes of a function or of an application; the type has no public name."""


class CommandPlace(msgspec.Struct, frozen=True):
    """Where a command is.

    Attributes:
        name: as users type it.
        where: `module:function` of a command, or `module:app` of a group of commands.
        summary: first line of its help, which the help of all commands shows.
    """

    name: str
    where: str
    summary: str


class LazyCommands(MutableMapping[str, Command]):
    """Commands by name; one is imported when it is looked up for the first time."""

    def __init__(self, places: Mapping[str, CommandPlace]) -> None:
        self._places: Final = places
        self._found: Final[dict[str, Command]] = {}

    def __getitem__(self, name: str) -> Command:
        if name not in self._found:
            self._found[name] = _imported(self._places[name])
        return self._found[name]

    def __setitem__(self, name: str, command: Command) -> None:
        self._found[name] = command

    def __delitem__(self, name: str) -> None:
        del self._found[name]

    def __contains__(self, name: object) -> bool:
        return name in self._places or name in self._found

    def __iter__(self) -> Iterator[str]:
        yield from self._places
        yield from (name for name in self._found if name not in self._places)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class LazyGroup(TyperGroup):
    """A group whose commands stand in `places`; a subclass names them."""

    places: tuple[CommandPlace, ...] = ()

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._places: Final = {one.name: one for one in self.places}
        self.commands = LazyCommands(self._places)

    def list_commands(self, ctx: Any) -> list[str]:
        """The names, in the order of `places`."""
        del ctx
        return list(self.commands)

    def get_command(self, ctx: Any, cmd_name: str) -> Command:
        """A command that has its name and summary only: what the help of the group shows.

        Args:
            ctx: the context of this group.
            cmd_name: as it was typed.
        """
        del ctx
        place = self._places.get(cmd_name)
        if place is not None:
            return TyperCommand(cmd_name, help=place.summary)
        return self.commands.get(cmd_name)

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Command, list[str]]:
        """The command that is to be run, imported, and its arguments."""
        name, found, rest = super().resolve_command(ctx, args)
        return name, None if found is None or name is None else self.commands[name], rest


def _imported(place: CommandPlace) -> Command:
    """The command itself, as Typer makes it of a function or of an application."""
    module, _, name = place.where.partition(":")
    with _without_collector():
        found = getattr(import_module(module), name)
    if isinstance(found, typer.Typer):
        group = typer.main.get_group(found)
        group.name = place.name
        return group
    alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    alone.command(place.name)(found)
    command = typer.main.get_command(alone)
    assert isinstance(command, TyperCommand)
    return command


@contextmanager
def _without_collector() -> Iterator[None]:
    """Lets nobody look for garbage in what is imported: it stays, and only grows meanwhile."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
