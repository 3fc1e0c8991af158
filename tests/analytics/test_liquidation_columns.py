"""Columns hold what the records said, in order of time, and fall into the right bars."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.analytics.liquidation_samples import EVENTS, MINUTE, SPAN_MS, START, event

from headwater.analytics.liquidation_columns import BarAxis, LiquidationColumns
from headwater.core.enums import PositionSide, PriceKind
from headwater.core.intervals import Interval
from headwater.core.records import Liquidation


@given(EVENTS)
def test_columns_are_the_events_by_time(events: list[Liquidation]) -> None:
    columns = LiquidationColumns.of(events)
    ordered = sorted(events, key=lambda one: one.timestamp_ms)
    assert columns.timestamp_ms.tolist() == [one.timestamp_ms for one in ordered]
    assert columns.received_ms.tolist() == [one.received_ns // 1_000_000 for one in ordered]
    assert columns.price.tolist() == [one.price for one in ordered]
    assert columns.value.tolist() == [one.value for one in ordered]
    assert columns.quantity.tolist() == [one.quantity for one in ordered]
    assert columns.is_floor.tolist() == [one.is_floor for one in ordered]
    assert columns.is_long.tolist() == [one.position_side is PositionSide.LONG for one in ordered]
    assert columns.is_bankruptcy.tolist() == [
        one.price_kind is PriceKind.BANKRUPTCY for one in ordered
    ]


def test_a_stretch_begins_with_its_start_and_ends_before_its_end() -> None:
    columns = LiquidationColumns.of([event(0), event(10), event(20, 300.0)])
    assert (columns.between(START, START + 20).timestamp_ms - START).tolist() == [0, 10]
    assert len(columns.between(START, START + 21)) == 3
    assert columns.at_least(300.0).value.tolist() == [300.0]
    assert len(columns.at_least(0.0)) == 3


@given(
    st.sampled_from(Interval),
    st.integers(0, 4_000_000_000_000),
    st.integers(1, 86_400_000 * 40),
    st.lists(st.floats(0, 1, exclude_max=True), max_size=20),
)
def test_every_time_falls_into_the_bar_that_holds_it(
    interval: Interval, start_ms: int, length_ms: int, shares: list[float]
) -> None:
    length_ms = min(length_ms, 200 * interval.nominal_ms)
    axis = BarAxis.over(interval, start_ms, start_ms + length_ms)
    times = sorted(start_ms + int(share * length_ms) for share in shares)
    found = axis.edges[axis.positions(np.array(times, np.int64))].tolist()
    assert found == [interval.opens_at_ms(time) for time in times]
    assert axis.edges[-2] < start_ms + length_ms <= axis.edges[-1]


def test_an_empty_span_has_the_bar_of_its_start() -> None:
    axis = BarAxis.over(Interval.M1, START + 5, START + 5)
    assert axis.edges.tolist() == [START, START + MINUTE]
    assert BarAxis.over(Interval.M1, START, START + SPAN_MS).count == 40
