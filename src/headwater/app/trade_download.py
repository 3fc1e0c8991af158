"""Past trades of one instrument, as far back as the venue gives them.

Where a venue counts trades, the first one of a time is found by bisection over their numbers and
everything after it is read in order. Elsewhere there is only the newest page.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from typing import Final, Protocol, TypeVar

from headwater.app.fetch_request import FetchRequest
from headwater.core.errors import NotSupported
from headwater.core.records import Trade
from headwater.venues.base import MarketRest, Venue
from headwater.venues.messages import RestCall

T = TypeVar("T")

_FIRST_NUMBER: Final = 0


class Ask(Protocol):
    """Runs one call to its end, patiently."""

    async def __call__(self, make: Callable[[], RestCall[T]]) -> T:
        """Makes the call anew for each attempt."""
        ...


class TradeDownload:
    """Reads trades of one venue.

    Args:
        venue: which one.
        calls: its REST calls.
        ask: runs them.
        tell: hears where trades are missing, in words.
    """

    def __init__(
        self, venue: Venue, calls: MarketRest, ask: Ask, tell: Callable[[str], None]
    ) -> None:
        self._page = venue.facts.trades_max
        self._calls = calls
        self._ask = ask
        self._tell = tell

    async def pages(self, request: FetchRequest) -> AsyncIterator[Sequence[Trade]]:
        """The trades of a request, oldest first.

        Raises:
            VenueError: the venue refused or could not be reached.
            WireError: a reply could not be read.
        """
        instrument = request.instrument
        newest = await self._ask(lambda: self._calls.trades(instrument, limit=self._page))
        if not newest:
            return
        numbers = _numbers(newest)
        if numbers is not None:
            try:
                async for page in self._counted(request, newest, numbers):
                    yield page
            except NotSupported:
                numbers = None  # they are numbered but not given by number
        if numbers is None:
            yield self._newest_of(request, newest)

    def _newest_of(self, request: FetchRequest, newest: Sequence[Trade]) -> Sequence[Trade]:
        """What is wanted of the one page that there is; says when it does not reach far enough."""
        begins_ms = newest[0].timestamp_ms
        reached = request.reached
        after_ms = request.since_ms if reached is None else reached.moment_ms
        if after_ms is not None and begins_ms > after_ms:
            one = request.instrument
            self._tell(
                f"{one.exchange} {one.symbol}: only the newest {len(newest)} trades are given; "
                "older ones are missing"
            )
        fresh = [one for one in newest if _is_wanted(one, request)]
        return _cut(fresh, request)

    async def _counted(
        self, request: FetchRequest, newest: Sequence[Trade], numbers: Sequence[int]
    ) -> AsyncIterator[Sequence[Trade]]:
        """Every trade by its number."""
        last = numbers[-1]
        if newest[-1].timestamp_ms > request.until_ms:
            last = await self._first_from(request.until_ms + 1, request, numbers) - 1
        if request.reached is not None and request.reached.ids:
            first = max(int(one) for one in request.reached.ids) + 1
        elif request.since_ms is not None:
            first = await self._first_from(request.since_ms, request, numbers)
        else:
            first = last - (request.limit or self._page) + 1
        if request.limit is not None:
            last = min(last, first + request.limit - 1)
        first = max(first, _FIRST_NUMBER)
        while first <= last:
            until = min(first + self._page - 1, last)
            page = await self._between(request, first, until)
            if page:
                yield page
            first = until + 1

    async def _first_from(
        self, moment_ms: int, request: FetchRequest, numbers: Sequence[int]
    ) -> int:
        """Number of the first trade at or after a moment, among those that the venue still has.

        Steps back in doubled strides from the newest page, then halves the last stride until a
        page holds it. What the venue has no more counts as before the moment.
        """
        high, stride = numbers[-1] + 1, self._page
        low = high
        while low > _FIRST_NUMBER:
            low = max(low - stride, _FIRST_NUMBER)
            if await self._is_before(request, low, moment_ms):
                break
            high, stride = low, stride * 2
        while high - low > self._page:
            middle = (low + high) // 2
            if await self._is_before(request, middle, moment_ms):
                low = middle
            else:
                high = middle
        page = await self._between(request, low, high)
        found = [one.sequence for one in page if one.timestamp_ms >= moment_ms]
        return high if not found or found[0] is None else found[0]

    async def _is_before(self, request: FetchRequest, number: int, moment_ms: int) -> bool:
        page = await self._between(request, number, number)
        return not page or page[0].timestamp_ms < moment_ms

    async def _between(self, request: FetchRequest, first: int, last: int) -> list[Trade]:
        return await self._ask(partial(self._calls.trades_between, request.instrument, first, last))


def _numbers(trades: Sequence[Trade]) -> list[int] | None:
    """The numbers of trades, None where the venue does not count them."""
    numbers = [one.sequence for one in trades if one.sequence is not None]
    return numbers if len(numbers) == len(trades) else None


def _is_wanted(trade: Trade, request: FetchRequest) -> bool:
    reached = request.reached
    if trade.timestamp_ms > request.until_ms or trade.timestamp_ms < (request.since_ms or 0):
        return False
    if reached is None or trade.timestamp_ms > reached.moment_ms:
        return True
    return trade.timestamp_ms == reached.moment_ms and str(trade.trade_id) not in reached.ids


def _cut(trades: Sequence[Trade], request: FetchRequest) -> Sequence[Trade]:
    """At most `limit`: the first ones after a start, else the newest."""
    if request.limit is None:
        return trades
    from_start = request.since_ms is not None or request.reached is not None
    return trades[: request.limit] if from_start else trades[-request.limit :]
