"""Makes views of records: the one place where the record's names meet those of the market API."""

from decimal import Decimal

from headwater.api.schemas.aggregated import AnyLargeTradeView, AnyLiquidationView, OiSpikeView
from headwater.api.schemas.base import iso_of, iso_or_none
from headwater.api.schemas.market import (
    FundingRateView,
    GapView,
    InstrumentView,
    LargeTradeView,
    LiquidationView,
    MarkPriceView,
    OhlcView,
    OpenInterestView,
    OrderBookView,
    TickerView,
    TradeView,
)
from headwater.core.enums import Side
from headwater.core.instruments import Instrument
from headwater.core.records import (
    BookSnapshot,
    Candle,
    FundingRate,
    Gap,
    LargeTrade,
    Liquidation,
    MarkPrice,
    OiVolumeSpike,
    OpenInterest,
    Ticker,
    Trade,
)


def ohlc_view(record: Candle) -> OhlcView:
    """The view of a candle."""
    return OhlcView(
        exchange=record.exchange,
        symbol=record.symbol,
        native_symbol=record.native_symbol,
        timestamp=iso_of(record.timestamp_ms),
        interval=record.interval,
        open=record.open,
        high=record.high,
        low=record.low,
        close=record.close,
        volume=record.volume,
        quote_volume=record.quote_volume,
        trades_count=record.trades_count,
        is_closed=record.is_closed,
        taker_buy_volume=record.taker_buy_volume,
        built_from=record.built_from,
        revision=record.revision,
    )


def open_interest_view(record: OpenInterest) -> OpenInterestView:
    """The view of an open-interest reading."""
    return OpenInterestView(
        exchange=record.exchange,
        symbol=record.symbol,
        native_symbol=record.native_symbol,
        timestamp=iso_of(record.timestamp_ms),
        open_interest=record.open_interest,
        open_interest_value=record.value,
    )


def funding_rate_view(record: FundingRate) -> FundingRateView:
    """The view of a funding settlement."""
    return FundingRateView(
        exchange=record.exchange,
        symbol=record.symbol,
        native_symbol=record.native_symbol,
        timestamp=iso_of(record.timestamp_ms),
        funding_rate=record.rate,
        funding_time=iso_of(record.funding_time_ms),
        interval_h=record.interval_h,
    )


def trade_view(record: Trade) -> TradeView:
    """The view of a trade."""
    return TradeView(
        exchange=record.exchange,
        symbol=record.symbol,
        native_symbol=record.native_symbol,
        timestamp=iso_of(record.timestamp_ms),
        side=record.side,
        price=record.price,
        quantity=record.quantity,
        value=record.value,
        trade_id=str(record.trade_id),
    )


def large_trade_view(record: LargeTrade) -> LargeTradeView:
    """The view of a large trade."""
    return LargeTradeView(
        exchange=record.exchange,
        symbol=record.symbol,
        native_symbol=record.native_symbol,
        timestamp=iso_of(record.timestamp_ms),
        side=record.side,
        price=record.price,
        quantity=record.quantity,
        value=record.value,
        trade_id=str(record.trade_id),
        is_buyer_maker=record.is_buyer_maker,
    )


def liquidation_view(record: Liquidation) -> LiquidationView:
    """The view of a liquidation."""
    return LiquidationView(
        exchange=record.exchange,
        symbol=record.symbol,
        native_symbol=record.native_symbol,
        timestamp=iso_of(record.timestamp_ms),
        side=record.side,
        position_side=record.position_side,
        price=record.price,
        quantity=record.quantity,
        value=record.value,
        price_kind=record.price_kind,
        order_id=record.order_id,
        is_floor=record.is_floor,
    )


def any_liquidation_view(record: Liquidation) -> AnyLiquidationView:
    """The view of a liquidation among those of all venues."""
    return AnyLiquidationView(
        exchange=record.exchange,
        symbol=record.symbol,
        native_symbol=record.native_symbol,
        timestamp=iso_of(record.timestamp_ms),
        side=record.side,
        position_side=record.position_side,
        price=record.price,
        quantity=record.quantity,
        value=record.value,
        price_kind=record.price_kind,
        order_id=record.order_id,
        is_floor=record.is_floor,
    )


def any_large_trade_view(record: Trade) -> AnyLargeTradeView:
    """The view of a trade that somebody calls large; the maker bought when the taker sold."""
    return AnyLargeTradeView(
        exchange=record.exchange,
        symbol=record.symbol,
        native_symbol=record.native_symbol,
        timestamp=iso_of(record.timestamp_ms),
        side=record.side,
        price=record.price,
        quantity=record.quantity,
        value=record.value,
        trade_id=str(record.trade_id),
        is_buyer_maker=record.side is Side.SELL,
    )


def oi_spike_view(record: OiVolumeSpike) -> OiSpikeView:
    """The view of a spike of open interest or volume."""
    return OiSpikeView(
        exchange=record.exchange,
        symbol=record.symbol,
        native_symbol=record.native_symbol,
        timestamp=iso_of(record.timestamp_ms),
        timeframe=record.interval,
        method=record.method,
        threshold=record.threshold,
        z_oi=None if record.z_oi is None else round(record.z_oi, 2),
        z_vol=None if record.z_volume is None else round(record.z_volume, 2),
        confirmed=record.confirmed,
        open_interest_value=record.open_interest_usd,
        quote_volume=record.volume_usd,
    )


def order_book_view(record: BookSnapshot, depth: int) -> OrderBookView:
    """The view of a book, cut to `depth` levels a side."""
    return OrderBookView(
        exchange=record.exchange,
        symbol=record.symbol,
        native_symbol=record.native_symbol,
        timestamp=iso_of(record.timestamp_ms),
        bids=record.bids[:depth],
        asks=record.asks[:depth],
        sequence=record.sequence,
    )


def ticker_view(record: Ticker) -> TickerView:
    """The view of a ticker."""
    return TickerView(
        exchange=record.exchange,
        symbol=record.symbol,
        native_symbol=record.native_symbol,
        timestamp=iso_of(record.timestamp_ms),
        bid=record.bid,
        ask=record.ask,
        last=record.last,
        volume_24h=record.volume_24h,
        quote_volume_24h=record.quote_volume_24h,
        change_24h=record.change_24h,
    )


def mark_price_view(record: MarkPrice) -> MarkPriceView:
    """The view of a mark price."""
    return MarkPriceView(
        exchange=record.exchange,
        symbol=record.symbol,
        native_symbol=record.native_symbol,
        timestamp=iso_of(record.timestamp_ms),
        mark_price=record.mark,
        index_price=record.index,
        funding_rate=record.funding_rate,
        next_funding_time=iso_or_none(record.next_funding_ms),
    )


def gap_view(record: Gap) -> GapView:
    """The view of a hole in a stream."""
    return GapView(
        exchange=record.exchange,
        symbol=record.symbol,
        native_symbol=record.native_symbol,
        timestamp=iso_of(record.timestamp_ms),
        gap_id=record.gap_id,
        channel=record.channel,
        cause=record.cause,
        state=record.state,
        until=iso_or_none(record.until_ms),
        first_sequence=record.first_sequence,
        last_sequence=record.last_sequence,
        recovered=record.recovered,
        detail=record.detail,
    )


def instrument_view(record: Instrument) -> InstrumentView:
    """The view of an instrument."""
    return InstrumentView(
        exchange=record.exchange,
        symbol=record.symbol,
        native_symbol=record.native_symbol,
        base_asset=record.base_asset,
        quote_asset=record.quote_asset,
        settle_asset=record.settle_asset,
        kind=record.instrument_kind,
        status=record.status,
        is_linear=record.is_linear,
        contract_size=record.contract_size,
        price_tick=_plain(record.price_tick),
        quantity_step=_plain(record.quantity_step),
        min_quantity=None if record.min_quantity is None else _plain(record.min_quantity),
        min_notional=None if record.min_notional is None else _plain(record.min_notional),
        funding_interval_h=record.funding_interval_h,
        listed_at=iso_or_none(record.listed_at_ms),
        expires_at=iso_or_none(record.expires_at_ms),
    )


def _plain(value: Decimal) -> str:
    """Digits without an exponent."""
    return format(value, "f")
