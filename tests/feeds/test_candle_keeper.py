"""No closed candle missing, none closed twice."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from tests.feeds.made import EXCHANGE, Heard, candle, quick_backoff, turns

from headwater.core.clock import ManualClock
from headwater.core.enums import GapCause, GapState
from headwater.core.errors import VenueRejected, VenueUnavailable
from headwater.core.intervals import Interval
from headwater.core.records import Candle
from headwater.feeds.candle_keeper import CandleKeeper
from headwater.feeds.gaps import GapLedger
from headwater.feeds.repairs import RepairCrew
from headwater.feeds.settings import CandleSettings

SYMBOL = "AAAUSDT"
MINUTE = 60_000


class Desk:
    """A keeper with the venue's REST behind it; minute 0 is when the clock starts."""

    def __init__(self) -> None:
        self.clock = ManualClock(1_700_000_040_000_000_000)
        self.zero_ms = self.clock.now_ms()
        assert self.zero_ms % MINUTE == 0
        self.heard = Heard()
        self.fail: list[Exception] = []
        self.withheld = False
        self.volume = 1.0
        self.asked: list[tuple[int, int]] = []
        self.ledger = GapLedger(EXCHANGE, self.heard.bus, self.clock)
        self.crew = RepairCrew(1, 10)
        self.keeper = CandleKeeper(
            self.heard.bus,
            self.ledger,
            self.crew,
            self.clock,
            lambda: 0,
            self.fetch,
            quick_backoff,
            CandleSettings(recent_max=10, repair_attempts_max=2),
        )

    async def fetch(
        self, native: str, interval: Interval, first_ms: int, last_ms: int
    ) -> Sequence[Candle]:
        """Closed candles of the range and the forming one."""
        assert (native, interval) == (SYMBOL, Interval.M1)
        self.asked.append(((first_ms - self.zero_ms) // MINUTE, (last_ms - self.zero_ms) // MINUTE))
        if self.fail:
            raise self.fail.pop(0)
        if self.withheld:
            return []
        return [
            candle(ms, closed=True, volume=self.volume)
            for ms in range(first_ms, last_ms + 1, MINUTE)
        ]

    def live(self, minute: int, *, closed: bool, received_ns: int = 0, volume: float = 1.0) -> None:
        """A candle arrives."""
        opened_ms = self.zero_ms + minute * MINUTE
        self.keeper.on_candle(
            candle(opened_ms, closed=closed, received_ns=received_ns, volume=volume)
        )

    async def at(self, seconds: float) -> None:
        """The clock moves on by so much; the keeper looks."""
        self.clock.advance(seconds)
        self.keeper.scan()
        await turns()
        async with asyncio.timeout(5):
            await self.crew.wait_idle()

    def closed(self) -> list[int]:
        """Minutes published as closed."""
        return [
            (one.timestamp_ms - self.zero_ms) // MINUTE
            for one in self.heard.all()
            if isinstance(one, Candle) and one.is_closed
        ]

    def told(self) -> list[tuple[int, int, float]]:
        """Minute, revision and volume of what was published as closed."""
        return [
            ((one.timestamp_ms - self.zero_ms) // MINUTE, one.revision, one.volume)
            for one in self.heard.all()
            if isinstance(one, Candle) and one.is_closed
        ]


@asynccontextmanager
async def desk() -> AsyncIterator[Desk]:
    """A desk whose crew works."""
    made = Desk()
    worker = asyncio.create_task(made.crew.work())
    try:
        yield made
    finally:
        worker.cancel()
        await asyncio.wait([worker])


async def test_a_closed_candle_is_published_once_and_late_news_of_it_never() -> None:
    async with desk() as made:
        made.live(0, closed=False)
        made.live(0, closed=True)
        made.live(0, closed=True)
        made.live(0, closed=False)
        assert made.closed() == [0]
        assert made.keeper.duplicates == 2


async def test_late_trades_of_a_closed_candle_are_a_correction() -> None:
    async with desk() as made:
        heard: list[Candle] = []
        made.keeper.listen(SYMBOL, Interval.M1, heard.append)
        made.live(0, closed=True)
        made.live(1, closed=False)
        made.live(0, closed=True, volume=1.5)
        made.live(0, closed=True, volume=1.5)
        made.live(0, closed=False, volume=1.7)
        made.live(0, closed=True, volume=2.0)
        assert made.told() == [(0, 0, 1.0), (0, 1, 1.5), (0, 2, 2.0)]
        assert (made.keeper.corrected, made.keeper.duplicates) == (2, 2)
        assert [one.revision for one in heard if one.is_closed] == [0, 1, 2]
        newest = made.keeper.newest(SYMBOL, Interval.M1, 2)
        assert newest is not None
        assert newest[0].revision == 2
        made.keeper.unlisten(SYMBOL, Interval.M1, heard.append)


async def test_what_rest_says_after_an_interruption_counts_as_a_correction() -> None:
    async with desk() as made:
        made.live(0, closed=True)
        made.clock.advance(70.0)
        made.live(1, closed=False)
        made.keeper.interrupted([SYMBOL], GapCause.DISCONNECT)
        made.fail = [VenueUnavailable(EXCHANGE, "down")]
        made.volume = 1.25
        await made.at(1.0)
        assert made.asked == [(0, 0), (0, 0)]
        assert made.told() == [(0, 0, 1.0), (0, 1, 1.25)]
        await made.at(1.0)
        assert len(made.asked) == 2
        made.keeper.interrupted([SYMBOL], GapCause.DISCONNECT)
        await made.at(1.0)
        assert len(made.told()) == 2, "compared again, and the same"
        await made.at(49.0)
        made.keeper.interrupted([SYMBOL], GapCause.DISCONNECT)
        made.live(1, closed=True)
        await made.at(0.1)
        assert made.asked == [(0, 0)] * 3, "it closed too long before"
        assert made.heard.gaps() == []


async def test_rest_is_not_believed_before_it_had_time_to_count() -> None:
    async with desk() as made:
        made.live(0, closed=True)
        made.live(1, closed=False)
        rest = [candle(made.zero_ms, closed=True, volume=0.5)]
        made.clock.advance(61.0)
        made.keeper.seed(rest)
        assert made.told() == [(0, 0, 1.0)]
        made.clock.advance(10.0)
        made.keeper.seed(rest)
        made.keeper.seed(rest)
        assert made.told() == [(0, 0, 1.0), (0, 1, 0.5)]


async def test_an_older_forming_candle_never_replaces_a_newer_one() -> None:
    async with desk() as made:
        made.live(1, closed=False, received_ns=5, volume=2.0)
        made.live(1, closed=False, received_ns=4, volume=1.0)
        made.live(0, closed=False, received_ns=9)
        published = [one for one in made.heard.all() if isinstance(one, Candle)]
        assert [one.volume for one in published] == [2.0]


async def test_a_bar_without_its_closing_message_is_fetched_after_a_grace() -> None:
    async with desk() as made:
        made.live(0, closed=False)
        await made.at(61.0)
        assert made.asked == []
        await made.at(3.5)
        assert made.closed() == [0]
        made.live(0, closed=True)
        assert made.closed() == [0]
        await made.at(0.5)
        assert made.asked == [(0, 0)]


async def test_bars_missed_while_disconnected_are_fetched() -> None:
    async with desk() as made:
        made.live(0, closed=True)
        made.keeper.interrupted([SYMBOL], GapCause.DISCONNECT)
        made.fail = [VenueUnavailable(EXCHANGE, "down")]
        await made.at(5 * 60 + 10)
        made.live(5, closed=False)
        assert made.closed() == [0, 1, 2, 3, 4]
        assert made.keeper.recovered == 4


async def test_bars_the_venue_does_not_give_are_in_the_ledger_and_life_goes_on() -> None:
    async with desk() as made:
        made.live(0, closed=False)
        made.withheld = True
        await made.at(2 * 60 + 10)
        assert [gap.state for gap in made.heard.gaps()] == [GapState.OPEN, GapState.UNRECOVERABLE]
        made.withheld = False
        await made.at(60)
        assert made.closed() == [2]
        made.fail = [VenueRejected(EXCHANGE, "no")]
        await made.at(60)
        assert len(made.heard.gaps()) == 4


async def test_memory_answers_when_it_is_whole() -> None:
    async with desk() as made:
        for minute in range(3):
            made.live(minute, closed=True)
        assert made.keeper.newest(SYMBOL, Interval.M1, 2) is None, "no forming candle yet"
        made.live(3, closed=False)
        newest = made.keeper.newest(SYMBOL, Interval.M1, 3)
        assert newest is not None
        assert [(one.timestamp_ms - made.zero_ms) // MINUTE for one in newest] == [1, 2, 3]
        assert made.keeper.newest(SYMBOL, Interval.M1, 5) is None
        earlier = [candle(made.zero_ms - MINUTE, closed=True)]
        made.keeper.seed(earlier)
        assert made.keeper.newest(SYMBOL, Interval.M1, 5) is not None
        assert made.closed() == [0, 1, 2], "what is seeded is not published"
        assert len(made.keeper.known(SYMBOL, Interval.M1)) == 5


async def test_rest_and_live_are_merged_newest_wins() -> None:
    async with desk() as made:
        made.live(1, closed=False, received_ns=9, volume=7.0)
        rows = [
            candle(made.zero_ms, closed=True),
            candle(made.zero_ms + MINUTE, closed=False, received_ns=1),
        ]
        merged = made.keeper.merged(SYMBOL, Interval.M1, rows)
        assert [one.volume for one in merged] == [1.0, 7.0]
        assert made.keeper.merged("NONE", Interval.M1, rows) == rows


async def test_memory_is_bounded() -> None:
    async with desk() as made:
        for minute in range(15):
            made.live(minute, closed=True)
        assert len(made.keeper.known(SYMBOL, Interval.M1)) == 10
        made.keeper.forget(SYMBOL, Interval.M1)
        assert made.keeper.known(SYMBOL, Interval.M1) == {}
