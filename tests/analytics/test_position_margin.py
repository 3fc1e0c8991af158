"""A position put to a table of tiers: golden answers, and every way to ask nonsense."""

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.api.fake_source import THREE_TIERS, make_instrument, make_margin_tiers

from headwater.analytics.position_margin import MarginQuestion, assess
from headwater.core.enums import PositionSide
from headwater.core.errors import RequestError
from headwater.core.margin_tiers import MarginTier

TABLE = make_margin_tiers(make_instrument("BTCUSDT"), THREE_TIERS)
BY_QUANTITY = msgspec.structs.replace(
    TABLE,
    tiers=(
        MarginTier(notional_floor=0.0, notional_cap=500e3, maintenance_rate=0.004,
                   maintenance_deduction=0.0, leverage_max=100.0,
                   quantity_floor=0.0, quantity_cap=10.0),
        MarginTier(notional_floor=500e3, notional_cap=2.5e6, maintenance_rate=0.01,
                   maintenance_deduction=0.0, leverage_max=50.0,
                   quantity_floor=10.0, quantity_cap=50.0),
    ),
    reference_price=50_000.0,
    is_fee_demanded=True,
)  # fmt: skip


def test_maintenance_by_hand() -> None:
    """250 000 in tier 2: 250 000 × 0.5 % − 50 = 1 200."""
    found = assess(TABLE, MarginQuestion(notional=250e3))
    assert (found.tier_number, found.notional) == (2, 250e3)
    assert found.maintenance == pytest.approx(1_200.0)
    assert (found.initial, found.liquidation, found.is_priced) == (None, None, False)


def test_liquidation_by_hand() -> None:
    """20 at 50 000, 10×: margin 100 000; tier 3 at 900 000: (900 000 − 3 050) / (20 × 0.99)."""
    asked = MarginQuestion(
        entry_price=50e3, position_size=20.0, leverage=10.0, side=PositionSide.LONG
    )
    found = assess(TABLE, asked)
    assert found.initial == pytest.approx(100e3)
    assert found.maintenance == pytest.approx(1e6 * 0.01 - 3_050)
    assert found.liquidation == pytest.approx(896_950 / 19.8)
    assert found.is_priced
    assert assess(TABLE, msgspec.structs.replace(asked, taker_fee_rate=0.01)) == found


def test_a_venue_that_demands_the_fee_and_goes_by_quantity() -> None:
    """20 at 60 000, 10×, fee 0.05 %: 1 080 000 / (20 × (1 − 0.0105)) = 54 573.02.

    By notional at 60 000 nine would be in tier 2 (540 000), by quantity they are in tier 1.
    """
    asked = MarginQuestion(
        entry_price=60e3, position_size=20.0, leverage=10.0, side=PositionSide.LONG,
        taker_fee_rate=0.0005,
    )  # fmt: skip
    found = assess(BY_QUANTITY, asked)
    assert found.liquidation == pytest.approx(1_080_000 / 19.79)
    assert found.maintenance == pytest.approx(1.2e6 * 0.0105)
    nine = MarginQuestion(entry_price=60e3, position_size=9.0)
    assert assess(BY_QUANTITY, nine).tier_number == 1
    assert assess(BY_QUANTITY, MarginQuestion(notional=540e3)).tier_number == 2


def test_a_long_without_borrowing_has_no_liquidation_price() -> None:
    asked = MarginQuestion(
        entry_price=100.0, position_size=1.0, leverage=1.0, side=PositionSide.LONG
    )
    found = assess(TABLE, asked)
    assert (found.is_priced, found.liquidation) == (True, None)


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        (MarginQuestion(), "entry_price"),
        (MarginQuestion(entry_price=1.0), "position_size"),
        (MarginQuestion(position_size=1.0), "entry_price"),
        (MarginQuestion(notional=1.0, entry_price=1.0), "notional"),
        (MarginQuestion(notional=1.0, entry_price=1.0, position_size=1.0), "notional"),
        (MarginQuestion(notional=3.1e6), "notional"),
        (MarginQuestion(entry_price=1e6, position_size=4.0), "position_size"),
        (MarginQuestion(notional=1e3, leverage=126.0), "leverage"),
        (MarginQuestion(notional=1e6, leverage=51.0), "leverage"),
        (MarginQuestion(notional=1e6, leverage=0.5), "leverage"),
        (MarginQuestion(notional=1e6, leverage=5.0, side=PositionSide.LONG), "side"),
    ],
)
def test_nonsense_names_its_field(asked: MarginQuestion, field: str) -> None:
    with pytest.raises(RequestError) as caught:
        assess(TABLE, asked)
    assert caught.value.field == field


def test_beyond_the_last_quantity_and_a_leverage_that_covers_nothing() -> None:
    with pytest.raises(RequestError) as caught:
        assess(BY_QUANTITY, MarginQuestion(entry_price=1.0, position_size=51.0))
    assert caught.value.field == "position_size"
    # 100×: 1 % of margin; 0.4 % + a fee of 0.6 % are as much.
    with pytest.raises(RequestError, match="above the maintenance"):
        assess(BY_QUANTITY, MarginQuestion(notional=1e3, leverage=100.0, taker_fee_rate=0.006))


@given(
    price=st.floats(1e-6, 1e6), size=st.floats(1e-6, 1e6), leverage=st.floats(1.0, 50.0),
    side=st.sampled_from(PositionSide), table=st.sampled_from([TABLE, BY_QUANTITY]),
)  # fmt: skip
def test_every_answer_is_finite_and_on_the_right_side(
    price: float, size: float, leverage: float, side: PositionSide, table: object
) -> None:
    assert table in (TABLE, BY_QUANTITY)
    chosen = BY_QUANTITY if table is BY_QUANTITY else TABLE
    asked = MarginQuestion(entry_price=price, position_size=size, leverage=leverage, side=side)
    try:
        found = assess(chosen, asked)
    except RequestError:
        return
    assert found.initial is not None
    assert found.initial > found.maintenance
    if found.liquidation is None:
        assert side is PositionSide.LONG
    else:
        assert math.isfinite(found.liquidation)
        assert (found.liquidation < price) == (side is PositionSide.LONG)
