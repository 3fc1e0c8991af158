"""The streams, declared once: of one venue (requirements T-W1), and over all venues (T-W2 to T-W4).

The resolver, the publisher, `/ws-catalog` and `/asyncapi.json` all read these tables. A message of
`/ws/{exchange}/{symbol}/{stream}` is the JSON of one view, without an envelope and without a `type`
(a `dropped` notice has one); a message of a stream over all venues names its `type`.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from headwater.api.schemas.aggregated import AnyLargeTradeView, AnyLiquidationView, OiSpikeView
from headwater.api.schemas.base import View, encode
from headwater.api.schemas.market import (
    LargeTradeView,
    LiquidationView,
    MarkPriceView,
    OhlcView,
    OrderBookView,
    TickerView,
    TradeView,
)
from headwater.api.schemas.views import (
    any_large_trade_view,
    any_liquidation_view,
    large_trade_view,
    liquidation_view,
    mark_price_view,
    ohlc_view,
    oi_spike_view,
    order_book_view,
    ticker_view,
    trade_view,
)
from headwater.bus.topics import POLICIES, SlowPolicy
from headwater.core.enums import Channel
from headwater.core.intervals import Interval
from headwater.core.records import (
    BookSnapshot,
    Candle,
    LargeTrade,
    Liquidation,
    MarkPrice,
    OiVolumeSpike,
    Record,
    Ticker,
    Trade,
)

ALL: Final = "all"
"""Stands for the whole market in the `symbol` of a path, and for all venues at its beginning."""

ANY_EXCHANGE: Final = "*"
"""Stands for all venues where a topic names its venue."""

DEFAULT_INTERVAL: Final = Interval.M1
"""Of candle streams without `interval`."""

BOOK_LEVELS: Final = 50
"""Levels a side in a message of an order-book stream; the feeds publish as many."""

EncodeRecord = Callable[[Any], bytes]


class StreamSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One stream.

    Attributes:
        name: last segment of its path.
        description: what it sends, for people.
        record: class of the records it is made of.
        view: what each message is.
        encode: makes a message of a record of that class.
        channels: live data of the venue it needs; the first one decides whether it is there.
        takes_interval: whether `?interval=` is understood.
        takes_all: whether `all` may stand for the symbol.
    """

    name: str
    description: str
    record: type[Record]
    view: type[View]
    encode: EncodeRecord
    channels: tuple[Channel, ...]
    takes_interval: bool = False
    takes_all: bool = False

    @property
    def policy(self) -> SlowPolicy:
        """What happens to the messages of a slow client: as to the record's readers."""
        return POLICIES[self.record]

    def key(self, exchange: str, symbol: str, interval: Interval | None) -> str:
        """Key of the hub's topic, which clients read in `dropped` notices."""
        if exchange == ANY_EXCHANGE:
            return f"{ALL}:{self.name}"
        end = "" if interval is None else f":{interval.value}"
        return f"{exchange}:{symbol}:{self.name}{end}"


def encode_candle(record: Candle) -> bytes:
    """A message of a candle stream."""
    return encode(ohlc_view(record))


def encode_liquidation(record: Liquidation) -> bytes:
    """A message of a liquidation stream."""
    return encode(liquidation_view(record))


def encode_large_trade(record: LargeTrade) -> bytes:
    """A message of a large-trade stream."""
    return encode(large_trade_view(record))


def encode_trade(record: Trade) -> bytes:
    """A message of a trade stream."""
    return encode(trade_view(record))


def encode_book(record: BookSnapshot) -> bytes:
    """A message of an order-book stream: the top of the book."""
    return encode(order_book_view(record, BOOK_LEVELS))


def encode_ticker(record: Ticker) -> bytes:
    """A message of a ticker stream."""
    return encode(ticker_view(record))


def encode_mark_price(record: MarkPrice) -> bytes:
    """A message of a mark-price stream."""
    return encode(mark_price_view(record))


def encode_any_liquidation(record: Liquidation) -> bytes:
    """A message of the stream of all liquidations."""
    return encode(any_liquidation_view(record))


def encode_any_large_trade(record: Trade) -> bytes:
    """A message of the stream of all large trades."""
    return encode(any_large_trade_view(record))


def encode_oi_spike(record: OiVolumeSpike) -> bytes:
    """A message of the stream of spikes."""
    return encode(oi_spike_view(record))


_SPECS: Final = (
    StreamSpec(
        name="ohlc",
        description=(
            "Candles of `interval` (default 1m). The forming candle repeats with "
            "`is_closed` false; its last message says true. The current one comes first. A closed "
            "one comes again with a higher `revision` when late trades change it; one that the "
            "venue does not have itself names its parts in `built_from`."
        ),
        record=Candle,
        view=OhlcView,
        encode=encode_candle,
        channels=(Channel.CANDLES,),
        takes_interval=True,
    ),
    StreamSpec(
        name="liquidations",
        description="Forced closes. The symbol may be `all` for the whole market.",
        record=Liquidation,
        view=LiquidationView,
        encode=encode_liquidation,
        channels=(Channel.LIQUIDATIONS,),
        takes_all=True,
    ),
    StreamSpec(
        name="large_trades",
        description="Trades of at least the threshold set for this server.",
        record=LargeTrade,
        view=LargeTradeView,
        encode=encode_large_trade,
        channels=(Channel.TRADES,),
    ),
    StreamSpec(
        name="trades",
        description="Every public trade.",
        record=Trade,
        view=TradeView,
        encode=encode_trade,
        channels=(Channel.TRADES,),
    ),
    StreamSpec(
        name="orderbook",
        description=(
            f"The best {BOOK_LEVELS} levels a side, whole in each message, at most every 100 ms. "
            "The current book comes first."
        ),
        record=BookSnapshot,
        view=OrderBookView,
        encode=encode_book,
        channels=(Channel.BOOK,),
    ),
    StreamSpec(
        name="ticker",
        description="Best quotes and 24-hour figures, on every change of either.",
        record=Ticker,
        view=TickerView,
        encode=encode_ticker,
        channels=(Channel.TICKERS, Channel.QUOTES),
    ),
    StreamSpec(
        name="mark_price",
        description="Mark and index price and the funding to come.",
        record=MarkPrice,
        view=MarkPriceView,
        encode=encode_mark_price,
        channels=(Channel.MARK_PRICES,),
    ),
)

STREAMS: Final[Mapping[str, StreamSpec]] = {spec.name: spec for spec in _SPECS}
"""Every stream by its name."""


class AggregateSpec(StreamSpec, frozen=True, kw_only=True):
    """One stream over all venues.

    Attributes:
        path: of the socket, after `/ws/`.
        min_value_usd: least value a client gets that names none; None where events have no value.
    """

    path: str
    min_value_usd: float | None = None

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of what a query may say."""
        first = "timeframes" if self.min_value_usd is None else "min_value_usd"
        return (first, "exchanges", "symbols")


_AGGREGATES: Final = (
    AggregateSpec(
        path=f"{ALL}/liquidations",
        name="liquidations",
        description="Forced closes of every venue that tells of them.",
        record=Liquidation,
        view=AnyLiquidationView,
        encode=encode_any_liquidation,
        channels=(Channel.LIQUIDATIONS,),
        min_value_usd=5_000.0,
    ),
    AggregateSpec(
        path=f"{ALL}/large_trades",
        name="large_trades",
        description=(
            "Trades of at least `min_value_usd` of every venue, for the symbols that this server "
            "keeps live and those named in `symbols`."
        ),
        record=Trade,
        view=AnyLargeTradeView,
        encode=encode_any_large_trade,
        channels=(Channel.TRADES,),
        min_value_usd=100_000.0,
    ),
    AggregateSpec(
        path="oi-vol",
        name="oi-vol",
        description="Closed bars whose open interest or volume stands out, on every venue.",
        record=OiVolumeSpike,
        view=OiSpikeView,
        encode=encode_oi_spike,
        channels=(),
    ),
)

AGGREGATES: Final[Mapping[str, AggregateSpec]] = {spec.path: spec for spec in _AGGREGATES}
"""Every stream over all venues by its path after `/ws/`."""
