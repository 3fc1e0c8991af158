"""Bars in step: closed candles only, no doubles, any order of arrival."""

from hypothesis import given
from hypothesis import strategies as st

from headwater.analytics.oi_volume_series import (
    OiVolumeBar,
    OiVolumeSeries,
    bars_of,
    by_minute,
)
from headwater.core.intervals import Interval
from headwater.core.records import Candle, OpenInterest

_STEP_MS = Interval.M5.nominal_ms
_OPEN_MS = 1_700_000_100_000


def _candle(opened_at_ms: int, *, is_closed: bool = True, turnover: float | None = 7.0) -> Candle:
    return Candle(
        exchange="binance",
        symbol="BTCUSDT",
        native_symbol="BTCUSDT",
        timestamp_ms=opened_at_ms,
        received_ns=0,
        interval=Interval.M5,
        open=1.0,
        high=12.0,
        low=6.0,
        close=9.0,
        volume=2.0,
        quote_volume=turnover,
        trades_count=None,
        is_closed=is_closed,
    )


def _reading(timestamp_ms: int, interest: float, value: float | None = None) -> OpenInterest:
    return OpenInterest(
        exchange="binance",
        symbol="BTCUSDT",
        native_symbol="BTCUSDT",
        timestamp_ms=timestamp_ms,
        received_ns=0,
        open_interest=interest,
        value=value,
    )


def _volume(series: OiVolumeSeries, bar: OiVolumeBar) -> float | None:
    del series
    return bar.volume_usd


def test_a_forming_candle_is_no_bar() -> None:
    end_ms = _OPEN_MS + _STEP_MS
    assert bars_of([_candle(_OPEN_MS, is_closed=False)], {}, end_ms) == []
    # Nor one that a venue calls closed before its time is over.
    assert bars_of([_candle(_OPEN_MS)], {}, end_ms - 1) == []
    assert bars_of([_candle(_OPEN_MS, turnover=float("nan"))], {}, end_ms) == []
    assert [bar.ended_at_ms for bar in bars_of([_candle(_OPEN_MS)], {}, end_ms)] == [end_ms]


def test_volume_and_open_interest_in_usd() -> None:
    end_ms = _OPEN_MS + _STEP_MS
    readings = by_minute([_reading(end_ms, 3.0)])
    (bar,) = bars_of([_candle(_OPEN_MS, turnover=None)], readings, end_ms)
    # 2 × (12 + 6 + 9) / 3, and 3 base units at the close of 9.
    assert (bar.volume_usd, bar.open_interest, bar.open_interest_usd) == (18.0, 3.0, 27.0)
    (bar,) = bars_of([_candle(_OPEN_MS)], by_minute([_reading(end_ms, 3.0, 28.0)]), end_ms)
    assert (bar.volume_usd, bar.open_interest_usd) == (7.0, 28.0)


def test_the_nearest_reading_before_the_end_counts_if_it_is_young() -> None:
    end_ms = _OPEN_MS + _STEP_MS
    times = {-60_000: 1.0, -59_999: 2.0, -3_000: 3.0, 1: 4.0}
    readings = [_reading(end_ms + shift_ms, interest) for shift_ms, interest in times.items()]
    (bar,) = bars_of([_candle(_OPEN_MS)], by_minute(reversed(readings)), end_ms)
    assert bar.open_interest == 3.0
    (bar,) = bars_of([_candle(_OPEN_MS)], by_minute([readings[0], readings[3]]), end_ms)
    assert bar.open_interest is None


@given(
    order=st.permutations(range(12)).flatmap(
        lambda once: st.lists(st.sampled_from(once), max_size=20).map(lambda again: [*once, *again])
    )
)
def test_order_and_repetition_change_nothing(order: list[int]) -> None:
    series = OiVolumeSeries(Interval.M5, 12)
    for number in order:
        # The second time it even says something else.
        series.add(OiVolumeBar(ended_at_ms=number * _STEP_MS, volume_usd=float(number)))
        series.add(OiVolumeBar(ended_at_ms=number * _STEP_MS, volume_usd=1e9))
    assert len(series) == 12
    assert series.before(11 * _STEP_MS, 4, _volume) == [7.0, 8.0, 9.0, 10.0]
    assert series.before(0, 4, _volume) == []


def test_a_full_series_keeps_the_newest_and_a_bar_is_completed_once() -> None:
    series = OiVolumeSeries(Interval.M5, 2)
    for number in (3, 4, 5):
        assert series.add(OiVolumeBar(ended_at_ms=number, volume_usd=1.0))
    assert not series.add(OiVolumeBar(ended_at_ms=3, volume_usd=1.0))
    assert series.complete_after(0) == []
    for interest in (8.0, 9.0):
        series.add(
            OiVolumeBar(
                ended_at_ms=5, volume_usd=2.0, open_interest=interest, open_interest_usd=interest
            )
        )
    (bar,) = series.complete_after(4)
    assert (bar.volume_usd, bar.open_interest, series.newest_ms) == (1.0, 8.0, 5)
    assert series.complete_after(5) == []
