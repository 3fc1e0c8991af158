"""The realised map: the same money as the histogram, and columns that stay what they were."""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.analytics.exact_sums import units_of
from headwater.analytics.liquidation_heatmap import (
    COLUMNS_KEPT,
    HeatCell,
    LateVolume,
    LiquidationHeatmap,
)
from headwater.analytics.liquidation_volume import LiquidationVolumes
from headwater.analytics.price_buckets import PriceBuckets
from headwater.core.enums import PositionSide, PriceKind, Side
from headwater.core.intervals import Interval
from headwater.core.records import Liquidation

MINUTE = 60_000
START = 1_700_000_040_000
TENS = PriceBuckets.of_width(Decimal(10))


def event(
    timestamp_ms: int,
    side: PositionSide,
    price: float,
    quantity: float,
    *,
    exchange: str = "bybit",
    price_kind: PriceKind = PriceKind.AVERAGE,
) -> Liquidation:
    """A liquidation of BTCUSDT."""
    return Liquidation(
        exchange=exchange,
        symbol="BTCUSDT",
        native_symbol="BTCUSDT",
        timestamp_ms=timestamp_ms,
        received_ns=0,
        side=Side.SELL if side is PositionSide.LONG else Side.BUY,
        position_side=side,
        price=price,
        quantity=quantity,
        value=price * quantity,
        price_kind=price_kind,
        order_id=None,
        is_floor=exchange == "binance",
    )


EVENTS = st.lists(
    st.builds(
        event,
        st.integers(START, START + 20 * MINUTE),
        st.sampled_from(PositionSide),
        st.floats(50.0, 150.0),
        st.floats(1e-3, 1e3),
        exchange=st.sampled_from(["binance", "bybit"]),
        price_kind=st.sampled_from(PriceKind),
    ),
    max_size=40,
)
CHOICES = st.sampled_from([None, {"binance"}, {"bybit"}, {"okx"}])


def _map(events: list[Liquidation]) -> LiquidationHeatmap:
    heatmap = LiquidationHeatmap("BTCUSDT", Interval.M1, TENS)
    heatmap.add(events)
    return heatmap


def test_cells_by_hand() -> None:
    """Longs 2 × 101 and 1 × 109.5 share the bucket 100–110; a short of 4 × 110 lies above."""
    heatmap = _map(
        [
            event(START, PositionSide.LONG, 101.0, 2.0),
            event(START + 1, PositionSide.LONG, 109.5, 1.0, price_kind=PriceKind.BANKRUPTCY),
            event(START + 2, PositionSide.SHORT, 110.0, 4.0, exchange="binance"),
        ]
    )
    (column,) = heatmap.columns()
    assert column.cells == (
        HeatCell(bucket_index=10, long_usd=311.5, short_usd=0.0),
        HeatCell(bucket_index=11, long_usd=0.0, short_usd=440.0),
    )
    assert (column.long_usd, column.short_usd, column.bankruptcy_usd) == (311.5, 440.0, 109.5)
    assert column.is_floor
    assert not column.is_closed
    (bybit,) = heatmap.columns(exchanges={"bybit"})
    assert (bybit.short_usd, bybit.is_floor) == (0.0, False)


@given(EVENTS, EVENTS, st.integers(0, 22), CHOICES)
def test_the_sum_over_prices_and_what_was_late_is_the_histogram(
    before: list[Liquidation], after: list[Liquidation], minutes: int, exchanges: set[str] | None
) -> None:
    heatmap = _map(before)
    heatmap.close_until(START + minutes * MINUTE)
    heatmap.add(after)
    volumes = LiquidationVolumes("BTCUSDT", Interval.M1)
    volumes.add(before + after)
    columns = {one.opened_at_ms: one for one in heatmap.columns(exchanges=exchanges)}
    for row in volumes.buckets(exchanges=exchanges):
        late = heatmap.late(row.opened_at_ms, exchanges)
        column = columns.pop(row.opened_at_ms, None)
        cells = () if column is None else column.cells
        longs = sum(units_of(one.long_usd) for one in cells) + units_of(late.long_usd)
        shorts = sum(units_of(one.short_usd) for one in cells) + units_of(late.short_usd)
        # Cells are rounded to floats one by one; a cent is a hundred thousand times that.
        assert abs(longs - units_of(row.sell_usd)) <= units_of(1e-7)
        assert abs(shorts - units_of(row.buy_usd)) <= units_of(1e-7)
        if column is not None and not late.count:
            assert (column.long_usd, column.short_usd) == (row.sell_usd, row.buy_usd)
    assert columns == {}


@given(EVENTS, EVENTS, st.integers(0, 22), CHOICES)
def test_no_closed_column_ever_changes(
    before: list[Liquidation], after: list[Liquidation], minutes: int, exchanges: set[str] | None
) -> None:
    heatmap = _map(before)
    closed_ms = START + minutes * MINUTE
    heatmap.close_until(closed_ms)
    # Neither late events nor an attempt to go back open a column again.
    frozen = [one for one in heatmap.columns(exchanges=exchanges) if one.is_closed]
    heatmap.close_until(START)
    heatmap.add(after)
    assert [one for one in heatmap.columns(exchanges=exchanges) if one.is_closed] == frozen
    late = [one for one in after if one.timestamp_ms < closed_ms]
    assert heatmap.late().count == len(late)


@given(EVENTS, st.data())
def test_any_order_gives_the_same_map(events: list[Liquidation], data: st.DataObject) -> None:
    assert _map(data.draw(st.permutations(events))).columns() == _map(events).columns()


def test_l_d1_the_exchanges_filter_changes_the_data() -> None:
    heatmap = _map(
        [
            event(START, PositionSide.LONG, 100.0, 1.0, exchange="okx"),
            event(START + MINUTE, PositionSide.LONG, 100.0, 2.0, exchange="bybit"),
        ]
    )
    assert [one.long_usd for one in heatmap.columns()] == [100.0, 200.0]
    assert [one.long_usd for one in heatmap.columns(exchanges={"bybit"})] == [200.0]
    assert heatmap.columns(exchanges={"binance"}) == []


def test_a_late_event_is_told() -> None:
    heatmap = _map([event(START, PositionSide.LONG, 100.0, 1.0)])
    heatmap.close_until(START + MINUTE)
    heatmap.add([event(START + 5, PositionSide.SHORT, 100.0, 3.0)])
    heatmap.add([event(START + MINUTE, PositionSide.SHORT, 100.0, 5.0)])
    assert heatmap.late(START) == LateVolume(long_usd=0.0, short_usd=300.0, count=1)
    assert heatmap.late(START + MINUTE).count == 0
    closed, still_open = heatmap.columns()
    assert (closed.is_closed, closed.short_usd) == (True, 0.0)
    assert (still_open.is_closed, still_open.short_usd) == (False, 500.0)


def test_an_event_may_be_placed_at_another_price() -> None:
    """At the mark of 128 instead of the bankruptcy price of 101."""
    heatmap = LiquidationHeatmap("BTCUSDT", Interval.M1, TENS, price_of=lambda _: 128.0)
    heatmap.add([event(START, PositionSide.LONG, 101.0, 1.0, price_kind=PriceKind.BANKRUPTCY)])
    (column,) = heatmap.columns()
    assert column.cells == (HeatCell(bucket_index=12, long_usd=101.0, short_usd=0.0),)


def test_a_range_of_columns() -> None:
    events = [event(START + index * MINUTE, PositionSide.LONG, 100.0, 1.0) for index in range(4)]
    asked = _map(events).columns(start_ms=START + MINUTE, end_ms=START + 3 * MINUTE)
    assert [one.opened_at_ms for one in asked] == [START + MINUTE, START + 2 * MINUTE]


def test_the_oldest_columns_go_and_are_counted() -> None:
    old = event(START, PositionSide.LONG, 100.0, 1.0)
    heatmap = _map([old])
    heatmap.close_until(START + MINUTE)
    heatmap.add([old])
    heatmap.add([event(START + COLUMNS_KEPT * MINUTE, PositionSide.LONG, 100.0, 1.0)])
    heatmap.add([old])
    assert heatmap.dropped_count == 3
    assert [one.opened_at_ms for one in heatmap.columns()] == [START + COLUMNS_KEPT * MINUTE]


def test_another_symbol_is_refused() -> None:
    other = msgspec.structs.replace(event(START, PositionSide.LONG, 1.0, 1.0), symbol="ETHUSDT")
    with pytest.raises(ValueError, match="ETHUSDT"):
        _map([other])
