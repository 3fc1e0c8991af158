"""Larger candles from smaller ones, and whether two tellings of one candle differ.

A built candle says nothing that its parts do not say. Its parts are aligned exactly: weeks open on
Monday, months on the first, quarters in January, April, July and October (`core/intervals.py`).
A bar with a hole is left out: a part that is missing at its front, in its middle, or at its end
when that end has passed. Only the newest bar may lack parts, those of which nothing was heard yet;
it is not closed and reaches as far as its last part.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby, pairwise
from math import fsum, isclose
from typing import Final

import msgspec

from headwater.core.intervals import Interval
from headwater.core.records import Candle

PARTS_MAX: Final = 500
"""Most parts of one built candle; an interval that needs more is not built.

Fewer than the closed candles that a feed keeps, so that a live bar can be built of what is kept.
"""

ROWS_MAX: Final = 6000
"""Most parts asked for to answer one question; an answer that needs more has fewer candles."""

_DAY_MS: Final = Interval.D1.nominal_ms
_MONTHS: Final = {Interval.MONTH1: 1, Interval.MONTH3: 3}
# A venue's messages and its answers may round a sum differently in the last digit.
_ROUNDING: Final = 1e-9


class PartsQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """Which parts make up the candles that somebody asked for.

    Attributes:
        limit: most parts.
        start_ms: earliest opening time, None for the newest ones.
        end_ms: latest opening time, None for now.
    """

    limit: int
    start_ms: int | None
    end_ms: int | None


def divides(part: Interval, whole: Interval) -> bool:
    """Whether every `whole` candle is made of a number of complete `part` candles."""
    if part is whole or part is Interval.W1:
        return False
    if part in _MONTHS:
        return _MONTHS.get(whole, 0) > _MONTHS[part]
    # Weeks and months begin at a midnight, so what divides a day divides them.
    length_ms = _DAY_MS if whole in _MONTHS or whole is Interval.W1 else whole.nominal_ms
    return length_ms % part.nominal_ms == 0


def parts_per_candle(part: Interval, whole: Interval) -> int:
    """Most parts that one candle has: a month has up to 31 days, three have up to 92."""
    months = _MONTHS.get(whole)
    if months is None:
        return whole.nominal_ms // part.nominal_ms
    if part in _MONTHS:
        return months // _MONTHS[part]
    days = 31 if months == 1 else 92
    return days * _DAY_MS // part.nominal_ms


def source_interval(wanted: Interval, offered: Iterable[Interval]) -> Interval | None:
    """The largest interval on offer of which candles of `wanted` can be built.

    Args:
        wanted: what is to be built.
        offered: what the venue has, in any order.

    Returns:
        None when nothing on offer divides it exactly, or only into more than `PARTS_MAX` parts.
    """
    fit = [
        one
        for one in offered
        if divides(one, wanted) and parts_per_candle(one, wanted) <= PARTS_MAX
    ]
    return max(fit, key=lambda one: one.nominal_ms, default=None)


def parts_question(
    part: Interval,
    wanted: Interval,
    *,
    limit: int,
    start_ms: int | None,
    end_ms: int | None,
    now_ms: int,
) -> PartsQuestion | None:
    """What to ask of a venue for up to `limit` candles, like a question for candles it has.

    Args:
        part: the source interval.
        wanted: the interval to be built.
        limit: most candles, ≥ 1; fewer when they need more than `ROWS_MAX` parts.
        start_ms: earliest opening time of a candle; None for the newest up to `end_ms`.
        end_ms: latest opening time of a candle; None for now.
        now_ms: the venue's time.

    Returns:
        None when no candle can have opened in that span.
    """
    per = parts_per_candle(part, wanted)
    bars = min(limit, max(1, ROWS_MAX // per))
    if end_ms is not None and end_ms < now_ms:
        until_ms = wanted.closes_at_ms(wanted.opens_at_ms(end_ms))
    else:
        until_ms = now_ms + 1
        end_ms = now_ms
    if start_ms is None:
        newest = until_ms > now_ms
        return PartsQuestion(
            limit=bars * per, start_ms=None, end_ms=None if newest else until_ms - 1
        )
    if start_ms > end_ms:
        return None
    first_ms = wanted.opens_at_ms(start_ms)
    if first_ms < start_ms:
        first_ms = wanted.closes_at_ms(first_ms)
    if first_ms > end_ms:
        return None
    stop_ms, count = first_ms, 0
    while count < bars and stop_ms < until_ms:
        stop_ms = wanted.closes_at_ms(stop_ms)
        count += 1
    return PartsQuestion(limit=count * per, start_ms=first_ms, end_ms=min(stop_ms, until_ms) - 1)


def fold(
    parts: Sequence[Candle], interval: Interval, *, now_ms: int, born_ms: int | None = None
) -> list[Candle]:
    """Builds candles of `interval`, oldest first; bars with a hole are left out.

    Args:
        parts: candles of one symbol and one interval that divides `interval`, oldest first.
        interval: what is built.
        now_ms: the venue's time: what ended before it should be there.
        born_ms: when the instrument was listed; nothing is missing before. None: unknown.
    """
    if not parts:
        return []
    now_ms = max(now_ms, parts[-1].timestamp_ms)
    grouped = groupby(parts, key=lambda one: interval.opens_at_ms(one.timestamp_ms))
    built = (
        fold_one(list(group), interval, now_ms=now_ms, born_ms=born_ms) for _, group in grouped
    )
    return [one for one in built if one is not None]


def fold_one(
    parts: Sequence[Candle], interval: Interval, *, now_ms: int, born_ms: int | None = None
) -> Candle | None:
    """The candle that these parts make up; None when there are none or one is missing.

    Args: as of `fold`; all parts belong to one bar.
    """
    if not parts:
        return None
    first, last = parts[0], parts[-1]
    opened_ms = interval.opens_at_ms(first.timestamp_ms)
    ends_ms = interval.closes_at_ms(opened_ms)
    due_ms = opened_ms if born_ms is None else max(opened_ms, first.interval.opens_at_ms(born_ms))
    if first.timestamp_ms > due_ms or any(
        one.interval.closes_at_ms(one.timestamp_ms) != following.timestamp_ms
        for one, following in pairwise(parts)
    ):
        return None
    is_whole = last.interval.closes_at_ms(last.timestamp_ms) == ends_ms
    if not is_whole and ends_ms <= now_ms:
        return None
    counts = [one.trades_count for one in parts if one.trades_count is not None]
    return Candle(
        exchange=first.exchange,
        symbol=first.symbol,
        native_symbol=first.native_symbol,
        timestamp_ms=opened_ms,
        received_ns=max(one.received_ns for one in parts),
        interval=interval,
        open=first.open,
        high=max(one.high for one in parts),
        low=min(one.low for one in parts),
        close=last.close,
        volume=fsum(one.volume for one in parts),
        quote_volume=_sum([one.quote_volume for one in parts]),
        trades_count=sum(counts) if len(counts) == len(parts) else None,
        is_closed=is_whole and all(one.is_closed for one in parts),
        taker_buy_volume=_sum([one.taker_buy_volume for one in parts]),
        built_from=first.interval,
        revision=sum(one.revision for one in parts),
    )


def same_values(one: Candle, other: Candle) -> bool:
    """Whether two tellings of a candle agree in every number that both of them tell."""
    if (one.open, one.high, one.low, one.close) != (other.open, other.high, other.low, other.close):
        return False
    if None not in (one.trades_count, other.trades_count) and (
        one.trades_count != other.trades_count
    ):
        return False
    return (
        _agree(one.volume, other.volume)
        and _agree(one.quote_volume, other.quote_volume)
        and _agree(one.taker_buy_volume, other.taker_buy_volume)
    )


def _agree(one: float | None, other: float | None) -> bool:
    """Whether two sums are equal but for rounding; what one does not tell, it does not deny."""
    if one is None or other is None:
        return True
    return isclose(one, other, rel_tol=_ROUNDING)


def _sum(values: Sequence[float | None]) -> float | None:
    """The sum; None when one of them is not told."""
    told = [one for one in values if one is not None]
    return fsum(told) if len(told) == len(values) else None
