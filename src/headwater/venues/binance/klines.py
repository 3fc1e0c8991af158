"""Rows of klines page by page, of trades as of the mark price: one way through a span for both.

Source: https://developers.binance.com/docs/derivatives/usds-margined-futures/market-data/rest-api/
Kline-Candlestick-Data and Mark-Price-Kline-Candlestick-Data
"""

from collections.abc import Callable
from typing import Final, TypeAlias

from headwater.core.http_messages import HttpRequest
from headwater.core.instruments import Instrument
from headwater.core.intervals import Interval
from headwater.venues.common import CandleT, query_of, require_positive
from headwater.venues.messages import RestCall

KLINES_MAX: Final = 1500
"""Most rows of one request."""

KlinePage: TypeAlias = Callable[[int | None, int | None, int], RestCall[list[CandleT]]]
"""(first ms, last ms, most rows) → rows, ascending: from the first on, else the newest."""


def klines_weight(limit: int) -> int:
    """Weight of `limit` rows: < 100 1, < 500 2, ≤ 1000 5, above 10."""
    if limit < 100:
        return 1
    if limit < 500:
        return 2
    return 5 if limit <= 1000 else 10


def kline_request(
    endpoint: str,
    instrument: Instrument,
    interval: Interval,
    start_ms: int | None,
    end_ms: int | None,
    size: int,
) -> HttpRequest:
    """Asks for a page of an endpoint (`klines`, `markPriceKlines`); its weight goes by `size`."""
    return HttpRequest(
        path=f"/fapi/v1/{endpoint}",
        query=query_of(
            symbol=instrument.native_symbol,
            interval=interval.value,
            startTime=start_ms,
            endTime=end_ms,
            limit=size,
        ),
        weight=klines_weight(size),
        pool="ip",
    )


def paged(
    page: KlinePage[CandleT], limit: int, start_ms: int | None, end_ms: int | None
) -> RestCall[list[CandleT]]:
    """Up to `limit` rows: forward from `start_ms`, else the newest up to `end_ms`.

    Args:
        page: asks for one page.
        limit: most rows, ≥ 1.
        start_ms: earliest opening time, inclusive.
        end_ms: latest opening time, inclusive.

    Raises:
        RequestError: `limit` is below 1.
    """
    require_positive("limit", limit)
    found: list[CandleT] = []
    while len(found) < limit:
        size = min(limit - len(found), KLINES_MAX)
        rows = yield from page(start_ms, end_ms, size)
        fresh = [
            row
            for row in rows
            if (start_ms is None or row.timestamp_ms >= start_ms)
            and (end_ms is None or row.timestamp_ms <= end_ms)
        ]
        if start_ms is None:
            found = fresh[-(limit - len(found)) :] + found
        else:
            found += fresh[: limit - len(found)]
        if not fresh or len(rows) < size:
            break
        if start_ms is None:
            end_ms = fresh[0].timestamp_ms - 1
        else:
            start_ms = fresh[-1].timestamp_ms + 1
    return found
