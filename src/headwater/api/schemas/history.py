"""Views of stored history and of the cache (requirements L-R9 to L-R11)."""

from typing import Annotated

from msgspec import Meta

from headwater.api.schemas.base import IsoTime, View
from headwater.core.intervals import Interval

Count = Annotated[int, Meta(ge=0)]
NotNegative = Annotated[float, Meta(ge=0)]


class KlineView(View, frozen=True, kw_only=True):
    """One candle; `timestamp` is its opening time.

    Attributes:
        timestamp: opening time.
        open: first traded price.
        high: highest traded price.
        low: lowest traded price.
        close: last traded price.
        volume: base units traded.
    """

    timestamp: IsoTime
    open: NotNegative
    high: NotNegative
    low: NotNegative
    close: NotNegative
    volume: NotNegative


class KlinesView(View, frozen=True, kw_only=True):
    """Candles of one contract, oldest first.

    Attributes:
        symbol: canonical symbol.
        interval: length of a candle.
        exchange: venue id.
        count: how many there are.
        data: the candles; the last one may still be forming.
        incomplete: what is missing and why; empty when nothing is.
    """

    symbol: str
    interval: Interval
    exchange: str
    count: Count
    data: tuple[KlineView, ...]
    incomplete: str


class DateRangeView(View, frozen=True, kw_only=True):
    """From when to when candles of a symbol are stored.

    Attributes:
        symbol: canonical symbol.
        start_date: opening of the earliest stored candle of any venue and length.
        end_date: opening of the latest one.
    """

    symbol: str
    start_date: IsoTime
    end_date: IsoTime


class CacheStatsView(View, frozen=True, kw_only=True):
    """Counters of the cache of answers, since the start.

    Attributes:
        hits: requests answered from it; those that waited for the same answer are among them.
        misses: requests for which an answer had to be made.
        total_requests: both.
        hit_rate_percent: hits of 100 requests; 0 before the first.
        cached_entries: answers held now.
        max_size: most answers held.
        ttl_seconds: longest time an answer is given again; many have a shorter one.
        bytes_held: bytes of their bodies.
    """

    hits: Count
    misses: Count
    total_requests: Count
    hit_rate_percent: Annotated[float, Meta(ge=0, le=100)]
    cached_entries: Count
    max_size: Count
    ttl_seconds: NotNegative
    bytes_held: Count


class CacheClearedView(View, frozen=True, kw_only=True):
    """What `DELETE /cache/clear` did.

    Attributes:
        status: `cleared`.
        entries_cleared: answers that were forgotten.
    """

    status: str
    entries_cleared: Count
