"""Pieces that several venues share."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.api.fake_source import make_candle, make_instrument

from headwater.core.errors import RequestError
from headwater.core.intervals import Interval
from headwater.core.records import Candle
from headwater.venues.common import (
    candles_forward,
    not_counted,
    plain_text,
    query_of,
    require_positive,
)
from headwater.venues.messages import RestCall

MINUTE_MS = 60_000
START_MS = 1_731_000_000_000 - 1_731_000_000_000 % MINUTE_MS


def test_a_request_asks_for_something_and_leaves_out_what_is_none() -> None:
    assert query_of(symbol="BTC", limit=5, start=None) == (("symbol", "BTC"), ("limit", "5"))
    require_positive("depth", 1)
    with pytest.raises(RequestError) as caught:
        require_positive("depth", 0)
    assert (caught.value.field, caught.value.value) == ("depth", "0")


def test_ids_that_are_no_count_are_said_to_be_none() -> None:
    error = not_counted("okx", make_instrument(exchange="okx"), 3, 9)
    assert (error.exchange, error.capability) == ("okx", "trades_between")
    assert "BTCUSDT: ids are no count (3–9)" in str(error)


def test_a_page_becomes_a_short_line() -> None:
    assert plain_text(b"<html><b>Bad</b>\n gateway \xff</html>", 100) == "Bad gateway \ufffd"
    assert plain_text(b"x" * 1_000, 10) == "x" * 10


@given(
    rows=st.integers(0, 60),
    page_max=st.integers(1, 20),
    limit=st.integers(1, 80),
    skipped=st.sets(st.integers(0, 59)),
)
def test_a_span_longer_than_a_page_has_no_seam(
    rows: int, page_max: int, limit: int, skipped: set[int]
) -> None:
    """The first `limit` of what there is, in order, whatever a venue adds at the ends of a window.

    Minutes without a trade have no candle; of too many rows the venue gives the newest.
    """
    there = [
        make_candle(opened_at_ms=START_MS + number * MINUTE_MS)
        for number in range(rows)
        if number not in skipped
    ]
    sizes: list[int] = []

    def page(size: int, first_ms: int, last_ms: int) -> RestCall[list[Candle]]:
        sizes.append(size)
        yield from ()
        found = [one for one in there if first_ms - MINUTE_MS <= one.timestamp_ms <= last_ms]
        return found[-size:]

    call = candles_forward(
        page,
        page_max,
        make_instrument(),
        Interval.M1,
        limit,
        START_MS,
        START_MS + (rows - 1) * MINUTE_MS,
    )
    with pytest.raises(StopIteration) as ended:
        next(call)
    assert ended.value.value == there[:limit]
    assert all(size <= page_max + 1 for size in sizes)
