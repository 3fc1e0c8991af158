"""Which of Bybit's topics stand behind our channels, and what is known of one.

Source: https://bybit-exchange.github.io/docs/v5/ws/connect
"""

from collections.abc import Mapping
from typing import Final

from headwater.core.enums import Channel
from headwater.core.errors import RequestError
from headwater.core.instruments import InstrumentTable
from headwater.venues.base import Taker
from headwater.venues.bybit import market_events
from headwater.venues.bybit.symbols import INTERVAL_NAMES, is_linear, symbol_in
from headwater.venues.messages import Subscription

TRADES: Final = "publicTrade"
"""Kind of the busiest topics."""
_PREFIXES: Final[Mapping[Channel, str]] = {
    Channel.TRADES: TRADES,
    Channel.BOOK: "orderbook.200",
    Channel.QUOTES: "orderbook.1",
    Channel.TICKERS: "tickers",
    Channel.MARK_PRICES: "tickers",
    Channel.OPEN_INTEREST: "tickers",
    Channel.LIQUIDATIONS: "allLiquidation",
}


def topic_of(subscription: Subscription) -> str:
    """The venue's topic: `kline.5.BTCUSDT`, `tickers.BTCUSDT`.

    Raises:
        RequestError: the whole market, candles without an interval, or of one there is not.
    """
    channel, native_symbol = subscription.channel, subscription.native_symbol
    if native_symbol is None:
        raise RequestError("native_symbol", None, f"{channel} exist per symbol only")
    if channel is Channel.CANDLES:
        name = None if subscription.interval is None else INTERVAL_NAMES.get(subscription.interval)
        if name is None:
            allowed = f"one of {', '.join(INTERVAL_NAMES)}"
            raise RequestError("interval", subscription.interval, allowed)
        return f"kline.{name}.{native_symbol}"
    return f"{_PREFIXES[channel]}.{native_symbol}"


class Topic:
    """One topic: whose it is, who wants it, what came of it.

    Attributes:
        prefix: the kind, `publicTrade`.
        native_symbol: the venue's name.
        symbol: ours.
        is_linear: whether the symbol is of the category that is read.
        channels: our channels that want it.
        last_data_ns: receive time of its last data, None before the first.
        seen_ns: the same by channel, where several share it.
        ticker: what its snapshot and deltas have built.
        take: what takes its trades, None where they are returned.

    Args:
        name: the venue's topic.
        table: names the symbol.
    """

    __slots__ = ("channels", "is_linear", "last_data_ns", "native_symbol",
                 "prefix", "seen_ns", "symbol", "take", "ticker")  # fmt: skip

    def __init__(self, name: str, table: InstrumentTable) -> None:
        self.prefix, _, self.native_symbol = name.rpartition(".")
        self.symbol = symbol_in(table, self.native_symbol)
        self.is_linear = is_linear(self.native_symbol)
        self.channels: set[Channel] = set()
        self.last_data_ns: int | None = None
        self.seen_ns: dict[Channel, int] = {}
        self.ticker = market_events.TickerState()
        self.take: Taker | None = None
