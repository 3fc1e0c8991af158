"""Past candles of an interval that a venue lacks, folded from one that it has, page by page."""

from collections.abc import AsyncIterator, Sequence

import msgspec

from headwater.analytics.candles import fold
from headwater.app.fetch_request import FetchRequest
from headwater.core.intervals import Interval
from headwater.core.records import Candle


def parts_request(request: FetchRequest, interval: Interval) -> FetchRequest:
    """The request for the parts of the candles that are wanted.

    Args:
        request: for whole candles, the last of which has ended; with a start or a limit.
        interval: their length.

    Returns:
        The same from the first part of the first candle to the last part of the last one.
    """
    last_ms = interval.opens_at_ms(request.until_ms)
    given_ms = request.first_ms
    if given_ms is None:
        assert request.limit is not None, "without a start the newest candles are wanted, so many"
        first_ms = last_ms
        for _ in range(request.limit - 1):
            first_ms = interval.opens_at_ms(first_ms - 1)
    else:
        first_ms = interval.opens_at_ms(given_ms)
        if first_ms < given_ms:
            first_ms = interval.closes_at_ms(first_ms)
    return msgspec.structs.replace(
        request,
        since_ms=first_ms,
        until_ms=interval.closes_at_ms(last_ms) - 1,
        limit=None,
        reached=None,
    )


async def folded(
    pages: AsyncIterator[Sequence[Candle]], request: FetchRequest, interval: Interval
) -> AsyncIterator[Sequence[Candle]]:
    """Candles of `interval` from pages of parts; one with a missing part is left out.

    Args:
        pages: closed parts, oldest first.
        request: for the whole candles; says how many are wanted.
        interval: their length.
    """
    waiting: list[Candle] = []
    born_ms, left = request.instrument.listed_at_ms, request.limit
    async for page in pages:
        waiting += page
        if not waiting:
            continue
        open_ms = interval.opens_at_ms(waiting[-1].timestamp_ms)
        whole = [one for one in waiting if one.timestamp_ms < open_ms]
        waiting = waiting[len(whole) :]
        built = fold(whole, interval, now_ms=open_ms, born_ms=born_ms)[:left]
        if built:
            yield built
            left = None if left is None else left - len(built)
        if left == 0:
            return
    if waiting:
        ended_ms = interval.closes_at_ms(waiting[-1].timestamp_ms)
        yield fold(waiting, interval, now_ms=ended_ms, born_ms=born_ms)[:left]
