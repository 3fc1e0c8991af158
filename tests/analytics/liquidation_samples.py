"""Liquidations for tests of columns: any order, several venues, some late, on edges of bars."""

from hypothesis import strategies as st

from headwater.core.enums import PositionSide, PriceKind, Side
from headwater.core.records import Liquidation

MINUTE = 60_000
START = 1_790_035_200_000
"""2026-09-22 00:00 UTC, a Tuesday: the beginning of every interval up to a day."""
SPAN_MS = 40 * MINUTE


def event(
    offset_ms: int,
    price: float = 100.0,
    quantity: float = 1.0,
    *,
    side: PositionSide = PositionSide.LONG,
    exchange: str = "bybit",
    kind: PriceKind = PriceKind.AVERAGE,
    delay_ms: int = 100,
) -> Liquidation:
    """A liquidation of BTCUSDT, `offset_ms` after the start."""
    return Liquidation(
        exchange=exchange,
        symbol="BTCUSDT",
        native_symbol="BTCUSDT",
        timestamp_ms=START + offset_ms,
        received_ns=(START + offset_ms + delay_ms) * 1_000_000,
        side=Side.SELL if side is PositionSide.LONG else Side.BUY,
        position_side=side,
        price=price,
        quantity=quantity,
        value=price * quantity,
        price_kind=kind,
        order_id=None,
        is_floor=exchange == "binance",
    )


EVENTS = st.lists(
    st.builds(
        event,
        st.one_of(st.integers(0, SPAN_MS - 1), st.integers(0, 39).map(lambda one: one * MINUTE)),
        st.one_of(st.floats(0.0, 1e4), st.integers(0, 50).map(float), st.floats(1e-9, 1e9)),
        st.one_of(st.floats(0.0, 1e6), st.sampled_from([0.1, 1e-7, 3e5])),
        side=st.sampled_from(PositionSide),
        exchange=st.sampled_from(["binance", "bybit", "okx"]),
        kind=st.sampled_from(PriceKind),
        delay_ms=st.sampled_from([0, 100, 11_000, 71_000, 500_000]),
    ),
    max_size=60,
)
"""Up to 60 of them within `SPAN_MS`, prices and quantities from nothing to huge."""
