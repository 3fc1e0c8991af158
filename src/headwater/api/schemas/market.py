"""Views of market records: the names of the market API (requirements T-M1 to T-M6).

Numbers are in the units of `core.records`: prices in quote currency, quantities in base units,
rates as fractions. `null` means that the venue does not say.
"""

from typing import Annotated

from msgspec import Meta

from headwater.api.schemas.base import IsoTime, View
from headwater.core.enums import (
    Channel,
    GapCause,
    GapState,
    InstrumentKind,
    InstrumentStatus,
    PositionSide,
    PriceKind,
    Side,
)
from headwater.core.intervals import Interval
from headwater.core.records import Level

NotNegative = Annotated[float, Meta(ge=0)]


class MarketView(View, frozen=True, kw_only=True, gc=False):
    """What every market view carries.

    Attributes:
        exchange: venue id, lower case.
        symbol: canonical symbol: base and quote in upper case without a separator.
        native_symbol: the venue's own spelling.
        timestamp: the venue's time of the event, UTC.
    """

    exchange: str
    symbol: str
    native_symbol: str
    timestamp: IsoTime


class OhlcView(MarketView, frozen=True, kw_only=True, gc=False):
    """One candle; `timestamp` is its opening time.

    Attributes:
        interval: its length.
        open: first traded price.
        high: highest traded price.
        low: lowest traded price.
        close: last traded price.
        volume: base units traded.
        quote_volume: quote currency traded.
        trades_count: number of trades.
        is_closed: false while the candle is still forming.
        taker_buy_volume: base units bought by takers.
        built_from: interval of the smaller candles it was built of; null for the venue's own.
        revision: how often it was corrected after it had closed; a higher one replaces a lower.
    """

    interval: Interval
    open: NotNegative
    high: NotNegative
    low: NotNegative
    close: NotNegative
    volume: NotNegative
    quote_volume: NotNegative | None
    trades_count: int | None
    is_closed: bool
    taker_buy_volume: NotNegative | None
    built_from: Interval | None
    revision: Annotated[int, Meta(ge=0)]


class OpenInterestView(MarketView, frozen=True, kw_only=True, gc=False):
    """Open contracts, counted one-sided.

    Attributes:
        open_interest: base units.
        open_interest_value: the same in USD.
    """

    open_interest: NotNegative
    open_interest_value: NotNegative | None


class FundingRateView(MarketView, frozen=True, kw_only=True, gc=False):
    """One funding settlement, past or coming.

    Attributes:
        funding_rate: fraction per interval; positive: longs pay shorts.
        funding_time: time of the settlement.
        interval_h: hours between settlements.
    """

    funding_rate: float
    funding_time: IsoTime
    interval_h: float | None


class TradeView(MarketView, frozen=True, kw_only=True, gc=False):
    """One public trade.

    Attributes:
        side: the taker's side.
        price: quote currency per base unit.
        quantity: base units.
        value: price × quantity, quote currency.
        trade_id: the venue's id.
    """

    side: Side
    price: NotNegative
    quantity: NotNegative
    value: NotNegative
    trade_id: str


class LargeTradeView(TradeView, frozen=True, kw_only=True, gc=False):
    """A trade whose value reached the configured threshold.

    Attributes:
        is_buyer_maker: true when the taker sold.
    """

    is_buyer_maker: bool


class LiquidationView(MarketView, frozen=True, kw_only=True, gc=False):
    """A forced close.

    Attributes:
        side: side of the closing order: sell = a long was liquidated.
        position_side: the position that was closed.
        price: of the kind `price_kind`.
        quantity: base units closed.
        value: price × quantity in USD.
        price_kind: what `price` is.
        order_id: the venue's id.
        is_floor: true where the venue throttles the stream, so that sums are a lower bound.
    """

    side: Side
    position_side: PositionSide
    price: NotNegative
    quantity: NotNegative
    value: NotNegative
    price_kind: PriceKind
    order_id: str | None
    is_floor: bool


class OrderBookView(MarketView, frozen=True, kw_only=True, gc=False):
    """The top of an order book. Levels are price and quantity, the best first.

    Attributes:
        bids: highest price first.
        asks: lowest price first.
        sequence: the venue's number of the last change contained.
    """

    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    sequence: int | None


class TickerView(MarketView, frozen=True, kw_only=True, gc=False):
    """Best quotes and figures of the last 24 hours.

    Attributes:
        bid: best bid price.
        ask: best ask price.
        last: last traded price.
        volume_24h: base units traded.
        quote_volume_24h: quote currency traded.
        change_24h: change of the price as a fraction: 0.01 = 1 %.
    """

    bid: NotNegative | None
    ask: NotNegative | None
    last: NotNegative | None
    volume_24h: NotNegative | None
    quote_volume_24h: NotNegative | None
    change_24h: float | None


class MarkPriceView(MarketView, frozen=True, kw_only=True, gc=False):
    """Mark and index price and the funding to come.

    Attributes:
        mark_price: price that margin is computed with.
        index_price: price of the spot basket.
        funding_rate: running estimate for the coming settlement, a fraction per interval.
        next_funding_time: time of the coming settlement.
    """

    mark_price: NotNegative
    index_price: NotNegative | None
    funding_rate: float | None
    next_funding_time: IsoTime | None


class GapView(MarketView, frozen=True, kw_only=True, gc=False):
    """A hole in a stream; `timestamp` is its start, `symbol` is `*` for a whole market.

    Attributes:
        gap_id: number within this process and venue.
        channel: which stream.
        cause: why it arose.
        state: what became of it.
        until: end of the hole, null while it is open.
        first_sequence: first missing trade or change.
        last_sequence: last missing one.
        recovered: records brought back so far.
        detail: in words.
    """

    gap_id: int
    channel: Channel
    cause: GapCause
    state: GapState
    until: IsoTime | None
    first_sequence: int | None
    last_sequence: int | None
    recovered: int
    detail: str


class InstrumentView(View, frozen=True, kw_only=True, gc=False):
    """One tradable contract.

    Attributes:
        exchange: venue id.
        symbol: canonical symbol.
        native_symbol: the venue's own spelling.
        base_asset: what is traded.
        quote_asset: what prices are in.
        settle_asset: what profit and margin are in.
        kind: perpetual or dated.
        status: whether it trades now.
        is_linear: true when profit is in quote currency.
        contract_size: base units per contract.
        price_tick: smallest price step, exact decimal as text.
        quantity_step: smallest quantity step, exact decimal as text.
        min_quantity: smallest order in base units, exact decimal as text.
        min_notional: smallest order in quote currency, exact decimal as text.
        funding_interval_h: hours between funding settlements.
        listed_at: start of trading.
        expires_at: delivery time of dated contracts.
    """

    exchange: str
    symbol: str
    native_symbol: str
    base_asset: str
    quote_asset: str
    settle_asset: str
    kind: InstrumentKind
    status: InstrumentStatus
    is_linear: bool
    contract_size: float
    price_tick: str
    quantity_step: str
    min_quantity: str | None
    min_notional: str | None
    funding_interval_h: float | None
    listed_at: IsoTime | None
    expires_at: IsoTime | None
