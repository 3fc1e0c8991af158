"""Open interest of OKX page by page, whichever way the venue reads its bounds."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.venues.binance.test_market_rest import drive
from tests.venues.okx.test_market_events import swap

from headwater.core.instruments import InstrumentTable
from headwater.core.intervals import Interval
from headwater.venues.okx.market_rest import OkxMarketRest

PERIOD_MS = 300_000
CONTRACT = swap("BTC-USDT-SWAP", 0.01)
REST = OkxMarketRest(InstrumentTable("okx", [CONTRACT]))
ROWS = [
    [str(index * PERIOD_MS), str(index), str(index * 0.01), str(index * 400.0)]
    for index in range(1_000, 1_500)
]


@given(
    limit=st.integers(1, 600),
    start=st.none() | st.integers(900, 1_500),
    end=st.none() | st.integers(900, 1_600),
    is_contained=st.booleans(),
)
def test_past_open_interest_is_complete(
    limit: int, start: int | None, end: int | None, *, is_contained: bool
) -> None:
    """The documents say "earlier than" and "newer than": the bounds may be contained or not."""

    def server(path: str, query: dict[str, str]) -> dict[str, Any]:
        assert path == "/api/v5/rubik/stat/contracts/open-interest-history"
        assert (query["instId"], query["period"]) == ("BTC-USDT-SWAP", "5m")
        slack = 0 if is_contained else 1
        begin_ms = int(query.get("begin", "0")) + slack
        end_ms = int(query.get("end", str(2**62))) - slack
        found = [row for row in ROWS if begin_ms <= int(row[0]) <= end_ms]
        newest = found[-int(query["limit"]) :]
        return {"code": "0", "msg": "", "data": newest[::-1]}

    start_ms = None if start is None else start * PERIOD_MS
    end_ms = None if end is None else end * PERIOD_MS
    requests, read = drive(
        REST.open_interest_history(
            CONTRACT, Interval.M5, limit=limit, start_ms=start_ms, end_ms=end_ms
        ),
        server,
    )
    wanted = [
        int(row[0])
        for row in ROWS
        if (start_ms is None or int(row[0]) >= start_ms)
        and (end_ms is None or int(row[0]) <= end_ms)
    ]
    assert [one.timestamp_ms for one in read] == (
        wanted[-limit:] if start_ms is None else wanted[:limit]
    )
    # 99 new rows a page where the bounds are contained, and one page to learn that it was the last.
    assert len(requests) <= len(ROWS) // 99 + 2
    assert {request.pool for request in requests} == {"interest_history"}
