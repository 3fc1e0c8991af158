"""Finding strategies: those that are shipped, those of installed packages, and files of the user.

A shipped strategy is a module of this package that defines a class with the module's name as its
`name`; another package offers its own as entry points of the group `headwater.strategies`. Looking
one up imports that one only. A file is loaded where its path was given on this machine's command
line and nowhere else: `registered_strategy` never touches one, so that is what a server calls.
"""

import pkgutil
from collections.abc import Iterator, Mapping
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING, Final

import headwater.strategies
from headwater.core.errors import RequestError
from headwater.strategies.base import BaseStrategy

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = [
    "ENTRY_POINTS",
    "STRATEGY_REGISTRY",
    "StrategyRegistry",
    "registered_strategy",
    "strategy_class",
]

ENTRY_POINTS: Final = "headwater.strategies"
"""Group of entry points; the name of an entry is that of its strategy."""

_PACKAGE: Final = headwater.strategies.__name__


class StrategyRegistry(Mapping[str, type[BaseStrategy]]):
    """Strategy classes by name; read-only. A shipped strategy stands before one of a package.

    Args:
        group: of entry points.
    """

    def __init__(self, group: str = ENTRY_POINTS) -> None:
        self._group = group
        self._found: dict[str, type[BaseStrategy]] = {}
        self._problems: dict[str, str] = {}

    def __getitem__(self, name: str) -> type[BaseStrategy]:
        """The class of that name.

        Raises:
            KeyError: there is none, or its package cannot be loaded (`problems` says why).
        """
        found = self._found.get(name) or _shipped(name) or self._installed(name)
        if found is None:
            raise KeyError(name)
        self._found[name] = found
        return found

    def __iter__(self) -> Iterator[str]:
        """All names in order, without those that cannot be loaded."""
        shipped = {one.name for one in pkgutil.iter_modules(headwater.strategies.__path__)}
        names = {name for name in shipped if _shipped(name) is not None}
        names |= {name for name in self._entries() if name in self}
        return iter(sorted(names))

    def __len__(self) -> int:
        """How many there are."""
        return sum(1 for _ in self)

    def __contains__(self, name: object) -> bool:
        """Whether there is a class of that name that can be loaded."""
        try:
            return isinstance(name, str) and self[name] is not None
        except KeyError:
            return False

    @property
    def problems(self) -> Mapping[str, str]:
        """What is wrong with strategies of installed packages, by the name of the entry point."""
        for name in self._entries():
            if name not in self._found and _shipped(name) is None:
                self._installed(name)
        return dict(self._problems)

    def _entries(self) -> "dict[str, EntryPoint]":
        # Here, because it costs more than a strategy and most look for a shipped one.
        from importlib.metadata import entry_points

        return {one.name: one for one in entry_points(group=self._group)}

    def _installed(self, name: str) -> type[BaseStrategy] | None:
        """The class of an entry point; None when there is none or it is broken."""
        entry = self._entries().get(name)
        if entry is None:
            return None
        try:
            found = entry.load()
        except Exception as error:  # noqa: BLE001 - somebody else's package must not end ours
            self._problems[name] = f"{entry.value}: {type(error).__name__}: {error}"
            return None
        if not (isinstance(found, type) and issubclass(found, BaseStrategy)):
            self._problems[name] = f"{entry.value}: no subclass of BaseStrategy"
            return None
        self._problems.pop(name, None)
        return found


STRATEGY_REGISTRY: Final = StrategyRegistry()
"""Every strategy that can be named; nothing is imported before it is asked for."""


def registered_strategy(name: str) -> type[BaseStrategy]:
    """The strategy of a name, never of a file.

    Raises:
        RequestError: there is none; tells which there are, or why it cannot be loaded.
    """
    try:
        return STRATEGY_REGISTRY[name]
    except KeyError:
        problem = STRATEGY_REGISTRY.problems.get(name)
        if problem is not None:
            raise RequestError("strategy", name, f"one that can be loaded; {problem}") from None
        there = ", ".join(STRATEGY_REGISTRY)
        raise RequestError("strategy", name, f"one of {there}, or path/to/file.py:Class") from None


def strategy_class(text: str) -> type[BaseStrategy]:
    """What `--strategy` means: a name, or `path/to/file.py:Class`.

    For the command line only: a file is run as a program.

    Raises:
        RequestError: no such name, no such file or class, or the file cannot be run; names the
            line.
    """
    path, colon, name = text.rpartition(":")
    if not colon:
        path, name = text, ""
    elif not path.endswith(".py"):
        return registered_strategy(text)
    if not path.endswith(".py"):
        return registered_strategy(text)
    from headwater.strategies.strategy_files import class_of_file

    return class_of_file(path, name)


def _shipped(name: str) -> type[BaseStrategy] | None:
    """The class that a module of this package defines under the module's own name."""
    if not name.isidentifier() or find_spec(f"{_PACKAGE}.{name}") is None:
        return None
    module: ModuleType = import_module(f"{_PACKAGE}.{name}")
    for one in vars(module).values():
        if (
            isinstance(one, type)
            and issubclass(one, BaseStrategy)
            and one.__module__ == module.__name__
            and one.name == name
        ):
            return one
    return None
