"""Views of what may be traded, for a screen that lists it (O-R1, O-R6, O-S3, O-S6)."""

from typing import Annotated, Literal

from msgspec import Meta

from headwater.api.schemas.terminal.common import Moment, TerminalView
from headwater.core.enums import InstrumentKind
from headwater.core.formatting import compact, day_text, plain
from headwater.services.listed_symbols import ListedSymbol
from headwater.services.venue_symbols import VenueSymbolStats

Places = Annotated[int, Meta(ge=0, le=12)]
"""Decimal places."""

Count = Annotated[int, Meta(ge=0)]
"""How many, or how often."""


class PriceFormatView(TerminalView, frozen=True, kw_only=True, gc=False):
    """How a chart writes prices, as TradingView's charts take it.

    Attributes:
        type: kind of format.
        precision: decimal places.
        min_move: the smallest step that is shown.
    """

    type: Literal["price"]
    precision: Annotated[int, Meta(ge=0, le=8)]
    min_move: Annotated[float, Meta(gt=0)]


class SymbolView(TerminalView, frozen=True, kw_only=True, gc=False):
    """A contract that a venue trades now.

    Attributes:
        id: names it in the addresses of this venue; unique on it.
        exchange: venue id.
        symbol: canonical symbol, the same on every venue.
        native_symbol: the venue's own spelling; null while no venue has told it.
        base_asset: what is traded.
        quote_asset: what prices are in.
        ui_name: for people: base and quote, and of dated contracts the day of delivery.
        kind: perpetual, or future for dated contracts.
        volume24h: quote currency in 24 h; null when it is not known now.
        volume24h_formatted: as text, such as 12.59B; null like the number.
        volume_estimated: true where the venue tells base units only, and the volume was worked out
            with the price.
        price_precision: decimal places of prices.
        amount_precision: decimal places of quantities, base units.
        price_format: how a chart writes prices.
        rounding_options: what an order book may be rounded to, quote currency, ascending.
        rounding_options_formatted: the same as text.
        default_rounding: the one to begin with.
        default_rounding_formatted: the same as text.
        stale: true when the venue could not be asked when it was due: the contract may have
            changed, and its volume is not known.
    """

    id: str
    exchange: str
    symbol: str
    native_symbol: str | None
    base_asset: str
    quote_asset: str
    ui_name: str
    kind: InstrumentKind
    volume24h: Annotated[float, Meta(ge=0)] | None
    volume24h_formatted: str | None
    volume_estimated: bool
    price_precision: Places
    amount_precision: Places
    price_format: PriceFormatView
    rounding_options: tuple[float, ...]
    rounding_options_formatted: tuple[str, ...]
    default_rounding: float
    default_rounding_formatted: str
    stale: bool


class SymbolReloadView(TerminalView, frozen=True, kw_only=True, gc=False):
    """What became of loading one venue's list again.

    Attributes:
        exchange: venue id.
        reloaded: whether the venue told it anew.
        symbols: contracts in the list now.
        message: why it was not reloaded; empty when it was.
        retry_after: seconds after which to try again; null when nobody knows, or it was reloaded.
    """

    exchange: str
    reloaded: bool
    symbols: Count
    message: str
    retry_after: float | None


class SymbolReloadsView(TerminalView, frozen=True, kw_only=True, gc=False):
    """What was loaded again.

    Attributes:
        exchanges: one of each venue that was asked for, by venue id.
        timestamp: when, ms since 1970.
    """

    exchanges: tuple[SymbolReloadView, ...]
    timestamp: Moment


class SymbolCacheView(TerminalView, frozen=True, kw_only=True, gc=False):
    """What was done for one venue's list since the start.

    Attributes:
        exchange: venue id.
        symbols: contracts in the list.
        stale: whether the venue could not be asked when it was due.
        message: why the list is stale; empty when it is not.
        age_seconds: since the venue last told all of it; null before.
        questions: how often the list was asked for.
        shared: callers who waited for a load that somebody else had begun.
        loads: loads of the list that succeeded.
        failures: loads that failed, or brought no tickers.
        market_calls: how often the venue told its contracts, whoever in this process asked.
        ticker_calls: questions for its tickers.
        forced: loads that were demanded.
        refused: demands that came too soon.
        duration_ms: of the newest load; null before.
    """

    exchange: str
    symbols: Count
    stale: bool
    message: str
    age_seconds: float | None
    questions: Count
    shared: Count
    loads: Count
    failures: Count
    market_calls: Count
    ticker_calls: Count
    forced: Count
    refused: Count
    duration_ms: float | None


class SymbolCacheStatsView(TerminalView, frozen=True, kw_only=True, gc=False):
    """How the lists of symbols are kept.

    Attributes:
        ttl_seconds: age at which a list is loaded again.
        exchanges: by venue id.
        timestamp: when this was true, ms since 1970.
    """

    ttl_seconds: float
    exchanges: tuple[SymbolCacheView, ...]
    timestamp: Moment


def symbol_view(row: ListedSymbol) -> SymbolView:
    """A row as a screen shows it."""
    volume = row.volume_24h
    written, chart, rounding = row.format, row.price_format, row.rounding
    return SymbolView(
        id=row.symbol_id,
        exchange=row.exchange,
        symbol=row.symbol,
        native_symbol=row.native_symbol,
        base_asset=row.base_asset,
        quote_asset=row.quote_asset,
        ui_name=_name_of(row),
        kind=row.instrument_kind,
        volume24h=volume,
        volume24h_formatted=None if volume is None else compact(volume),
        volume_estimated=row.is_estimated,
        price_precision=written.price_places,
        amount_precision=written.amount_places,
        price_format=PriceFormatView(
            type="price", precision=chart.precision, min_move=float(chart.min_move)
        ),
        rounding_options=tuple(float(one) for one in rounding.options),
        rounding_options_formatted=tuple(plain(one) for one in rounding.options),
        default_rounding=float(rounding.default),
        default_rounding_formatted=plain(rounding.default),
        stale=row.is_stale,
    )


def symbol_cache_view(stats: VenueSymbolStats) -> SymbolCacheView:
    """What was done for one venue's list."""
    return SymbolCacheView(
        exchange=stats.exchange,
        symbols=stats.symbols,
        stale=stats.is_stale,
        message=stats.problem,
        age_seconds=stats.age_s,
        questions=stats.questions,
        shared=stats.shared,
        loads=stats.loads,
        failures=stats.failures,
        market_calls=stats.market_loads,
        ticker_calls=stats.ticker_calls,
        forced=stats.forced,
        refused=stats.refused,
        duration_ms=stats.duration_ms,
    )


def _name_of(row: ListedSymbol) -> str:
    pair = f"{row.base_asset}/{row.quote_asset}"
    if row.instrument_kind is not InstrumentKind.FUTURE:
        return pair
    # A dated contract whose venue does not tell the day has it in its symbol at least.
    day = row.symbol if row.expires_at_ms is None else day_text(row.expires_at_ms)
    return f"{pair} {day}"
