"""The services of the terminal API, made and started."""

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from headwater.core.clock import Clock
from headwater.feeds.source import MarketSource
from headwater.services.symbols import SymbolService


def symbol_service(
    sources: Mapping[str, MarketSource],
    clock: Clock,
    own: Callable[[Coroutine[Any, Any, None], str], None],
) -> SymbolService:
    """The symbol service, at work.

    Args:
        sources: venues' data by venue id.
        clock: measures ages.
        own: starts a task that must not end by itself, and stops it at the end.
    """
    symbols = SymbolService(sources, clock)
    own(symbols.run(), "service symbols")
    return symbols
