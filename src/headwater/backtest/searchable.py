"""Which strategies a search can run: known before any data are read.

A search runs every combination over the columns of one contract. Strategies that hear events, or
that play one contract off against another, are run one by one by `headwater backtest`.
"""

from collections.abc import Mapping
from typing import Any

from headwater.core.errors import RequestError
from headwater.strategies.base import BaseStrategy

__all__ = ["check_one_is_enough", "check_searchable"]


def check_searchable(kind: type[BaseStrategy], fixed: Mapping[str, Any] | None = None) -> None:
    """Refuses a strategy that no combination of its parameters makes one for a search.

    Args:
        kind: the strategy's class.
        fixed: parameters that are the same for all combinations; how many contracts a strategy
            takes may depend on them.

    Raises:
        RequestError: names the strategy, why, and what is allowed.
    """
    # What is fixed goes with values of what is varied, perhaps not with their defaults.
    for parameters in (fixed, None):
        one = _made(kind, parameters)
        if one is not None:
            check_one_is_enough(one)
            break
    if kind.form() == "events":
        raise _refusal(kind.name, "hears events")


def check_one_is_enough(strategy: BaseStrategy) -> None:
    """Refuses one combination that takes several contracts.

    Raises:
        RequestError: names the strategy, and what is allowed.
    """
    least = strategy.contracts_least
    if least > 1:
        raise _refusal(strategy.name, f"takes {least} contracts")


def _made(kind: type[BaseStrategy], parameters: Mapping[str, Any] | None) -> BaseStrategy | None:
    """The strategy with some parameters; None where it does not take them.

    Raises:
        RequestError: it cannot be made, whatever the parameters.
    """
    try:
        return kind(parameters)
    except RequestError:
        return None
    except Exception as error:
        problem = f"a strategy that can be made; {type(error).__name__}: {error}"
        raise RequestError("strategy", kind.name, problem) from error


def _refusal(name: str, why: str) -> RequestError:
    return RequestError(
        "strategy",
        name,
        f"one of signals or callbacks over a single contract: this {why}, which a search does not "
        "run and `headwater backtest` does",
    )
