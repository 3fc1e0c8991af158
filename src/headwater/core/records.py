"""Every record that crosses a border of ours: one definition for bus, storage, API and documents.

Frozen msgspec structs, outside the garbage collector (they hold no cycles). They are made by
keyword; only the parsers of trades go by position, which saves a twentieth of a message. Prices and
quantities are floats in the units named below; `None` means "the venue does not say" and zero means
zero. Source of the fields: the shared design, section 3; the meaning per venue stands in
`venues/<venue>/README.md`.
"""

from typing import ClassVar, Self

import msgspec

from headwater.core.enums import (
    Channel,
    FeedState,
    GapCause,
    GapState,
    PositionSide,
    PriceKind,
    Side,
    SpikeMethod,
)
from headwater.core.intervals import Interval

Level = tuple[float, float]
"""One level of a book: price in quote currency, quantity in base units (0 removes the level)."""

ALL_SYMBOLS = "*"
"""Stands in `symbol` where a record or topic concerns every instrument of a venue."""


class Record(msgspec.Struct, frozen=True, gc=False):
    """What every record carries.

    Attributes:
        exchange: venue id, lower case (`binance`).
        symbol: canonical symbol, BASE+QUOTE without separator (`BTCUSDT`).
        native_symbol: the venue's own spelling.
        timestamp_ms: the venue's time of the event, ms since the epoch, UTC.
        received_ns: our wall time when its bytes arrived, ns since the epoch.
    """

    kind: ClassVar[str] = "record"

    exchange: str
    symbol: str
    native_symbol: str
    timestamp_ms: int
    received_ns: int

    def over(self, older: Self) -> Self:
        """What is known when this supersedes `older`, of its class and symbol: this, as a rule."""
        del older
        return self


class Trade(Record, frozen=True, gc=False):
    """One public trade (on Binance, fills of one taker order at one price).

    Attributes:
        side: the taker's side.
        price: quote currency per base unit, > 0.
        quantity: base units, > 0.
        value: price × quantity, quote currency.
        trade_id: the venue's id as the venue gives it, a number or a text.
        sequence: the same number where the venue counts trades of a symbol without holes,
            so that a missing one is noticed; else None.
    """

    kind: ClassVar[str] = "trade"

    side: Side
    price: float
    quantity: float
    value: float
    trade_id: int | str
    sequence: int | None = None


class LargeTrade(Trade, frozen=True, kw_only=True, gc=False):
    """A trade whose value reached the configured threshold.

    Attributes:
        is_buyer_maker: true when the taker sold.
    """

    kind: ClassVar[str] = "large_trade"

    is_buyer_maker: bool


class Candle(Record, frozen=True, kw_only=True, gc=False):
    """One candle; `timestamp_ms` is its opening time.

    Attributes:
        interval: its length.
        open: first traded price, quote currency.
        high: highest.
        low: lowest.
        close: last.
        volume: base units traded.
        quote_volume: quote currency traded, None where the venue does not say.
        trades_count: number of trades, None where the venue does not say.
        is_closed: whether the venue calls it final.
        taker_buy_volume: base units bought by takers, None where the venue does not say.
        built_from: interval of the smaller candles it was built of; None for the venue's own.
        revision: how often it was corrected after it had closed (late trades); of a built
            candle, the corrections of its parts. A higher one replaces a lower one.
    """

    kind: ClassVar[str] = "candle"

    interval: Interval
    open: float
    high: float
    low: float
    close: float
    volume: float
    quote_volume: float | None
    trades_count: int | None
    is_closed: bool
    taker_buy_volume: float | None = None
    built_from: Interval | None = None
    revision: int = 0


class BookSnapshot(Record, frozen=True, kw_only=True, gc=False):
    """A whole book, or its top.

    Attributes:
        bids: best (highest) first.
        asks: best (lowest) first.
        sequence: the venue's number of the last change contained, None where it has none.
        is_start: whether it is all that is known of a live book, which the deltas that follow
            continue: who builds on deltas begins here. Not the top, nor an answer to a question.
    """

    kind: ClassVar[str] = "book_snapshot"

    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    sequence: int | None
    is_start: bool = False

    def over(self, older: Self) -> Self:
        """This snapshot, marked as a start where nobody read one: its reader asks for the whole."""
        return msgspec.structs.replace(self, is_start=self.is_start or older.is_start)


class BookDelta(Record, frozen=True, kw_only=True, gc=False):
    """A change of a book: absolute quantities; 0 removes the level.

    Attributes:
        bids: changed bid levels, in the venue's order.
        asks: changed ask levels.
        sequence: number of the last change contained, None where the venue has none.
        first_sequence: number of the first change contained, None where unknown.
        previous_sequence: `sequence` of the delta before this one, None where unknown.
    """

    kind: ClassVar[str] = "book_delta"

    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    sequence: int | None
    first_sequence: int | None = None
    previous_sequence: int | None = None


class Ticker(Record, frozen=True, kw_only=True, gc=False):
    """Best quotes and 24-hour figures; a venue's message may fill only some of them.

    Attributes:
        bid: best bid price.
        ask: best ask price.
        last: last traded price.
        volume_24h: base units in the last 24 h.
        quote_volume_24h: quote currency in the last 24 h.
        change_24h: change of the price in 24 h as a fraction (0.01 = 1 %).
        bid_quantity: base units at the best bid.
        ask_quantity: base units at the best ask.
    """

    kind: ClassVar[str] = "ticker"

    bid: float | None = None
    ask: float | None = None
    last: float | None = None
    volume_24h: float | None = None
    quote_volume_24h: float | None = None
    change_24h: float | None = None
    bid_quantity: float | None = None
    ask_quantity: float | None = None

    def over(self, older: Self) -> Self:
        """This ticker, with what it does not say taken from `older`."""
        told = {
            name: getattr(older, name)
            for name in _TICKER_FIELDS
            if getattr(self, name) is None and getattr(older, name) is not None
        }
        return msgspec.structs.replace(self, **told) if told else self


_TICKER_FIELDS = Ticker.__struct_fields__[len(Record.__struct_fields__) :]


class MarkPrice(Record, frozen=True, kw_only=True, gc=False):
    """Mark and index price and the funding to come.

    Attributes:
        mark: price that margin is computed with, quote currency.
        index: spot basket price.
        funding_rate: running estimate for the coming settlement, a fraction per interval;
            positive: longs pay shorts. None for contracts without funding.
        next_funding_ms: time of the coming settlement; None for contracts without funding.
    """

    kind: ClassVar[str] = "mark_price"

    mark: float
    index: float | None
    funding_rate: float | None
    next_funding_ms: int | None


class MarkCandle(Record, frozen=True, kw_only=True, gc=False):
    """One bar of the mark price; `timestamp_ms` is its opening time, prices are quote currency.

    Attributes:
        interval: its length.
        open: first mark price of the bar.
        high: highest.
        low: lowest.
        close: last.
        is_closed: whether it is final.
        readings: how many mark prices it was made of; None for the venue's own bar.
    """

    kind: ClassVar[str] = "mark_candle"

    interval: Interval
    open: float
    high: float
    low: float
    close: float
    is_closed: bool
    readings: int | None = None


class FundingRate(Record, frozen=True, kw_only=True, gc=False):
    """One funding settlement, past (history) or coming (the running estimate).

    Attributes:
        rate: fraction per interval; positive: longs pay shorts.
        interval_h: hours between settlements, None where unknown.
        funding_time_ms: time of the settlement.
    """

    kind: ClassVar[str] = "funding_rate"

    rate: float
    interval_h: float | None
    funding_time_ms: int


class PredictedFunding(Record, frozen=True, kw_only=True, gc=False):
    """What one venue publishes about the coming funding of a coin on another venue, or its own.

    Attributes:
        venue: the publisher's name of the venue it speaks of (`HlPerp`, `BinPerp`).
        rate: fraction per interval; None where the publisher knows none.
        interval_h: hours between settlements, None where unknown.
        next_funding_ms: time of the settlement, None where unknown.
    """

    kind: ClassVar[str] = "predicted_funding"

    venue: str
    rate: float | None
    interval_h: float | None
    next_funding_ms: int | None


class OpenInterest(Record, frozen=True, kw_only=True, gc=False):
    """Open contracts, counted one-sided.

    Attributes:
        open_interest: base units, ≥ 0.
        value: the same in USD, None where it cannot be told.
    """

    kind: ClassVar[str] = "open_interest"

    open_interest: float
    value: float | None


class Liquidation(Record, frozen=True, kw_only=True, gc=False):
    """A forced close.

    Attributes:
        side: side of the closing order (sell = a long was liquidated).
        position_side: the position that was closed.
        price: of the kind `price_kind`, quote currency.
        quantity: base units closed.
        value: price × quantity in USD.
        price_kind: what `price` is.
        order_id: the venue's id, None where it gives none.
        is_floor: true where the venue throttles the stream, so that sums are a lower bound.
        order_price: limit price of the closing order, None where the venue does not say.
    """

    kind: ClassVar[str] = "liquidation"

    side: Side
    position_side: PositionSide
    price: float
    quantity: float
    value: float
    price_kind: PriceKind
    order_id: str | None
    is_floor: bool
    order_price: float | None = None


class OiVolumeSpike(Record, frozen=True, kw_only=True, gc=False):
    """Open interest or volume of one closed bar stands out; `timestamp_ms` is the bar's end.

    Scores are in the method's standard deviations, signed: negative is a fall. None where a
    series has too few points or does not vary.

    Attributes:
        interval: length of the bar.
        method: which score was held against the threshold.
        threshold: the score's absolute value is greater than this, strictly.
        z_oi: score of the open interest.
        z_volume: score of the quote volume.
        confirmed: whether both series stand out.
        open_interest_usd: open interest at the bar's end, USD.
        volume_usd: quote volume of the bar, USD.
    """

    kind: ClassVar[str] = "oi_spike"

    interval: Interval
    method: SpikeMethod
    threshold: float
    z_oi: float | None
    z_volume: float | None
    confirmed: bool
    open_interest_usd: float
    volume_usd: float


class ConnectionState(Record, frozen=True, kw_only=True, gc=False):
    """A change in the state of one channel of a venue; `symbol` is `*` for a whole connection.

    Attributes:
        channel: what it concerns, None for a whole connection.
        state: the new state.
        reason: why, in words.
        since_ms: wall time of the change, ms since the epoch.
    """

    kind: ClassVar[str] = "connection_state"

    channel: Channel | None
    state: FeedState
    reason: str
    since_ms: int


class Gap(Record, frozen=True, kw_only=True, gc=False):
    """A hole in a stream, as the gap ledger keeps it; `timestamp_ms` is its start.

    Attributes:
        gap_id: number within the venue's ledger, rising, over restarts too where rows are stored.
        channel: which stream.
        cause: why it arose.
        state: what became of it.
        until_ms: end of the hole, None while it is open.
        first_sequence: first missing trade or change, None where the venue does not count.
        last_sequence: last missing one.
        recovered: records brought back so far.
        detail: in words.
    """

    kind: ClassVar[str] = "gap"

    gap_id: int
    channel: Channel
    cause: GapCause
    state: GapState
    until_ms: int | None
    first_sequence: int | None
    last_sequence: int | None
    recovered: int
    detail: str
