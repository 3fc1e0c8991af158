"""What several venues' readers proved they share: no venue's fact stands here.

Pieces of requests, the way through a span of candles that is longer than a page, and what may go
wrong when bytes are read.
"""

import re
from collections.abc import Callable
from typing import Final, TypeAlias, TypeVar

import msgspec

from headwater.core.errors import NotSupported, RequestError
from headwater.core.instruments import Instrument
from headwater.core.intervals import Interval
from headwater.core.records import Candle, MarkCandle
from headwater.venues.messages import RestCall

UNREADABLE: Final = (msgspec.MsgspecError, ValueError, KeyError, OverflowError, RecursionError)
"""What bytes that are not as documented may raise in a reader; each means a `WireError`."""

CandleT = TypeVar("CandleT", Candle, MarkCandle)

CandlePage: TypeAlias = Callable[[int, int, int], RestCall[list[CandleT]]]
"""(rows wanted, first ms, last ms) → candles opened in that span, ascending, perhaps more."""

_MARKS: Final = re.compile(r"<[^>]*>")


def require_positive(name: str, value: int) -> None:
    """Refuses a number of rows or levels that asks for nothing.

    Raises:
        RequestError: `value` is below 1.
    """
    if value < 1:
        raise RequestError(name, value, "at least 1")


def query_of(**fields: int | str | None) -> tuple[tuple[str, str], ...]:
    """A query of the given parameters; those that are None are left out."""
    return tuple((name, str(value)) for name, value in fields.items() if value is not None)


def not_counted(exchange: str, instrument: Instrument, first: int, last: int) -> NotSupported:
    """Why trades cannot be asked for by number where a venue's ids are no count.

    Args:
        exchange: venue id.
        instrument: of which contract.
        first: first number asked for.
        last: last one.
    """
    reason = f"{instrument.native_symbol}: ids are no count ({first}–{last})"
    return NotSupported(exchange, "trades_between", reason)


def candles_forward(
    page: CandlePage[CandleT],
    page_max: int,
    instrument: Instrument,
    interval: Interval,
    limit: int,
    start_ms: int,
    last_ms: int,
) -> RestCall[list[CandleT]]:
    """The first candles from a time on, where a venue gives the newest of a span.

    Asked for in windows of time that hold no more rows than a page.

    Args:
        page: asks for one window.
        page_max: most rows of a page.
        instrument: its listing bounds the start.
        interval: of the candles.
        limit: most candles.
        start_ms: earliest opening time.
        last_ms: latest opening time.
    """
    found: list[CandleT] = []
    # The first candle opened before the listing.
    from_ms = max(start_ms, interval.opens_at_ms(instrument.listed_at_ms or 0))
    while len(found) < limit and from_ms <= last_ms:
        size = min(limit - len(found), page_max)
        until_ms = min(last_ms, from_ms + size * interval.nominal_ms - 1)
        # One row more: a month may be shorter than its nominal length, and of too many rows the
        # first ones would be left out.
        rows = yield from page(size + 1, from_ms, until_ms)
        found += [row for row in rows if from_ms <= row.timestamp_ms <= until_ms]
        from_ms = until_ms + 1
    return found[:limit]


def plain_text(body: bytes, cut: int) -> str:
    """A body of any kind, such as a proxy's page, as a short text without marks.

    Args:
        body: as it came.
        cut: most characters.
    """
    text = body[: 4 * cut].decode("utf-8", "replace")
    return " ".join(_MARKS.sub(" ", text).split())[:cut]
