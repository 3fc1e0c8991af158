"""The short way of live trades, per symbol: a closure each, told everything at its making.

It does what nearly every trade needs and hands the others to `unusual`. Closures, because this is
run for every trade of every venue: what they need is at hand without a look-up.
"""

from collections.abc import Callable, Collection

import msgspec

from headwater.core.records import Trade
from headwater.feeds.trade_line import TradeLine
from headwater.venues.base import Taker
from headwater.venues.messages import TradeRun

Publish = Callable[[Trade], None]
Unusual = Callable[[Trade, TradeLine], None]


class Takers(msgspec.Struct, frozen=True):
    """What takes the live trades of one symbol.

    Attributes:
        one: takes a trade.
        run: takes several of one message.
    """

    one: Taker
    run: Callable[[TradeRun], None]


def takers_of(
    line: TradeLine, publish: Publish, unusual: Unusual, waits: Collection[str]
) -> Takers:
    """The takers of a symbol.

    Args:
        line: its state.
        publish: sends a trade of it out.
        unusual: takes what is not plainly the next one.
        waits: uncounted symbols under repair; while there are any, none is plainly new.
    """
    if line.counted:
        return _counted(line, publish, unusual)
    return _uncounted(line, publish, unusual, waits)


def _counted(line: TradeLine, publish: Publish, unusual: Unusual) -> Takers:
    """Takers of a counted symbol: the next trade in order is published at once."""
    keep = line.recent.append

    def take(trade: Trade) -> None:
        sequence = trade.sequence
        if sequence == line.expected and sequence is not None:
            line.expected = sequence + 1
            keep(trade)
            publish(trade)
        else:
            unusual(trade, line)

    def take_run(trades: TradeRun) -> None:
        for trade in trades:
            take(trade)

    return Takers(take, take_run)


def _uncounted(
    line: TradeLine, publish: Publish, unusual: Unusual, waits: Collection[str]
) -> Takers:
    """Takers of an uncounted symbol: a trade that is later than all before is new."""
    keep = line.recent.append
    keep_all = line.recent.extend

    def take(trade: Trade) -> None:
        if waits:
            unusual(trade, line)
            return
        if trade.timestamp_ms > line.latest.timestamp_ms:
            line.latest = trade
        elif not line.joins_latest(trade):
            unusual(trade, line)
            return
        keep(trade)
        publish(trade)

    def take_run(trades: TradeRun) -> None:
        first = trades[0]
        if (
            waits
            or first.timestamp_ms <= line.latest.timestamp_ms
            or len({one.timestamp_ms for one in trades}) > 1
            or len({one.trade_id for one in trades}) < len(trades)
        ):
            for trade in trades:
                take(trade)
            return
        line.latest = first
        keep_all(trades)
        for trade in trades:
            publish(trade)

    return Takers(take, take_run)
