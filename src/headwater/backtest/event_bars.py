"""An event strategy over the bars of one contract, by the assumptions of the other drives."""

from collections.abc import Callable
from typing import Final

import numpy as np

from headwater.backtest.assumptions import Assumptions
from headwater.backtest.bar_ends import bar_ends_ms
from headwater.backtest.event_account import EventAccount
from headwater.backtest.event_run import run_events
from headwater.backtest.event_streams import MarketStreams
from headwater.backtest.funding import FundingBars, FundingColumns
from headwater.backtest.outcome import Outcome
from headwater.strategies.bars import Bars
from headwater.strategies.base import BaseStrategy

__all__ = ["run_events_over_bars"]

_UNNAMED: Final = "data"


def run_events_over_bars(
    strategy: BaseStrategy,
    bars: Bars,
    rules: Assumptions,
    *,
    funding: FundingColumns | None = None,
    detail: Bars | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Outcome:
    """Plays bars to a strategy.

    Args:
        strategy: of the event form; of another one in `AskedStrategy`.
        bars: what is traded on.
        rules: costs and fill rule, checked.
        funding: payments of the contract; None for none.
        detail: smaller bars, which meet the orders where they are all there.
        progress: told (events done, events) now and then.

    Returns:
        What it came to. A run that was ruined within a bar ends with that bar.

    Raises:
        RequestError: an order that makes no sense, or smaller bars that do not fit into the bars.
    """
    exchange, symbol = rules.exchange or _UNNAMED, bars.symbol or _UNNAMED
    inside = None if funding is None else _laid(funding, bars)
    streams = MarketStreams(exchange, symbol, bars=bars, funding=inside, detail=detail)
    account = EventAccount.of(rules, [(exchange, symbol)])
    return run_events(strategy, [streams], account, progress=progress).single(bars)


def _laid(funding: FundingColumns, bars: Bars) -> FundingColumns:
    """The payments as the other drives take them: within the bars, with a mark price each.

    One that is due in a hole between bars is paid when the next one opens.
    """
    laid = FundingBars.of(funding, bars)
    times = funding.timestamp_ms
    opened = bars.timestamp_ms
    inside = times[(times >= opened[0]) & (times < bar_ends_ms(bars)[-1])]
    at_open = np.array(laid.is_at_open, dtype=np.bool_)
    return FundingColumns(
        timestamp_ms=np.where(at_open, opened[np.array(laid.bar, dtype=np.int64)], inside),
        rate=np.array(laid.rate, dtype=np.float64),
        mark_price=np.array(laid.mark_price, dtype=np.float64),
    )
