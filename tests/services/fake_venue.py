"""A venue that the monitor can watch in virtual time; it can lag, fail and hang."""

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

from tests.feeds.made import instrument
from tests.virtual_time import run_in_virtual_time

from headwater.analytics.oi_volume import SpikeRule
from headwater.core.clock import Clock, SourceClock
from headwater.core.errors import NotSupported
from headwater.core.instruments import Instrument, InstrumentTable
from headwater.core.intervals import Interval
from headwater.core.records import Candle, OpenInterest
from headwater.services.oi_volume_venue import OiVolumeSettings

BAR_MS = Interval.M5.nominal_ms
BAR_S = BAR_MS / 1000
FIRST_END_MS = 1_700_000_100_000
"""End of the first bar that ends after the start: a minute later."""
START_MS = FIRST_END_MS - 60_000


class FakeVenue:
    """A venue whose volume is 1 000 000 ± 10 000 USD except where it is told otherwise.

    Attributes:
        volumes: quote volume by the bar's end; a forming bar already has all of it.
        interest_lag_s: time after a bar's end at which its open interest appears.
        has_history: whether it offers open interest of the past.
        fails: asked before every answer.
        asked: time, kind and limit of every request.
    """

    def __init__(self, clock: Clock, exchange: str = "toy") -> None:
        self._clock = clock
        self._exchange = exchange
        self.volumes: dict[int, float] = {}
        self.interest_lag_s = 0.0
        self.has_history = True
        self.fails: Callable[[], Awaitable[None]] | None = None
        self.asked: list[tuple[int, str, int]] = []
        self.table = InstrumentTable(exchange, [])
        self.list_it()

    def list_it(self) -> None:
        """Lists AAAUSDT."""
        self.table = InstrumentTable(self._exchange, [instrument("AAAUSDT")])

    async def _answers(self, kind: str, limit: int) -> int:
        self.asked.append((self._clock.now_ms(), kind, limit))
        if self.fails is not None:
            await self.fails()
        return self._clock.now_ms()

    async def candles(
        self,
        instrument: Instrument,
        interval: Interval,
        *,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> Sequence[Candle]:
        """The newest; the last one is forming."""
        del start_ms, end_ms
        now_ms = await self._answers("candles", limit)
        newest_ms = interval.opens_at_ms(now_ms)
        opened = range(newest_ms - (limit - 1) * BAR_MS, newest_ms + 1, BAR_MS)
        return [self._candle(instrument, interval, one, one < newest_ms) for one in opened]

    def _candle(
        self, of: Instrument, interval: Interval, opened_at_ms: int, is_closed: bool
    ) -> Candle:
        end_ms = opened_at_ms + BAR_MS
        usual = 1e6 + (1e4 if end_ms // BAR_MS % 2 else -1e4)
        return Candle(
            exchange=of.exchange,
            symbol=of.symbol,
            native_symbol=of.native_symbol,
            timestamp_ms=opened_at_ms,
            received_ns=0,
            interval=interval,
            open=1.0,
            high=1.0,
            low=1.0,
            close=1.0,
            volume=1e6,
            quote_volume=self.volumes.get(end_ms, usual),
            trades_count=None,
            is_closed=is_closed,
        )

    async def open_interest_history(
        self,
        instrument: Instrument,
        period: Interval,
        *,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> Sequence[OpenInterest]:
        """At the end of each period, once it has appeared."""
        del start_ms, end_ms
        if not self.has_history:
            raise NotSupported(self._exchange, "open_interest_history", "no such thing")
        now_ms = await self._answers("interest", limit)
        newest_ms = period.opens_at_ms(now_ms - round(self.interest_lag_s * 1000))
        ends = range(newest_ms - (limit - 1) * BAR_MS, newest_ms + 1, BAR_MS)
        return [interest(instrument, end_ms) for end_ms in ends]


def interest(of: Instrument, timestamp_ms: int, exchange: str | None = None) -> OpenInterest:
    """A reading of 5 000 000 base units and a little more at every second bar."""
    return OpenInterest(
        exchange=exchange or of.exchange,
        symbol=of.symbol,
        native_symbol=of.native_symbol,
        timestamp_ms=timestamp_ms,
        received_ns=0,
        open_interest=5e6 + 1e3 * (timestamp_ms // BAR_MS % 2),
        value=None,
    )


def settings_of(**options: Any) -> OiVolumeSettings:
    """One symbol, bars of five minutes, a short window."""
    rule = SpikeRule(interval=Interval.M5, threshold=3.0, window=20, minimum=20)
    given: dict[str, Any] = {"symbols": ("AAAUSDT",), "rules": (rule,)} | options
    return OiVolumeSettings(**given)


def run_virtual(main: Callable[[SourceClock], Coroutine[Any, Any, None]]) -> None:
    """Runs `main` on a loop that skips all waiting, a minute before a bar's end."""
    run_in_virtual_time(main, START_MS * 1_000_000)


def until_s(end_ms: int, seconds: float = 0.0) -> float:
    """Seconds from the start to so long after a time."""
    return (end_ms - START_MS) / 1000 + seconds
