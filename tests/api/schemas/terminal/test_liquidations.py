"""Forced closes as a screen shows them: texts, times, ids."""

from decimal import ROUND_HALF_EVEN, Decimal

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from tests.api.fake_source import NOW_MS, make_liquidation

from headwater.api.schemas.terminal.liquidations import item_view
from headwater.core.formatting import SymbolFormat, read_formatted
from headwater.core.records import Liquidation

NUMBERS = SymbolFormat(price_places=1, amount_places=3)

EVENTS = st.builds(
    lambda price, quantity, moment, order: msgspec.structs.replace(
        make_liquidation(),
        price=price,
        quantity=quantity,
        value=price * quantity,
        timestamp_ms=moment,
        order_id=order,
    ),
    st.floats(1e-6, 1e6),
    st.floats(1e-6, 1e6),
    st.integers(0, 4_102_444_800_000),
    st.none() | st.sampled_from(["1", "2"]),
)


@given(EVENTS)
def test_o_s11_every_number_has_its_text(event: Liquidation) -> None:
    """Rounded half to even at the places of the symbol; the value to whole USD."""
    view = item_view(event, NUMBERS, "BTC")
    for value, text, step in (
        (view.quantity, view.quantity_formatted, "0.001"),
        (view.avg_price, view.avg_price_formatted, "0.1"),
        (view.price_usdt, view.price_usdt_formatted, "1"),
    ):
        exact = Decimal(repr(value)).quantize(Decimal(step), ROUND_HALF_EVEN)
        assert read_formatted(text) == exact
    assert view.time == view.timestamp // 1_000
    hours, minutes, seconds = map(int, view.display_time.split(":"))
    assert hours * 3_600 + minutes * 60 + seconds == view.time % 86_400, "UTC"
    assert view.base_asset == "BTC"


@given(EVENTS, EVENTS)
def test_an_id_tells_events_apart(one: Liquidation, other: Liquidation) -> None:
    same = msgspec.structs.replace(one, received_ns=7)
    ids = [item_view(event, NUMBERS, "BTC").id for event in (one, same, other)]
    assert ids[0] == ids[1], "whenever it is received"
    assert (ids[0] == ids[2]) == (one == other)


def test_thousands_have_commas() -> None:
    event = msgspec.structs.replace(make_liquidation(), value=1_234_567.5, quantity=1_234.5)
    view = item_view(event, NUMBERS, "BTC")
    assert (view.price_usdt_formatted, view.quantity_formatted) == ("1,234,568", "1,234.500")
    assert (view.avg_price_formatted, view.display_time) == ("67,000.0", "17:20:00")
    assert view.timestamp == NOW_MS
