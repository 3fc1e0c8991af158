"""Pages of klines: nothing is left out or told twice, and the call ends, whatever the span."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.venues.binance.test_market_rest import BTC, KLINES, REST, drive, rows_between

from headwater.core.errors import RequestError
from headwater.core.http_messages import HttpRequest
from headwater.core.intervals import Interval
from headwater.core.records import MarkCandle
from headwater.venues.binance.klines import KLINES_MAX, kline_request, klines_weight

MINUTE_MS = 60_000
bounds = st.none() | st.integers(0, 4100 * MINUTE_MS)


def mark_server(path: str, query: dict[str, str]) -> list[list[object]]:
    assert path == "/fapi/v1/markPriceKlines"
    assert (query["symbol"], query["interval"]) == ("BTCUSDT", "1m")
    return rows_between(KLINES, lambda row: int(str(row[0])), query, KLINES_MAX)


def marks(
    limit: int, start_ms: int | None, end_ms: int | None, now_ms: int
) -> tuple[list[HttpRequest], list[MarkCandle]]:
    call = REST.mark_candles(
        BTC, Interval.M1, limit=limit, start_ms=start_ms, end_ms=end_ms, now_ms=now_ms
    )
    return drive(call, mark_server)


@given(st.integers(1, 5000), bounds, bounds)
def test_mark_bars_are_paged_without_holes_and_repeats(
    limit: int, start_ms: int | None, end_ms: int | None
) -> None:
    requests, bars = marks(limit, start_ms, end_ms, 2**62)
    wanted = [
        opened_ms
        for opened_ms in (int(str(row[0])) for row in KLINES)
        if (start_ms is None or opened_ms >= start_ms) and (end_ms is None or opened_ms <= end_ms)
    ]
    assert [bar.timestamp_ms for bar in bars] == (
        wanted[-limit:] if start_ms is None else wanted[:limit]
    )
    assert len(requests) <= limit // KLINES_MAX + 1
    for request in requests:
        size = int(dict(request.query)["limit"])
        assert (request.weight, request.pool) == (klines_weight(size), "ip")


def test_a_bar_is_closed_once_its_last_millisecond_has_passed() -> None:
    last_ms = int(str(KLINES[-1][0]))
    for now_ms, closed in ((last_ms + MINUTE_MS - 1, False), (last_ms + MINUTE_MS, True)):
        _, bars = marks(2, None, None, now_ms)
        assert [bar.is_closed for bar in bars] == [True, closed]
        assert all(bar.readings is None for bar in bars)


def test_a_limit_below_one_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(RequestError, match="limit"):
        next(REST.mark_candles(BTC, Interval.M1, limit=0, now_ms=1))


def test_bounds_that_are_not_given_are_not_sent() -> None:
    request = kline_request("markPriceKlines", BTC, Interval.H4, None, 9, 100)
    assert dict(request.query) == {
        "symbol": "BTCUSDT", "interval": "4h", "endTime": "9", "limit": "100",
    }  # fmt: skip
