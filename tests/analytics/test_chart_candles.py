"""How many candles a chart begins with, and which telling of a candle stays."""

import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.api.fake_source import make_candle

from headwater.analytics.chart_candles import ChartCandles, candle_count, is_news
from headwater.core.intervals import Interval
from headwater.core.records import Candle

MINUTE_MS = 60_000


def candle(number: int, *, closed: bool = True, close: float = 105.25, revision: int = 0) -> Candle:
    """The `number`th minute; a later telling by its close."""
    made = make_candle(opened_at_ms=number * MINUTE_MS, is_closed=closed)
    received_ns = round((number * 100 + close) * 1_000_000)
    return msgspec.structs.replace(made, close=close, revision=revision, received_ns=received_ns)


@pytest.mark.parametrize(
    ("width_px", "count"),
    [
        (300, 200),  # 50 fit, 150 are too few
        (399, 200),  # 199.5 are too few
        (402, 201),
        (403, 201),  # 201.5
        (800, 400),  # 133 1/3 fit, three times that
        (1999, 999),  # 999.5
        (2000, 1000),
        (2004, 1000),  # 1002 are too many
        (3000, 1000),
    ],
)
def test_o_s13_the_count_follows_the_width(width_px: int, count: int) -> None:
    assert candle_count(width_px) == count


@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_o_s13_a_wider_chart_never_has_fewer(one: int, other: int) -> None:
    least, most = sorted((one, other))
    assert 200 <= candle_count(least) <= candle_count(most) <= 1000


@given(st.lists(st.integers(0, 20), max_size=40), st.integers(1, 10), st.randoms())
def test_the_newest_are_kept_in_order_whatever_comes_first(
    numbers: list[int], capacity: int, rng: random.Random
) -> None:
    rows = [candle(number) for number in numbers]
    rng.shuffle(rows)
    chart = ChartCandles(Interval.M1, capacity)
    chart.take_all(rows)
    wanted = sorted(set(numbers))[-capacity:]
    assert [one.timestamp_ms // MINUTE_MS for one in chart.newest(capacity)] == wanted
    assert len(chart) == len(wanted)


@given(st.permutations(range(5)))
def test_whatever_the_order_the_last_word_stays(order: list[int]) -> None:
    """A forming candle, told twice, closed, corrected, corrected again: the second correction."""
    tellings = [
        candle(7, closed=False, close=1.0),
        candle(7, closed=False, close=2.0),
        candle(7, close=3.0),
        candle(7, close=4.0, revision=1),
        candle(7, close=5.0, revision=2),
    ]
    chart = ChartCandles(Interval.M1)
    for at in order:
        chart.take(tellings[at])
    assert chart.newest(1) == [tellings[4]]


def test_the_same_again_is_no_news() -> None:
    one = candle(3)
    again = msgspec.structs.replace(one, received_ns=one.received_ns + 1)
    assert not is_news(again, one)
    assert is_news(msgspec.structs.replace(again, close=99.0), one)
    older = msgspec.structs.replace(one, close=99.0, received_ns=one.received_ns - 1)
    assert not is_news(older, one)


def test_news_are_told_oldest_first() -> None:
    chart = ChartCandles(Interval.M1)
    chart.take(candle(1))
    news = chart.take_all([candle(3), candle(1), candle(2)])
    assert [one.timestamp_ms // MINUTE_MS for one in news] == [2, 3]


def test_a_correction_of_what_is_no_longer_kept_is_news() -> None:
    chart = ChartCandles(Interval.M1, 2)
    chart.take_all([candle(5), candle(6)])
    assert not chart.take(candle(4))
    assert chart.take(candle(4, revision=1))
    assert [one.timestamp_ms // MINUTE_MS for one in chart.newest(2)] == [5, 6]


@pytest.mark.parametrize(
    ("rows", "unsettled"),
    [
        ([], None),
        ([candle(1), candle(2), candle(3, closed=False)], None),
        ([candle(1), candle(3)], 2),
        ([candle(1), candle(2, closed=False), candle(3, closed=False)], 2),
        ([candle(1, closed=False), candle(4)], 1),
    ],
)
def test_what_is_to_be_asked_for_again(rows: list[Candle], unsettled: int | None) -> None:
    chart = ChartCandles(Interval.M1)
    chart.take_all(rows)
    assert chart.unsettled_ms() == (None if unsettled is None else unsettled * MINUTE_MS)


def test_months_follow_each_other_although_they_differ_in_length() -> None:
    """January (31 days), February 2025 (28), March."""
    openings = (1_735_689_600_000, 1_738_368_000_000, 1_740_787_200_000)
    chart = ChartCandles(Interval.MONTH1)
    chart.take_all(make_candle("BTCUSDT", Interval.MONTH1, at, is_closed=True) for at in openings)
    assert chart.unsettled_ms() is None
    chart = ChartCandles(Interval.MONTH1)
    chart.take_all(
        make_candle("BTCUSDT", Interval.MONTH1, at, is_closed=True) for at in openings[::2]
    )
    assert chart.unsettled_ms() == openings[1]


@given(st.lists(st.tuples(st.integers(0, 12), st.booleans()), max_size=30))
def test_looking_often_finds_what_looking_once_does(rows: list[tuple[int, bool]]) -> None:
    """Where it left off is remembered: that must not change the answer."""
    often, once = ChartCandles(Interval.M1), ChartCandles(Interval.M1)
    for number, closed in rows:
        often.take(candle(number, closed=closed))
        once.take(candle(number, closed=closed))
        found = often.unsettled_ms()
        assert found == often.unsettled_ms()
    assert often.unsettled_ms() == once.unsettled_ms()


def test_what_was_asked_for_in_vain_is_not_looked_at_again() -> None:
    chart = ChartCandles(Interval.M1)
    chart.take_all([candle(1), candle(3), candle(4)])
    assert chart.unsettled_ms() == 2 * MINUTE_MS
    assert chart.unsettled_ms(4 * MINUTE_MS) is None
    chart.take(candle(6))
    assert chart.unsettled_ms(4 * MINUTE_MS) == 5 * MINUTE_MS
