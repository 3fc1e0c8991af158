"""The estimated map: its life bar by bar worked by hand, its laws, the defects it must not have.

The defects are those of the published maps: (a) maintenance left out, (b) open interest split
between the sides, (c) nothing ever closes, (d) removal by traded prices, (e) no order inside a bar,
(g) a past that is painted anew. (f) is in `test_heat_classes`.
"""

import math
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.analytics.leverage_ladder import LeverageLadder, LiquidationPriceOf
from headwater.analytics.leverage_weights import LeverageClass, leverage_classes
from headwater.analytics.liquidation_model import LiquidationModel
from headwater.analytics.model_columns import (
    ModelBar,
    ModelColumn,
    ModelMinute,
    SideFlows,
    totals_of,
)
from headwater.analytics.price_buckets import PriceGrid, grid_between
from headwater.analytics.price_map import PriceMap
from headwater.core.enums import PositionSide

BAR_MS = 900_000
GRID = grid_between(Decimal(10), 500.0, 1500.0)
LONG, SHORT = PositionSide.LONG, PositionSide.SHORT
Entries = tuple[tuple[float, float], ...]


def with_rate(rate: float) -> LiquidationPriceOf:
    """Liquidation price of a position without deduction: E (1 ∓ 1/L) / (1 ∓ m)."""

    def price_of(side: PositionSide, entry: float, leverage: float) -> float:
        sign = 1.0 if side is LONG else -1.0
        return entry * (1.0 - sign / leverage) / (1.0 - sign * rate)

    return price_of


def ten_times(half_life_ms: float = math.inf) -> LeverageLadder:
    """Everybody at 10× without maintenance: 1000 is liquidated at 900 or 1100."""
    one = LeverageClass(leverage=10.0, weight=1.0, half_life_ms=half_life_ms)
    return LeverageLadder([one], with_rate(0.0), GRID.edges)


def minute(
    entries: Entries = (), low: float | None = 1000.0, high: float | None = 1000.0
) -> ModelMinute:
    return ModelMinute(mark_low=low, mark_high=high, entries=entries)


def bar(
    number: int, interest: float | None, *minutes: ModelMinute, price: float = 1000.0
) -> ModelBar:
    return ModelBar(
        opened_at_ms=number * BAR_MS,
        ends_at_ms=(number + 1) * BAR_MS,
        price=price,
        open_interest=interest,
        minutes=minutes,
    )


def cells(held: PriceMap, side: PositionSide) -> dict[float, float]:
    """USD by lower edge of the bucket, where there is any."""
    edges = held.grid.edges[:-1].tolist()
    return {
        edge: usd for edge, usd in zip(edges, held.side(side).tolist(), strict=True) if usd > 0.0
    }


def run(model: LiquidationModel, bars: list[ModelBar]) -> list[ModelColumn]:
    return [model.advance(one) for one in bars]


AT_1000 = minute(((1000.0, 1.0),))


def test_a_life_worked_by_hand() -> None:
    """10× without maintenance, a half-life of one bar, price 1000 throughout.

    Bar 0: open interest 100 is the first reading: no change is known.
    Bar 1: 110, so 10 × 1000 = 10,000 USD on each side, at 900 and 1100.
    Bar 2: both fade to 5,000. The mark falls to 904, below the middle (905) of the bucket 900: the
           longs are gone, 5,000. Open interest falls by 5, 5,000 USD, of 110,000 before: the longs'
           part of the fall is what was liquidated; the shorts shrink by 5,000 / 110,000 to
           5,000 × 21 / 22 = 4,772.73.
    Bar 3: the shorts fade to 2,386.36. Open interest is 2 × 1000 = 2,000 USD, a fall by 103,000 of
           105,000: 2,386.36 × 2 / 105 = 45.45 are left, below the cut at 2,000.
    """
    model = LiquidationModel(GRID, ten_times(float(BAR_MS)))
    columns = run(
        model,
        [
            bar(0, 100.0, AT_1000),
            bar(1, 110.0, AT_1000),
            bar(2, 105.0, minute(((1000.0, 1.0),), low=904.0)),
            bar(3, 2.0, AT_1000),
        ],
    )
    assert cells(columns[0].held, LONG) == {}
    assert cells(columns[1].held, LONG) == {900.0: 10_000.0}
    assert cells(columns[1].held, SHORT) == {1100.0: 10_000.0}
    assert columns[2].longs == SideFlows(
        before_usd=10_000.0,
        decayed_usd=5_000.0,
        consumed_usd=5_000.0,
        closed_usd=0.0,
        created_usd=0.0,
        unplaced_usd=0.0,
        cut_usd=0.0,
        held_usd=0.0,
    )
    assert columns[2].shorts.closed_usd == pytest.approx(5_000.0 / 22.0)
    assert cells(columns[2].held, SHORT) == {1100.0: pytest.approx(5_000.0 * 21.0 / 22.0)}
    assert columns[3].shorts.held_usd == pytest.approx(2_500.0 * 21.0 / 22.0 * 2.0 / 105.0)
    assert columns[3].shorts.cut_usd == 0.0


def test_a_bucket_is_reached_at_its_middle() -> None:
    seeded = [bar(0, 100.0, AT_1000), bar(1, 110.0, AT_1000)]
    for low, high, longs, shorts in (
        (905.1, 1104.9, 10_000.0, 10_000.0),
        (905.0, 1104.9, 0.0, 10_000.0),
        (905.1, 1105.0, 10_000.0, 0.0),
        (600.0, 1400.0, 0.0, 0.0),
    ):
        model = LiquidationModel(GRID, ten_times())
        run(model, seeded)
        column = model.advance(bar(2, 110.0, minute(low=low, high=high)))
        assert (column.longs.held_usd, column.shorts.held_usd) == (longs, shorts)
        assert column.longs.consumed_usd == 10_000.0 - longs


def test_the_side_is_cut_to_open_interest() -> None:
    """10,000 USD on each side; at a price of 100 the whole interest of 110 is worth 11,000.

    With a share of 0.5 the cut is at 5,500 USD: 4,500 are taken off.
    """
    model = LiquidationModel(GRID, ten_times(), margin_share=0.5)
    run(model, [bar(0, 100.0, AT_1000), bar(1, 110.0, AT_1000)])
    column = model.advance(bar(2, 110.0, minute(), price=100.0))
    assert (column.longs.cut_usd, column.longs.held_usd) == (4_500.0, 5_500.0)
    assert column.open_interest_usd == 11_000.0


def test_what_is_liquidated_outside_the_grid_is_told() -> None:
    """At 1600 outside the anchors: 10× gives 1440 for the long, 1760 for the short, not on it."""
    model = LiquidationModel(GRID, ten_times())
    column = run(model, [bar(0, 100.0, AT_1000), bar(1, 110.0, minute(((1600.0, 1.0),)))])[1]
    assert cells(column.held, LONG) == {1440.0: 10_000.0}
    assert cells(column.held, SHORT) == {}
    assert (column.shorts.created_usd, column.shorts.unplaced_usd) == (0.0, 10_000.0)


def test_a_rise_without_trades_is_told() -> None:
    model = LiquidationModel(GRID, ten_times())
    column = run(model, [bar(0, 100.0), bar(1, 110.0, minute(((1000.0, 0.0),)))])[1]
    assert (column.longs.created_usd, column.longs.unplaced_usd) == (0.0, 10_000.0)


def test_interest_and_marks_that_were_not_heard_are_told() -> None:
    """Bar 2 hears neither: it consumes nothing and closes nothing; bar 3 sees the whole rise."""
    model = LiquidationModel(GRID, ten_times())
    columns = run(
        model,
        [
            bar(0, 100.0, AT_1000),
            bar(1, 110.0, AT_1000),
            bar(2, None, minute(((1000.0, 1.0),), None, None), minute()),
            bar(3, 115.0, AT_1000),
        ],
    )
    assert columns[2].open_interest_usd is None
    assert (columns[2].minutes_marked, columns[2].minutes_count) == (1, 2)
    assert columns[2].longs.held_usd == 10_000.0
    assert columns[3].longs.held_usd == 15_000.0
    assert totals_of(columns).bars_without_open_interest == 1


def test_decay_runs_through_a_hole() -> None:
    """Half-life of one bar; two bars are missing, so three have passed: 10,000 / 8."""
    model = LiquidationModel(GRID, ten_times(float(BAR_MS)))
    run(model, [bar(0, 100.0, AT_1000), bar(1, 110.0, AT_1000)])
    assert model.advance(bar(4, 110.0, minute())).longs.held_usd == 1_250.0


# --- The defects of others. ---


def test_defect_a_maintenance_moves_the_level_nearer() -> None:
    """100× at 10,000 with 0.4 %: 10,000 × 0.99 / 0.996 = 9,939.8, not 9,900.

    1/L puts the level 100 away, the exact one is 60.2 away: 66 % too far.
    """
    grid = grid_between(Decimal(1), 9_000.0, 11_000.0)
    (hundred,) = leverage_classes({100: 1.0})
    ladder = LeverageLadder([hundred], with_rate(0.004), grid.edges)
    model = LiquidationModel(grid, ladder)
    minutes = minute(((10_000.0, 1.0),), 10_000.0, 10_000.0)
    column = run(model, [bar(0, 1.0, minutes), bar(1, 2.0, minutes, price=10_000.0)])[1]
    assert list(cells(column.held, LONG)) == [9_939.0]
    # 10,000 × 1.01 / 1.004 = 10,059.76.
    assert list(cells(column.held, SHORT)) == [10_059.0]


def test_defect_b_and_l_d12_each_side_gets_the_whole_rise() -> None:
    """Whatever the bar's direction: each new contract has a long and a short."""
    for close in (950.0, 1000.0, 1050.0):
        model = LiquidationModel(GRID, ten_times())
        column = run(model, [bar(0, 100.0, AT_1000), bar(1, 110.0, AT_1000, price=close)])[1]
        assert column.longs.created_usd == column.shorts.created_usd == 10.0 * close


def test_l_d12_the_maintenance_rate_is_not_divided_by_the_leverage() -> None:
    """5× at 1000 with 2 %: 1000 × 0.8 / 0.98 = 816.33; divided by L it would be 804."""
    five = LeverageClass(leverage=5.0, weight=1.0, half_life_ms=math.inf)
    ladder = LeverageLadder([five], with_rate(0.02), GRID.edges)
    assert ladder.targets(LONG, np.array([1000.0]))[0, 0] == pytest.approx(816.3265, abs=1e-4)


def test_defect_c_levels_close_when_open_interest_falls() -> None:
    """110 → 55: half of the interest is closed, and so is half of each level."""
    model = LiquidationModel(GRID, ten_times())
    columns = run(model, [bar(0, 100.0, AT_1000), bar(1, 110.0, AT_1000), bar(2, 55.0, minute())])
    assert cells(columns[2].held, LONG) == {900.0: 5_000.0}
    assert columns[2].longs.closed_usd == columns[2].shorts.closed_usd == 5_000.0


def test_defect_d_only_the_mark_price_removes() -> None:
    """A trade at 880 with the mark never below 950 leaves the longs at 900 alone."""
    model = LiquidationModel(GRID, ten_times())
    run(model, [bar(0, 100.0, AT_1000), bar(1, 110.0, AT_1000)])
    column = model.advance(bar(2, 110.0, minute(((880.0, 50.0),), low=950.0)))
    assert cells(column.held, LONG) == {900.0: 10_000.0}
    assert column.longs.consumed_usd == 0.0


def test_defect_e_a_minute_opens_what_only_later_minutes_reach() -> None:
    """Half of the volume at 1000 before the fall to 890, half at 900 in the minute of the fall.

    The first half (longs at 900) is reached by the second minute. The second half was opened in
    that minute, its level 810 is never reached. The last minute's rise to 995 reaches the shorts
    at 990 that the second minute opened, not those at 1100.
    """
    minutes = (
        minute(((1000.0, 3.0),), 990.0, 1000.0),
        minute(((900.0, 3.0),), 890.0, 990.0),
        minute((), 900.0, 995.0),
    )
    model = LiquidationModel(GRID, ten_times())
    column = run(model, [bar(0, 100.0, AT_1000), bar(1, 110.0, *minutes)])[1]
    assert cells(column.held, LONG) == {810.0: 5_000.0}
    assert cells(column.held, SHORT) == {1100.0: 5_000.0}
    assert (column.longs.created_usd, column.longs.consumed_usd) == (10_000.0, 5_000.0)
    assert (column.shorts.created_usd, column.shorts.consumed_usd) == (10_000.0, 5_000.0)


def test_defect_e_what_a_minute_opens_survives_that_minute() -> None:
    """Opened at 1000 in a minute whose mark was at 890: before or after, nobody can tell."""
    model = LiquidationModel(GRID, ten_times())
    columns = run(
        model, [bar(0, 100.0, AT_1000), bar(1, 110.0, minute(((1000.0, 1.0),), 890.0, 1000.0))]
    )
    assert cells(columns[1].held, LONG) == {900.0: 10_000.0}


def test_defect_e_a_rise_in_a_later_minute_reaches_shorts_of_any_minute_before() -> None:
    """Thirds at 900, 1000 and 1000: shorts at 990, 1100 and 1100; then the marks 1105 and 950.

    The third minute's own mark of 1105 reaches the shorts of the two before it, not its own; the
    last minute's 950 is lower than that, and does not hide it.
    """
    minutes = (
        minute(((900.0, 1.0),), 890.0, 900.0),
        minute(((1000.0, 1.0),), 900.0, 1000.0),
        minute(((1000.0, 1.0),), 1000.0, 1105.0),
        minute((), 950.0, 950.0),
    )
    model = LiquidationModel(GRID, ten_times())
    column = run(model, [bar(0, 100.0, AT_1000), bar(1, 103.0, *minutes)])[1]
    assert cells(column.held, SHORT) == {1100.0: pytest.approx(1_000.0)}
    assert column.shorts.consumed_usd == pytest.approx(2_000.0)


def test_l_d11_a_position_counts_once_and_consumed_is_money() -> None:
    """10,000 USD a side live for ten bars; then the longs are reached."""
    model = LiquidationModel(GRID, ten_times())
    columns = run(model, [bar(0, 100.0, AT_1000)])
    columns += run(model, [bar(number, 110.0, AT_1000) for number in range(1, 11)])
    totals = totals_of(columns)
    assert (totals.long_usd, totals.short_usd, totals.created_usd) == (10_000.0, 10_000.0, 20_000.0)
    assert totals.consumed_usd == 0.0
    columns.append(model.advance(bar(11, 110.0, minute(low=900.0))))
    totals = totals_of(columns)
    assert (totals.long_usd, totals.short_usd, totals.consumed_usd) == (0.0, 10_000.0, 10_000.0)
    assert totals_of([]).created_usd == 0.0


# --- Laws. ---

PRICES = st.floats(600.0, 1350.0)
MINUTES = st.builds(
    lambda entries, one, other, heard: ModelMinute(
        mark_low=min(one, other) if heard else None,
        mark_high=max(one, other) if heard else None,
        entries=tuple(entries),
    ),
    st.lists(st.tuples(PRICES, st.floats(0.0, 1e3)), max_size=3),
    PRICES,
    PRICES,
    st.booleans(),
)
BARS = st.lists(
    st.tuples(st.none() | st.floats(0.0, 1e5), st.lists(MINUTES, max_size=4), PRICES),
    max_size=8,
).map(
    lambda rows: [
        bar(number, interest, *minutes, price=price)
        for number, (interest, minutes, price) in enumerate(rows)
    ]
)


def five_classes(grid: PriceGrid = GRID) -> LeverageLadder:
    return LeverageLadder(leverage_classes(), with_rate(0.004), grid.edges)


@given(BARS, st.floats(0.0, 1.0))
def test_money_is_conserved_and_never_above_open_interest(
    bars: list[ModelBar], margin_share: float
) -> None:
    model = LiquidationModel(GRID, five_classes(), margin_share=margin_share)
    for column in run(model, bars):
        for flows, held in ((column.longs, column.held.long), (column.shorts, column.held.short)):
            expected = (
                flows.before_usd
                - flows.decayed_usd
                - flows.consumed_usd
                - flows.closed_usd
                + flows.created_usd
                - flows.cut_usd
            )
            scale = 1.0 + flows.before_usd + flows.created_usd
            assert flows.held_usd == pytest.approx(expected, abs=1e-9 * scale)
            assert float(held.sum()) == pytest.approx(flows.held_usd, abs=1e-9 * scale)
            if column.open_interest_usd is not None:
                most_usd = column.open_interest_usd * margin_share
                assert flows.held_usd <= most_usd * (1.0 + 1e-9) + 1e-9


@given(BARS)
def test_a_bar_is_its_minutes_one_after_the_other(bars: list[ModelBar]) -> None:
    """The same told minute by minute: the mark price takes, then the minute's volume opens.

    Positions are kept one by one here; a side is closed and cut as a whole.
    """
    model = LiquidationModel(GRID, ten_times())
    middles = dict(zip(GRID.edges[:-1].tolist(), GRID.centres.tolist(), strict=True))
    held: dict[PositionSide, list[tuple[float, float]]] = {LONG: [], SHORT: []}
    interest: float | None = None
    for one in bars:
        column = model.advance(one)
        change = 0.0
        if one.open_interest is not None and interest is not None:
            change = one.open_interest - interest
        volume = sum(amount for step in one.minutes for _, amount in step.entries)
        for side, sign in ((LONG, 1.0), (SHORT, -1.0)):
            open_ones, taken = held[side], 0.0
            for step in one.minutes:
                mark = step.mark_low if side is LONG else step.mark_high
                if mark is not None:
                    reached = [pair for pair in open_ones if sign * (pair[0] - mark) >= 0.0]
                    taken += sum(usd for _, usd in reached)
                    open_ones = [pair for pair in open_ones if pair not in reached]
                for price, amount in step.entries if change > 0.0 and volume > 0.0 else ():
                    target = ten_times().targets(side, np.array([price]))[0, 0]
                    middle = middles[GRID.buckets.lower_edge(GRID.buckets.index_of(float(target)))]
                    open_ones.append((middle, change * one.price * (amount / volume)))
            keep = 1.0
            if change < 0.0 and interest is not None:
                fall_usd = max(0.0, -change * one.price - taken)
                keep = max(0.0, 1.0 - fall_usd / (interest * one.price))
            total = keep * sum(usd for _, usd in open_ones)
            if one.open_interest is not None and total > one.open_interest * one.price:
                keep *= one.open_interest * one.price / total
            held[side] = [(middle, usd * keep) for middle, usd in open_ones]
            expected = np.zeros(GRID.count)
            for middle, usd in held[side]:
                expected[int(GRID.positions(np.array([middle]))[0])] += usd
            scale = 1.0 + column.longs.before_usd + column.longs.created_usd
            scale += column.shorts.before_usd + column.shorts.created_usd
            assert column.held.side(side) == pytest.approx(expected, abs=1e-9 * scale)
        interest = interest if one.open_interest is None else one.open_interest


@given(BARS, BARS)
def test_defect_g_a_column_is_the_same_whatever_comes_later(
    bars: list[ModelBar], later: list[ModelBar]
) -> None:
    model = LiquidationModel(GRID, five_classes())
    columns = run(model, bars)
    kept = [(one.held.long_bytes, one.held.short_bytes, one.longs, one.shorts) for one in columns]
    shift = len(bars)
    run(
        model,
        [
            bar(shift + number, one.open_interest, *one.minutes, price=one.price)
            for number, one in enumerate(later)
        ],
    )
    after = [(one.held.long_bytes, one.held.short_bytes, one.longs, one.shorts) for one in columns]
    assert after == kept
    # And a run over the same past gives the same bytes.
    assert run(LiquidationModel(GRID, five_classes()), bars) == columns


@given(BARS)
def test_twice_the_open_interest_is_twice_the_map(bars: list[ModelBar]) -> None:
    doubled = [
        bar(
            number,
            None if one.open_interest is None else one.open_interest * 2.0,
            *one.minutes,
            price=one.price,
        )
        for number, one in enumerate(bars)
    ]
    single = run(LiquidationModel(GRID, five_classes()), bars)
    double = run(LiquidationModel(GRID, five_classes()), doubled)
    for one, two in zip(single, double, strict=True):
        assert two.held.long == pytest.approx(one.held.long * 2.0)
        assert two.held.short == pytest.approx(one.held.short * 2.0)


def test_a_column_cannot_be_written_to() -> None:
    model = LiquidationModel(GRID, ten_times())
    column = run(model, [bar(0, 100.0, AT_1000), bar(1, 110.0, AT_1000)])[1]
    with pytest.raises(ValueError, match="read-only"):
        column.held.long[0] = 1.0
    with pytest.raises(ValueError, match="WRITEABLE"):
        column.held.long.setflags(write=True)


@pytest.mark.parametrize(
    "bad",
    [
        bar(0, 110.0, minute()),
        bar(2, -1.0, minute()),
        bar(2, math.nan, minute()),
        bar(2, 1e307, minute()),
        bar(2, 110.0, minute(), price=0.0),
        bar(2, 110.0, minute(), price=math.inf),
        bar(2, 110.0, minute(low=1001.0)),
        bar(2, 110.0, minute(low=None)),
        bar(2, 110.0, minute(high=None)),
        bar(2, 110.0, minute(low=math.nan)),
        bar(2, 110.0, minute(((0.0, 1.0),))),
        bar(2, 110.0, minute(((1000.0, -1.0),))),
        bar(2, 110.0, minute(((1000.0, math.inf),))),
        ModelBar(opened_at_ms=9, ends_at_ms=9, price=1.0, open_interest=1.0, minutes=()),
    ],
)
def test_what_no_market_has_is_refused_and_changes_nothing(bad: ModelBar) -> None:
    model = LiquidationModel(GRID, ten_times(float(BAR_MS)))
    run(model, [bar(0, 100.0, AT_1000), bar(1, 110.0, AT_1000)])
    with pytest.raises(ValueError, match=r"\S"):
        model.advance(bad)
    assert model.advance(bar(2, 110.0, minute())).longs.before_usd == 10_000.0


def test_a_share_is_a_share() -> None:
    for share in (-0.1, 1.1, math.nan):
        with pytest.raises(ValueError, match="margin_share"):
            LiquidationModel(GRID, ten_times(), margin_share=share)
