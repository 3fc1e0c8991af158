"""Liquidation prices: the venues' worked examples, published distances, and the laws of tiers."""

import math
from itertools import pairwise

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from headwater.analytics.margin import (
    MarginTier,
    build_tiers,
    liquidation_price,
    maintenance_margin,
    margin_of,
    tier_of,
    tiers_of_position,
)
from headwater.core.enums import PositionSide

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT

BINANCE_BTC = build_tiers(
    [
        (0.0, 0.004, 125.0),
        (50e3, 0.005, 100.0),
        (600e3, 0.0065, 75.0),
        (3e6, 0.01, 50.0),
        (12e6, 0.02, 25.0),
        (70e6, 0.025, 20.0),
        (100e6, 0.05, 10.0),
    ],
    230e6,
)
HYPERLIQUID_BTC = build_tiers([(0.0, 0.0125, 40.0), (150e6, 0.025, 20.0)])


def _flat(rate: float) -> tuple[MarginTier, ...]:
    return build_tiers([(0.0, rate, 125.0)])


@st.composite
def _tables(draw: st.DrawFn) -> tuple[MarginTier, ...]:
    """Tables as venues have them: rates ascend with the floors."""
    steps = draw(st.lists(st.floats(1.0, 1e7), max_size=6))
    rates = sorted(draw(st.lists(st.floats(0.0, 0.5), min_size=7, max_size=7)))
    floors = [0.0]
    for step in steps:
        floors.append(floors[-1] + step)
    return build_tiers([(floor, rates[place], 100.0) for place, floor in enumerate(floors)])


_ENTRIES = st.floats(1e-3, 1e6)
_QUANTITIES = st.floats(1e-3, 1e4)
_LEVERAGES = st.floats(1.0, 125.0)


def test_deductions_by_hand() -> None:
    """Binance's BTC table: each deduction is the one before plus floor × rise of the rate.

    50 k × 0.1 % = 50; + 600 k × 0.15 % = 950; + 3 M × 0.35 % = 11 450; + 12 M × 1 % = 131 450;
    + 70 M × 0.5 % = 481 450; + 100 M × 2.5 % = 2 981 450.
    """
    assert [tier.maintenance_deduction for tier in BINANCE_BTC] == pytest.approx(
        [0.0, 50.0, 950.0, 11_450.0, 131_450.0, 481_450.0, 2_981_450.0], abs=1e-6
    )
    assert [tier.notional_cap for tier in BINANCE_BTC][-2:] == [100e6, 230e6]


def test_bybit_worked_example() -> None:
    """1 BTC at 40 000, 50×, 3 000 added later, rate 0.5 %, taker fee 0.055 %.

    Margin 40 000/50 + 3 000/0.99945 = 800 + 3 001.650908 = 3 801.650908;
    (40 000 − 3 801.650908) / 0.995 = 36 198.349092 / 0.995 = 36 380.25.
    """
    margin = margin_of(40_000.0, 1.0, 50.0, added=3_000.0, fee_rate=0.00055)
    assert margin == pytest.approx(3_801.650908, abs=1e-6)
    price = liquidation_price(LONG, 40_000.0, 1.0, margin, _flat(0.005))
    assert price == pytest.approx(36_380.25, abs=0.005)


def test_binance_six_million_in_the_fourth_bracket() -> None:
    """100 BTC long at 60 000, 20×: bracket 3–12 M, 1 %, deduction 11 450.

    Margin 6 000 000/20 = 300 000; (6 000 000 − 300 000 − 11 450) / (100 × 0.99) =
    5 688 550 / 99 = 57 460.10, whose notional of 5.75 M is in the bracket still.
    """
    price = liquidation_price(LONG, 60_000.0, 100.0, 300_000.0, BINANCE_BTC)
    assert price == pytest.approx(57_460.10, abs=0.005)


def test_binance_the_bracket_at_the_liquidation_price_counts() -> None:
    """100 BTC at 30 500, 10×, begin in bracket 3–12 M and are liquidated in 600 k–3 M.

    Long: margin 305 000; with 0.65 % and 950: (3 050 000 − 305 000 − 950) / (100 × 0.9935) =
    2 744 050 / 99.35 = 27 620.03. (With the bracket of the entry, 1 % and 11 450, it would be
    2 733 550 / 99 = 27 611.62.)
    Short at 28 000 (margin 280 000): (2 800 000 + 280 000 + 11 450) / (100 × 1.01) =
    3 091 450 / 101 = 30 608.42, in 3–12 M, although it began below.
    """
    price = liquidation_price(LONG, 30_500.0, 100.0, 305_000.0, BINANCE_BTC)
    assert price == pytest.approx(27_620.03, abs=0.005)
    price = liquidation_price(SHORT, 28_000.0, 100.0, 280_000.0, BINANCE_BTC)
    assert price == pytest.approx(30_608.42, abs=0.005)


@pytest.mark.parametrize(
    ("leverage", "long_percent", "short_percent"),
    [
        (5, 19.679, 19.522),
        (10, 9.639, 9.562),
        (20, 4.618, 4.582),
        (25, 3.614, 3.586),
        (50, 1.606, 1.594),
        (75, 0.937, 0.930),
        (100, 0.602, 0.598),
        (125, 0.402, 0.398),
    ],
)
def test_distances_at_a_rate_of_0_4_percent(
    leverage: float, long_percent: float, short_percent: float
) -> None:
    """Distance in % of entry: 1 − (1 − 1/L)/0.996 and (1 + 1/L)/1.004 − 1; at 100×, 0.602 %."""
    margin = margin_of(100.0, 1.0, leverage)
    long = liquidation_price(LONG, 100.0, 1.0, margin, _flat(0.004))
    short = liquidation_price(SHORT, 100.0, 1.0, margin, _flat(0.004))
    assert long is not None
    assert short is not None
    assert 100.0 - long == pytest.approx(long_percent, abs=0.0005)
    assert short - 100.0 == pytest.approx(short_percent, abs=0.0005)


@pytest.mark.parametrize(("leverage", "percent"), [(100, 0.552), (50, 1.557), (10, 9.593)])
def test_okx_demands_the_taker_fee_too(leverage: float, percent: float) -> None:
    """Rate 0.4 % + fee 0.05 %: (E − M/q) / (1 − 0.0045); at 100×, 99 / 0.9955 = 99.448."""
    margin = margin_of(100.0, 1.0, leverage)
    price = liquidation_price(LONG, 100.0, 1.0, margin, _flat(0.004), fee_rate=0.0005)
    assert price is not None
    assert 100.0 - price == pytest.approx(percent, abs=0.0006)


def test_a_table_by_quantity_holds_one_tier_at_every_price() -> None:
    """3 BTC of a table 0–2 BTC 0.4 %, 2–10 BTC 1 %, as OKX has it, long at 100, 10×, no fee.

    Margin 30; (300 − 30) / (3 × 0.99) = 90.909, though notional edges at another price differ.
    """
    tiers = (
        MarginTier(notional_floor=0.0, notional_cap=1e6, maintenance_rate=0.004,
                   maintenance_deduction=0.0, leverage_max=100.0,
                   quantity_floor=0.0, quantity_cap=2.0),
        MarginTier(notional_floor=1e6, notional_cap=5e6, maintenance_rate=0.01,
                   maintenance_deduction=0.0, leverage_max=50.0,
                   quantity_floor=2.0, quantity_cap=10.0),
    )  # fmt: skip
    assert tiers_of_position(tiers, 2.0) == (tiers[0],)
    assert tiers_of_position(tiers, 99.0) == (tiers[1],)
    price = liquidation_price(LONG, 100.0, 3.0, 30.0, tiers)
    assert price == pytest.approx(90.909, abs=0.0005)


def test_hyperliquid_distances() -> None:
    """Half of 1/40 = 1.25 % below 150 M. Long 40×: 1 − 0.975/0.9875 = 1.266 %; short 1.235 %."""
    for leverage, long_percent, short_percent in ((40, 1.266, 1.235), (20, 3.797, 3.704),
                                                  (10, 8.861, 8.642)):  # fmt: skip
        margin = margin_of(100.0, 1.0, leverage)
        long = liquidation_price(LONG, 100.0, 1.0, margin, HYPERLIQUID_BTC)
        short = liquidation_price(SHORT, 100.0, 1.0, margin, HYPERLIQUID_BTC)
        assert long is not None
        assert short is not None
        assert 100.0 - long == pytest.approx(long_percent, abs=0.0005)
        assert short - 100.0 == pytest.approx(short_percent, abs=0.0005)


@given(entry=_ENTRIES, quantity=_QUANTITIES, leverage=_LEVERAGES, rate=st.floats(0.0, 0.4))
def test_hyperliquid_form_is_the_same_formula(
    entry: float, quantity: float, leverage: float, rate: float
) -> None:
    """LP = P − s·(margin − maintenance at P)/q / (1 − l·s), asked at the entry."""
    margin = margin_of(entry, quantity, leverage)
    for side, sign in ((LONG, 1.0), (SHORT, -1.0)):
        available = margin - quantity * entry * rate
        theirs = entry - sign * available / quantity / (1.0 - rate * sign)
        ours = liquidation_price(side, entry, quantity, margin, _flat(rate))
        if ours is None:
            assert theirs <= 1e-9 * entry
        else:
            assert ours == pytest.approx(theirs, rel=1e-9, abs=1e-9 * entry)


def test_l_d12_maintenance_margin_is_not_divided_by_leverage() -> None:
    """At 100× and 0.4 % a long dies 0.602 % away; the disproved rule 1/L − m/L says 0.996 %."""
    price = liquidation_price(LONG, 100.0, 1.0, 1.0, _flat(0.004))
    assert price == pytest.approx(99.0 / 0.996, rel=1e-12)


def test_a_long_without_borrowing_cannot_be_liquidated() -> None:
    assert liquidation_price(LONG, 60_000.0, 1.0, 60_000.0, BINANCE_BTC) is None
    assert liquidation_price(LONG, 60_000.0, 1.0, 70_000.0, BINANCE_BTC) is None
    assert liquidation_price(SHORT, 60_000.0, 1.0, 60_000.0, BINANCE_BTC) is not None


@given(tiers=_tables())
def test_requirement_is_continuous_over_every_edge(tiers: tuple[MarginTier, ...]) -> None:
    for below, above in pairwise(tiers):
        edge = above.notional_floor
        assert below.notional_cap == edge
        assert tier_of(tiers, edge) is above
        assert tier_of(tiers, math.nextafter(edge, 0.0)) is below
        assert maintenance_margin(above, edge) == pytest.approx(
            maintenance_margin(below, edge), rel=1e-9, abs=1e-6
        )


@given(tiers=_tables(), entry=_ENTRIES, leverage=_LEVERAGES, is_long=st.booleans())
def test_price_is_continuous_where_it_crosses_an_edge(
    tiers: tuple[MarginTier, ...], entry: float, leverage: float, is_long: bool
) -> None:
    """Positions a hair apart in size, liquidated on both sides of an edge, die a hair apart."""
    assume(leverage > 1.01)
    side = LONG if is_long else SHORT
    for tier in tiers[1:]:
        quantity = tier.notional_floor / entry
        here = liquidation_price(side, entry, quantity, margin_of(entry, quantity, leverage), tiers)
        more = quantity * (1 + 1e-9)
        there = liquidation_price(side, entry, more, margin_of(entry, more, leverage), tiers)
        assert here is not None
        assert there == pytest.approx(here, rel=1e-6)


@given(tiers=_tables(), entry=_ENTRIES, quantity=_QUANTITIES, share=st.floats(1e-3, 3.0),
       is_long=st.booleans(), fee_rate=st.floats(0.0, 0.01))  # fmt: skip
def test_at_the_price_the_margin_just_covers_the_requirement(
    tiers: tuple[MarginTier, ...], entry: float, quantity: float, share: float, is_long: bool,
    fee_rate: float,
) -> None:  # fmt: skip
    """The definition itself, with the tier found by looking it up at the answer."""
    margin = share * entry * quantity
    side, sign = (LONG, 1.0) if is_long else (SHORT, -1.0)
    price = liquidation_price(side, entry, quantity, margin, tiers, fee_rate)
    if price is None:
        assert is_long
        assert share >= 1.0 - 1e-12
        return
    notional = price * quantity
    left = margin + sign * (notional - quantity * entry)
    required = maintenance_margin(tier_of(tiers, notional), notional, fee_rate)
    assert left == pytest.approx(required, rel=1e-6, abs=1e-9 * (entry * quantity + notional))


@given(tiers=_tables(), entry=_ENTRIES, quantity=_QUANTITIES, more=st.floats(1e-3, 5.0))
def test_long_below_entry_below_short_when_the_margin_covers_the_requirement(
    tiers: tuple[MarginTier, ...], entry: float, quantity: float, more: float
) -> None:
    notional = entry * quantity
    margin = maintenance_margin(tier_of(tiers, notional), notional) + more * notional
    long = liquidation_price(LONG, entry, quantity, margin, tiers)
    short = liquidation_price(SHORT, entry, quantity, margin, tiers)
    assert long is None or long < entry
    assert short is not None
    assert short > entry


@given(tiers=_tables(), entry=_ENTRIES, quantity=_QUANTITIES,
       margins=st.tuples(st.floats(0.0, 2.0), st.floats(0.0, 2.0)))  # fmt: skip
def test_more_margin_is_never_nearer(
    tiers: tuple[MarginTier, ...], entry: float, quantity: float, margins: tuple[float, float]
) -> None:
    less, more = (share * entry * quantity for share in sorted(margins))
    slack = 1e-9 * entry
    for side, sign in ((LONG, 1.0), (SHORT, -1.0)):
        near = liquidation_price(side, entry, quantity, less, tiers) or 0.0
        far = liquidation_price(side, entry, quantity, more, tiers) or 0.0
        assert sign * far <= sign * near + slack


def test_tier_of_above_the_last_cap_is_the_last() -> None:
    assert tier_of(BINANCE_BTC, 1e12) is BINANCE_BTC[-1]
    assert tier_of(BINANCE_BTC, 0.0) is BINANCE_BTC[0]


def test_nonsense_is_refused() -> None:
    for rows in ([], [(1.0, 0.01, 10.0)], [(0.0, 0.01, 10.0), (0.0, 0.02, 5.0)], [(0.0, 1.0, 1.0)]):
        with pytest.raises(ValueError, match=r"tier|maintenance"):
            build_tiers(rows)
    with pytest.raises(ValueError, match="tiers"):
        tier_of((), 1.0)
    with pytest.raises(ValueError, match="tiers"):
        tier_of(BINANCE_BTC, math.nan)
    with pytest.raises(ValueError, match="no tiers"):
        liquidation_price(LONG, 1.0, 1.0, 1.0, ())
    for entry, quantity, margin in ((0.0, 1.0, 1.0), (1.0, -1.0, 1.0), (1.0, 1.0, math.nan),
                                    (math.inf, 1.0, 1.0)):  # fmt: skip
        with pytest.raises(ValueError, match="finite"):
            liquidation_price(LONG, entry, quantity, margin, BINANCE_BTC)
    with pytest.raises(ValueError, match="rate with fee"):
        liquidation_price(LONG, 1.0, 1.0, 0.1, _flat(0.5), fee_rate=0.5)
    with pytest.raises(ValueError, match="leverage"):
        margin_of(1.0, 1.0, 0.0)


def test_a_tier_survives_its_bytes() -> None:
    tier = HYPERLIQUID_BTC[0]
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(tier), type=MarginTier) == tier
