"""Which series history is made of, and in which parts they are asked for. Pure.

A part begins at a whole multiple of its length since the epoch, so that the parts of one run are
those of the next, and holds at most as many rows as one answer of the venue.
"""

from collections.abc import Collection, Iterator
from enum import StrEnum
from typing import Final

import msgspec

from headwater.core.instruments import Instrument
from headwater.core.intervals import Interval

PART_ROWS_MAX: Final = 720
"""Most rows of one part: what is held in memory at a time, and what is lost when asking fails."""

FUNDING_PART_MS: Final = 2 * Interval.D1.nominal_ms
"""Length of a part of funding: 48 settlements where there is one an hour."""

GRACE_MS: Final = 60_000
"""So long after its end a candle or a reading is asked for: the venue may still work on it, and
the live stream bring it."""

SETTLED_MS: Final = 15 * 60_000
"""So long after its end a part counts as finished when it was asked for then."""

LATE_MS: Final = 2 * 3_600_000
"""A part that was asked for sooner than this after its end is looked at once more when this is
over: a venue may have had some of its rows later than `SETTLED_MS`."""


class SeriesKind(StrEnum):
    """What a series is of."""

    CANDLES = "candles"
    MARK_CANDLES = "mark_candles"
    OPEN_INTEREST = "open_interest"
    FUNDING = "funding"


class InterestPeriod(msgspec.Struct, frozen=True, kw_only=True):
    """A period of a venue's open-interest history.

    Attributes:
        period: time between two readings.
        reach_ms: how far back it goes, ms; None where no bound is known.
    """

    period: Interval
    reach_ms: int | None


class VenueOffer(msgspec.Struct, frozen=True, kw_only=True):
    """What history a venue gives.

    Attributes:
        exchange: venue id.
        candles: lengths of candles to be kept, those that the venue lacks left out.
        mark_candles: lengths of bars of the mark price to be kept; none where it tells none.
        candles_max: most candles, or bars of the mark price, of one answer, ≥ 1.
        interest: periods of its open-interest history to be kept, the finest first: a longer one
            only where a finer one does not reach so far. None where it has no history.
        interest_max: most readings of one answer, ≥ 1.
        funding: whether it tells past funding.
    """

    exchange: str
    candles: tuple[Interval, ...]
    mark_candles: tuple[Interval, ...]
    candles_max: int
    interest: tuple[InterestPeriod, ...]
    interest_max: int
    funding: bool


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """One series of one contract.

    Attributes:
        kind: what it is of.
        instrument: the contract.
        interval: length of a candle or period of the readings; None for funding.
        part_ms: length of a part.
        reach_ms: how far back from now the venue has it, ms; None where no bound is known.
    """

    kind: SeriesKind
    instrument: Instrument
    interval: Interval | None
    part_ms: int
    reach_ms: int | None = None

    @property
    def name(self) -> str:
        """How it is called in storage: `candles 1m`, `open_interest 5m`, `funding`."""
        return self.kind.value if self.interval is None else f"{self.kind} {self.interval}"

    def tells(self, moment_ms: int, now_ms: int) -> bool:
        """Whether the venue's memory goes back to a moment, as far as is known."""
        return self.reach_ms is None or now_ms - self.reach_ms <= moment_ms


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of a series.

    Attributes:
        series: of which.
        start_ms: its first moment.
        end_ms: the first moment after it.
    """

    series: Series
    start_ms: int
    end_ms: int

    def times(self, until_ms: int) -> Iterator[int]:
        """When its rows are due: openings of candles that ended, readings that were taken.

        Args:
            until_ms: venue time; what ended later than `GRACE_MS` before it is not due yet.

        Yields:
            Times in ms, rising; of funding none, for the venue alone knows when it settles.
        """
        interval = self.series.interval
        if interval is None:
            return
        length_ms = interval.nominal_ms
        lasts_ms = 0 if self.series.kind is SeriesKind.OPEN_INTEREST else length_ms
        last_ms = until_ms - GRACE_MS - lasts_ms
        yield from range(self.start_ms, min(self.end_ms, last_ms + 1), length_ms)

    def is_settled(self, now_ms: int) -> bool:
        """Whether the venue can be expected to have all of it."""
        return self.end_ms + SETTLED_MS <= now_ms

    def is_finished(self, asked_end_ms: int, asked_ms: int, now_ms: int) -> bool:
        """Whether it need not be looked at any more.

        Args:
            asked_end_ms: end of the part that was asked for and marked as settled.
            asked_ms: when that was.
            now_ms: the same clock's time now.
        """
        late_ms = self.end_ms + LATE_MS
        return asked_end_ms >= self.end_ms and (asked_ms >= late_ms or now_ms < late_ms)


def series_of(offer: VenueOffer, instrument: Instrument) -> list[Series]:
    """All series that a venue gives of a contract.

    Candles of more than three days are left out: they do not begin at whole multiples of their
    length, and the venue is asked for them when somebody wants them.
    """
    found = [
        _series(SeriesKind.CANDLES, instrument, interval, offer.candles_max)
        for interval in offer.candles
        if interval.nominal_ms <= Interval.D3.nominal_ms
    ]
    found += [
        _series(SeriesKind.MARK_CANDLES, instrument, interval, offer.candles_max)
        for interval in offer.mark_candles
    ]
    for one in offer.interest:
        series = _series(SeriesKind.OPEN_INTEREST, instrument, one.period, offer.interest_max)
        found.append(msgspec.structs.replace(series, reach_ms=one.reach_ms))
    if offer.funding:
        found.append(
            Series(
                kind=SeriesKind.FUNDING,
                instrument=instrument,
                interval=None,
                part_ms=FUNDING_PART_MS,
            )
        )
    return found


def parts_of(series: Collection[Series], start_ms: int, now_ms: int) -> list[Part]:
    """All parts from a moment to now, the newest first, so that what is recent is useful early.

    Args:
        series: of which.
        start_ms: earliest moment that is wanted; its part is given whole, unless the venue's
            memory ends in it: venues refuse a start that is beyond it.
        now_ms: venue time.
    """
    found = []
    for one in series:
        begin_ms = max(start_ms, one.instrument.listed_at_ms or 0)
        first_ms = begin_ms - begin_ms % one.part_ms
        if not one.tells(first_ms, now_ms):
            assert one.reach_ms is not None, "without a bound everything is told"
            first_ms = -(-(now_ms - one.reach_ms) // one.part_ms) * one.part_ms
        found += [
            Part(series=one, start_ms=at_ms, end_ms=at_ms + one.part_ms)
            for at_ms in range(first_ms, now_ms, one.part_ms)
        ]
    return sorted(found, key=_newest_first)


def _newest_first(part: Part) -> tuple[int, int]:
    """Parts of different lengths: the one that ended last, and of those the shorter one."""
    return (-part.end_ms, -part.start_ms)


def _series(kind: SeriesKind, instrument: Instrument, interval: Interval, most: int) -> Series:
    return Series(
        kind=kind,
        instrument=instrument,
        interval=interval,
        part_ms=interval.nominal_ms * min(most, PART_ROWS_MAX),
    )
