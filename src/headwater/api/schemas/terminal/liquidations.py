"""Views of forced closes on the terminal's socket (O-W4, O-M1): the newest ones, then each one."""

from headwater.api.schemas.market import NotNegative
from headwater.api.schemas.terminal.common import Moment, Second, TerminalView
from headwater.core.enums import PositionSide, PriceKind, Side
from headwater.core.formatting import SymbolFormat, clock_text, fixed
from headwater.core.records import Liquidation


class TerminalLiquidationView(TerminalView, frozen=True, kw_only=True, gc=False):
    """A forced close.

    Attributes:
        id: tells it from all others; the same whenever and to whomever it is sent.
        exchange: venue id; `external` where an external service told of it, which names no venue.
        symbol: canonical symbol.
        base_asset: what is traded, such as BTC.
        side: of the closing order: sell where a long was closed.
        position_side: the position that was closed.
        quantity: base units closed.
        quantity_formatted: with the decimal places of the venue's quantity step.
        price_usdt: its value: quantity × price, USD.
        price_usdt_formatted: to whole USD, with commas.
        avg_price: price of the kind `priceKind`.
        avg_price_formatted: with the decimal places of the venue's price tick.
        price_kind: what `avgPrice` is.
        is_floor: true where the venue throttles what it tells, so that sums are a lower bound.
        timestamp: when, ms since 1970.
        time: the same in whole seconds.
        display_time: the same as HH:MM:SS, UTC.
    """

    id: str
    exchange: str
    symbol: str
    base_asset: str
    side: Side
    position_side: PositionSide
    quantity: NotNegative
    quantity_formatted: str
    price_usdt: NotNegative
    price_usdt_formatted: str
    avg_price: NotNegative
    avg_price_formatted: str
    price_kind: PriceKind
    is_floor: bool
    timestamp: Moment
    time: Second
    display_time: str


class TerminalLiquidationsView(
    TerminalView, frozen=True, kw_only=True, gc=False, tag="liquidations", tag_field="type"
):
    """The newest forced closes: at the beginning, and anew when a past that was missing is there.

    Attributes:
        exchange: venue id, or `all`.
        symbol: canonical symbol.
        data: newest first, at most 50.
        initial: true.
        timestamp: when it was sent, ms since 1970.
        missing: what of the past could not be had and why; null when nothing.
    """

    exchange: str
    symbol: str
    data: tuple[TerminalLiquidationView, ...]
    initial: bool
    timestamp: Moment
    missing: str | None


class TerminalLiquidationNewsView(
    TerminalView, frozen=True, kw_only=True, gc=False, tag="liquidation", tag_field="type"
):
    """A forced close that has just been heard of.

    Attributes:
        data: the close.
    """

    data: TerminalLiquidationView


def item_view(
    event: Liquidation, numbers: SymbolFormat, base_asset: str
) -> TerminalLiquidationView:
    """The view of a forced close.

    Args:
        event: the close.
        numbers: how the venue's numbers are written.
        base_asset: of the contract.
    """
    return TerminalLiquidationView(
        id=_id_of(event),
        exchange=event.exchange,
        symbol=event.symbol,
        base_asset=base_asset,
        side=event.side,
        position_side=event.position_side,
        quantity=event.quantity,
        quantity_formatted=numbers.amount(event.quantity),
        price_usdt=event.value,
        price_usdt_formatted=fixed(event.value, 0),
        avg_price=event.price,
        avg_price_formatted=numbers.price(event.price),
        price_kind=event.price_kind,
        is_floor=event.is_floor,
        timestamp=event.timestamp_ms,
        time=event.timestamp_ms // 1_000,
        display_time=clock_text(event.timestamp_ms),
    )


def _id_of(event: Liquidation) -> str:
    """What tells an event from others (requirements A3): most venues give it no id.

    An order that is filled in parts is several events, so its id alone would not do.
    """
    parts = (
        event.exchange,
        event.symbol,
        event.timestamp_ms,
        event.side.value,
        repr(event.price),
        repr(event.quantity),
        *(() if event.order_id is None else (event.order_id,)),
    )
    return ":".join(map(str, parts))
