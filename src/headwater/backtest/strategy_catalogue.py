"""The strategies that may be named over HTTP: registered ones, and the operator's own files.

A file is named in the settings of this machine and nowhere else; a request only ever has names.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from headwater.backtest.searchable import check_searchable
from headwater.core.errors import ConfigError, RequestError
from headwater.strategies.base import BaseStrategy
from headwater.strategies.parameters import checked_parameters
from headwater.strategies.registry import STRATEGY_REGISTRY, registered_strategy, strategy_class

__all__ = ["FILES_MAX", "AvailableStrategy", "StrategyCatalogue"]

FILES_MAX: Final = 50
"""Most files that the settings may name."""


class AvailableStrategy(msgspec.Struct, frozen=True, kw_only=True):
    """A strategy that can be named.

    Attributes:
        name: what it is called.
        description: one sentence.
        form: `signals`, `callbacks` or `events`.
        parameters: type, default, min, max and description of each, by name.
        source: `registered`, or `file` for one of the operator's own.
    """

    name: str
    description: str
    form: str
    parameters: dict[str, dict[str, Any]]
    source: str


class StrategyCatalogue:
    """What can be named; files are loaded once, when it is made.

    Args:
        files: `path/to/file.py:Class` each, of the operator's own.

    Raises:
        ConfigError: too many, one that cannot be loaded, or a name that is there twice.
    """

    def __init__(self, files: Sequence[str] = ()) -> None:
        if len(files) > FILES_MAX:
            raise ConfigError("strategy_files", f"{len(files)} files", f"at most {FILES_MAX}")
        self._files: dict[str, str] = {}
        self._own: dict[str, type[BaseStrategy]] = {}
        for text in files:
            try:
                found = strategy_class(text)
            except RequestError as error:
                raise ConfigError("strategy_files", str(error), "path/to/file.py:Class") from error
            if found.name in self._own or found.name in STRATEGY_REGISTRY:
                problem = f"{text}: its name {found.name!r} is taken"
                raise ConfigError("strategy_files", problem, "a name of its own")
            self._own[found.name] = found
            self._files[found.name] = text

    def of(self, name: str) -> type[BaseStrategy]:
        """The class of a name.

        Raises:
            RequestError: there is none; tells which there are.
        """
        own = self._own.get(name)
        if own is not None:
            return own
        if name in STRATEGY_REGISTRY:
            return registered_strategy(name)
        raise RequestError("strategy", name, f"one of {', '.join(self.names())}")

    def reference(self, name: str) -> str:
        """How a worker finds the class: by its name, or by the operator's file."""
        return self._files.get(name, name)

    def names(self) -> tuple[str, ...]:
        """All names in order."""
        return tuple(sorted({*STRATEGY_REGISTRY, *self._own}))

    def available(self) -> tuple[AvailableStrategy, ...]:
        """Every strategy with its parameters, in order of their names."""
        found = []
        for name in self.names():
            one = self.of(name)
            found.append(
                AvailableStrategy(
                    name=name,
                    description=one.description,
                    form=one.form(),
                    parameters=one.get_parameters(),
                    source="file" if name in self._own else "registered",
                )
            )
        return tuple(found)

    def check(self, name: str, parameters: Mapping[str, Any], *, alone: bool = False) -> None:
        """Refuses parameters that the strategy does not take, without running any of its work.

        Args:
            name: of the strategy.
            parameters: by name.
            alone: whether it is to run over one contract.

        Raises:
            RequestError: names the parameter, its value and what is allowed; or the strategy, if it
                takes several contracts and is to run over one.
        """
        one = self.of(name)
        try:
            least = one(parameters).contracts_least
        except RequestError:
            raise
        except Exception as error:
            problem = f"a strategy that can be made; {type(error).__name__}: {error}"
            raise RequestError("strategy", name, problem) from error
        if alone and least > 1:
            raise RequestError(
                "strategy",
                name,
                f"one of a single contract: this takes {least}, which `headwater backtest` runs",
            )

    def check_swept(
        self, name: str, fixed: Mapping[str, Any], swept: Mapping[str, Sequence[Any]]
    ) -> None:
        """Refuses a strategy that no search runs, and parameters that it does not take.

        Each value is looked at alone: which go together the search finds out, and leaves the
        others out.

        Raises:
            RequestError: names the strategy or the parameter, its value and what is allowed.
        """
        kind = self.of(name)
        checked_parameters(kind.declared, fixed, name)
        check_searchable(kind, fixed)
        for parameter, values in swept.items():
            for value in values:
                checked_parameters(kind.declared, {parameter: value}, name)
