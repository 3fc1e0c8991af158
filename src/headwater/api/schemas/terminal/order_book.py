"""The order book of the terminal: what its socket and its route send, and what the socket takes."""

from decimal import Decimal
from typing import Annotated, Final, Literal

from msgspec import UNSET, Meta, UnsetType

from headwater.api.schemas.market import NotNegative
from headwater.api.schemas.terminal.common import (
    PACE_MAX_MS,
    PACE_MIN_MS,
    Moment,
    Second,
    TerminalView,
)

LIMIT_MIN: Final = 5
"""Fewest levels a side that a viewer of the socket may ask for."""

LIMIT_MAX: Final = 5_000
"""Most levels a side that anybody may ask for."""

LIMIT_DEFAULT: Final = 20
"""Levels a side where a viewer does not say."""

AsksOrder = Literal["best_first", "highest_first"]
"""Order of the asks: the lowest price first, or the highest as on a ladder drawn downwards."""

BookState = Literal["live", "snapshot", "resyncing"]
"""`live`: every change is followed. `snapshot`: the venue's answer to one question, because its
stream has not begun yet. `resyncing`: changes were missed; the sides are empty until it is live."""


class TerminalBookLevelView(TerminalView, frozen=True, kw_only=True, gc=False):
    """A price and what rests there.

    Attributes:
        price: quote currency.
        amount: base units.
        price_formatted: with commas and the places of tick and rounding.
        amount_formatted: with commas and the contract's places.
    """

    price: NotNegative
    price_formatted: str
    amount: NotNegative
    amount_formatted: str


class TerminalBookStepView(TerminalBookLevelView, frozen=True, kw_only=True, gc=False):
    """A price, what rests there, and what rests from the best price up to it.

    Attributes:
        cumulative: base units from the best price to this one, both included.
        cumulative_formatted: the same as text.
    """

    cumulative: NotNegative
    cumulative_formatted: str


class TerminalBookView(TerminalView, frozen=True, kw_only=True, gc=False):
    """An order book.

    Attributes:
        exchange: venue id.
        symbol: canonical symbol.
        bids: highest price first.
        asks: lowest price first unless asked otherwise.
        timestamp: time of the newest change in it, ms since 1970.
        time: the same in whole seconds.
    """

    exchange: str
    symbol: str
    bids: tuple[TerminalBookLevelView, ...]
    asks: tuple[TerminalBookLevelView, ...]
    timestamp: Moment
    time: Second


class MarketDepthInfoView(TerminalView, frozen=True, kw_only=True, gc=False):
    """How much there is, beside what was asked for.

    Attributes:
        actual_levels: levels of the shorter side.
        requested_levels: levels a side that were asked for.
        is_market_depth_limited: whether a side has fewer than that.
        has_insufficient_raw_data: whether a side has fewer than `minRequiredRawData` levels of
            the venue, so that rounding may leave fewer than asked for.
        raw_bids: bid levels of the venue that are known.
        raw_asks: ask levels.
        min_required_raw_data: ten times `requestedLevels`.
    """

    actual_levels: int
    requested_levels: int
    is_market_depth_limited: bool
    has_insufficient_raw_data: bool
    raw_bids: int
    raw_asks: int
    min_required_raw_data: int


class OrderbookUpdateView(
    TerminalView, frozen=True, kw_only=True, gc=False, tag="orderbook_update", tag_field="type"
):
    """The order book as one viewer asked for it: never a change of it, always the whole view.

    Attributes:
        exchange: venue id.
        symbol: canonical symbol.
        state: whether every change is followed; the sides are empty while it is `resyncing`.
        rounding: what prices are rounded to, quote currency: bids down, asks up.
        rounding_formatted: the same as text.
        rounding_options: what may be offered for choice, ascending.
        rounding_options_formatted: the same as text.
        aggregated: whether several prices of the venue may share a level.
        bids: highest price first.
        asks: lowest price first, or highest where that was asked for.
        market_depth_info: how much there is.
        timestamp: time of the newest change in it, ms since 1970.
        time: the same in whole seconds.
    """

    exchange: str
    symbol: str
    state: BookState
    rounding: NotNegative
    rounding_formatted: str
    rounding_options: tuple[NotNegative, ...]
    rounding_options_formatted: tuple[str, ...]
    aggregated: bool
    bids: tuple[TerminalBookStepView, ...]
    asks: tuple[TerminalBookStepView, ...]
    market_depth_info: MarketDepthInfoView
    timestamp: Moment
    time: Second


class UpdateParamsRequest(
    TerminalView,
    frozen=True,
    kw_only=True,
    gc=False,
    tag="update_params",
    tag_field="type",
    forbid_unknown_fields=True,
):
    """Asks for another view of the same book; what is left out stays as it is.

    Attributes:
        limit: levels a side, 5 to 5000.
        rounding: what to round prices to, quote currency, above 0, as number or text.
        asks: order of the asks.
        pace_ms: shortest time between two updates, ms, 50 to 10000.
    """

    limit: Annotated[int, Meta(ge=LIMIT_MIN, le=LIMIT_MAX)] | UnsetType = UNSET
    rounding: Decimal | UnsetType = UNSET
    asks: AsksOrder | UnsetType = UNSET
    pace_ms: Annotated[int, Meta(ge=PACE_MIN_MS, le=PACE_MAX_MS)] | UnsetType = UNSET


class ParamsUpdatedView(
    TerminalView, frozen=True, kw_only=True, gc=False, tag="params_updated", tag_field="type"
):
    """The view that was asked for holds from now on; an update in it follows.

    Attributes:
        limit: levels a side.
        rounding: what prices are rounded to, quote currency.
        rounding_formatted: the same as text.
        asks: order of the asks.
        pace_ms: shortest time between two updates, ms.
        success: true.
    """

    limit: int
    rounding: NotNegative
    rounding_formatted: str
    asks: AsksOrder
    pace_ms: int
    success: Literal[True] = True
