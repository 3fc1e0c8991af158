"""A venue with a past that can be asked for; it can refuse, and is counted."""

from collections.abc import Sequence

from tests.feeds.made import instrument
from tests.storage.samples import candle, funding, mark_candle, open_interest

from headwater.core.errors import PlatformError
from headwater.core.instruments import Instrument
from headwater.core.intervals import Interval
from headwater.core.records import Candle, FundingRate, MarkCandle, OpenInterest
from headwater.services.history_series import InterestPeriod, VenueOffer

BTC = instrument("BTCUSDT")
HOUR_MS = 3_600_000
OFFER = VenueOffer(
    exchange="binance",
    candles=(Interval.M1,),
    mark_candles=(Interval.M1,),
    candles_max=60,
    interest=(InterestPeriod(period=Interval.M5, reach_ms=None),),
    interest_max=12,
    funding=True,
)


class PastVenue:
    """Has every row from a moment to now.

    Args:
        first_ms: the beginning of its past.
        now_ms: the end of it; rows that would be later are not there yet.

    Attributes:
        asked: kind, first and last time of every question.
        failures: raised one by one before it answers.
    """

    def __init__(self, first_ms: int, now_ms: int) -> None:
        self.first_ms = first_ms
        self.now_ms = now_ms
        self.asked: list[tuple[str, int, int]] = []
        self.failures: list[PlatformError] = []

    def _times(self, kind: str, step_ms: int, start: int | None, end: int | None) -> range:
        assert start is not None
        assert end is not None
        self.asked.append((kind, start, end))
        if self.failures:
            raise self.failures.pop(0)
        first = max(start, self.first_ms)
        first += -first % step_ms
        return range(first, min(end, self.now_ms) + 1, step_ms)

    async def candles(
        self,
        instrument: Instrument,
        interval: Interval,
        *,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> Sequence[Candle]:
        """Candles; the one of now is forming."""
        length_ms = interval.nominal_ms
        return [
            candle(
                at_ms,
                exchange="binance",
                symbol=instrument.symbol,
                interval=interval,
                is_closed=at_ms + length_ms <= self.now_ms,
            )
            for at_ms in self._times("candles", length_ms, start_ms, end_ms)
        ][:limit]

    async def mark_candles(
        self,
        instrument: Instrument,
        interval: Interval,
        *,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> Sequence[MarkCandle]:
        """The venue's own bars of the mark price; the one of now is forming."""
        length_ms = interval.nominal_ms
        return [
            mark_candle(
                at_ms,
                exchange="binance",
                symbol=instrument.symbol,
                interval=interval,
                is_closed=at_ms + length_ms <= self.now_ms,
                readings=None,
            )
            for at_ms in self._times("mark_candles", length_ms, start_ms, end_ms)
        ][:limit]

    async def open_interest_history(
        self,
        instrument: Instrument,
        period: Interval,
        *,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> Sequence[OpenInterest]:
        """Readings at each full period."""
        return [
            open_interest(at_ms, symbol=instrument.symbol)
            for at_ms in self._times("open_interest", period.nominal_ms, start_ms, end_ms)
        ][:limit]

    async def funding_history(
        self,
        instrument: Instrument,
        *,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> Sequence[FundingRate]:
        """A settlement every eight hours."""
        return [
            funding(at_ms, symbol=instrument.symbol)
            for at_ms in self._times("funding", 8 * HOUR_MS, start_ms, end_ms)
        ][:limit]
