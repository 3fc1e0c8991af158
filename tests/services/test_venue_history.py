"""The owner of a venue's history: when it works, what it makes of failures and of downtimes."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.services.past_venue import BTC, HOUR_MS, OFFER, PastVenue
from tests.storage.ready_tables import with_tables
from tests.virtual_time import run_in_virtual_time

from headwater.bus.memory import MemoryBus
from headwater.core.clock import SourceClock
from headwater.core.enums import Channel, FeedState, GapState, StoredTrades
from headwater.core.errors import NotSupported, VenueUnavailable
from headwater.core.intervals import Interval
from headwater.core.records import ConnectionState, Trade
from headwater.feeds.gaps import GapLedger
from headwater.services.backfill import VenueBackfill
from headwater.services.history_series import InterestPeriod, VenueOffer
from headwater.services.stream_life import FormerLife, LiveStream, StreamLife
from headwater.services.trade_backfill import TradeQuestions, keeper
from headwater.services.venue_history import (
    CALM_S,
    FAILED_PAUSE_S,
    REPEAT_S,
    HistoryPlan,
    VenueHistory,
)
from headwater.storage.live_spells import LiveSpell
from headwater.storage.store import Store

NOW_MS = 1_789_999_200_000
DOWN_MS = 10 * 60_000
CHANNELS = (Channel.CANDLES, Channel.OPEN_INTEREST, Channel.TRADES)


class Stage:
    """A venue's history with everything around it."""

    def __init__(
        self, store: Store, clock: SourceClock, reach_days: float, offer: VenueOffer
    ) -> None:
        self.venue = PastVenue(NOW_MS - 6 * HOUR_MS, NOW_MS)
        self.bus = MemoryBus()
        self.ledger = GapLedger("binance", self.bus, clock)
        self.clock = clock
        spells = tuple(
            LiveSpell(
                exchange="binance",
                symbol="BTCUSDT",
                native_symbol="BTCUSDT",
                channel=channel,
                since_ms=NOW_MS - HOUR_MS,
                until_ms=NOW_MS - DOWN_MS,
                last_sequence=None,
            )
            for channel in CHANNELS
        )
        self.life = StreamLife(
            "binance",
            self.ledger,
            self.bus,
            store,
            clock,
            former=FormerLife(spells=spells),
            live=lambda: [
                LiveStream(channel=channel, symbol="BTCUSDT", native_symbol="BTCUSDT")
                for channel in CHANNELS
            ],
            wanted={(channel, "BTCUSDT") for channel in CHANNELS},
            has_interest_history=True,
        )
        plan = HistoryPlan(
            offer=offer,
            reach_days=reach_days,
            keep=keeper(StoredTrades.LARGE, 0.0),
            instruments=lambda: [BTC],
            ready=_at_once,
        )
        self.history = VenueHistory(
            plan,
            VenueBackfill("binance", self.venue, store, clock, lambda: 0.0),
            self.life,
            TradeQuestions(between=_no_trades_between, newest=_no_trades, wait=_at_once),
            store,
            self.bus,
            clock,
        )

    async def until(self, condition: Callable[[], bool]) -> float:
        """Waits, however long the database takes in real time; returns the moment."""
        for _ in range(100_000):
            if condition():
                return self.clock.monotonic()
            await asyncio.sleep(0.5)
        raise AssertionError(self.history.progress)

    async def pass_begins(self) -> float:
        """Waits for the beginning of a pass; returns the moment."""
        return await self.until(lambda: self.history.progress.is_running)

    async def pass_ends(self) -> float:
        """Waits for the end of a pass; returns the moment."""
        return await self.until(lambda: not self.history.progress.is_running)

    def outcome(self) -> dict[Channel, tuple[GapState, str]]:
        """What the ledger says of each stream's hole."""
        return {gap.channel: (gap.state, gap.detail) for gap in self.ledger.newest_first()}


async def _at_once() -> None:
    """Nothing to wait for."""


async def _no_trades(native: str) -> Sequence[Trade]:
    raise NotSupported("binance", "trades", f"of {native} there are none")


async def _no_trades_between(native: str, first: int, last: int) -> Sequence[Trade]:
    raise NotSupported("binance", "trades", f"{native} {first} {last}")


@asynccontextmanager
async def staged(
    folder: Path, clock: SourceClock, reach_days: float = 0.2, offer: VenueOffer = OFFER
) -> AsyncIterator[Stage]:
    async with Store(with_tables(folder / "made.sqlite3"), clock) as store:
        yield Stage(store, clock, reach_days, offer)


def in_virtual_time(main: Callable[[SourceClock], Coroutine[Any, Any, None]]) -> None:
    run_in_virtual_time(main, NOW_MS * 1_000_000)


def test_a_downtime_is_settled_by_what_is_there_after_the_pass(tmp_path: Path) -> None:
    async def main(clock: SourceClock) -> None:
        async with staged(tmp_path, clock) as stage:
            await stage.life.beat()
            await stage.history.heal()
            found = stage.outcome()
            assert found[Channel.CANDLES][0] is GapState.REPAIRED
            assert found[Channel.OPEN_INTEREST][0] is GapState.REPAIRED
            state, words = found[Channel.TRADES]
            assert state is GapState.UNRECOVERABLE
            assert "there are none" in words
            recovered = {one.channel: one.recovered for one in stage.ledger.newest_first()}
            # The hole begins a second before -10 min. Candles that opened at -11 min to -2 min
            # ended with a minute of grace; readings were due at -15, -10 and -5 min.
            assert recovered[Channel.CANDLES] == 10
            assert recovered[Channel.OPEN_INTEREST] == 3

    in_virtual_time(main)


@pytest.mark.parametrize(("reach_ms", "recovered"), [(5 * 60_000, 1), (HOUR_MS, 3)])
def test_a_downtime_is_judged_by_the_finest_period_that_reaches_it(
    tmp_path: Path, reach_ms: int, recovered: int
) -> None:
    """The venue keeps readings by 5 minutes for so long, and by 15 minutes for ever.

    The hole begins a second before -10 min: by 15 minutes the reading of -15 min was due, by 5
    those of -15, -10 and -5 min, and no reading counts twice.
    """
    periods = (
        InterestPeriod(period=Interval.M5, reach_ms=reach_ms),
        InterestPeriod(period=Interval.M15, reach_ms=None),
    )
    offer = msgspec.structs.replace(OFFER, interest=periods)

    async def main(clock: SourceClock) -> None:
        async with staged(tmp_path, clock, offer=offer) as stage:
            await stage.life.beat()
            await stage.history.heal()
            (hole,) = (
                one for one in stage.ledger.newest_first() if one.channel is Channel.OPEN_INTEREST
            )
            assert (hole.state, hole.recovered) == (GapState.REPAIRED, recovered)

    in_virtual_time(main)


def test_what_the_venue_lacks_is_told(tmp_path: Path) -> None:
    """Its past begins 5 minutes ago: of 10 candles 6 are missing, of 3 readings 2."""

    async def main(clock: SourceClock) -> None:
        async with staged(tmp_path, clock) as stage:
            stage.venue.first_ms = NOW_MS - 5 * 60_000
            await stage.life.beat()
            await stage.history.heal()
            found = stage.outcome()
            assert found[Channel.CANDLES][0] is GapState.UNRECOVERABLE
            assert "6 of 10 rows are missing" in found[Channel.CANDLES][1]
            assert "2 of 3 rows are missing" in found[Channel.OPEN_INTEREST][1]

    in_virtual_time(main)


def test_turned_off_it_asks_nothing_and_says_so(tmp_path: Path) -> None:
    async def main(clock: SourceClock) -> None:
        async with staged(tmp_path, clock, reach_days=0.0) as stage:
            await stage.life.beat()
            await stage.history.heal()
            assert stage.venue.asked == []
            assert {state for state, _ in stage.outcome().values()} == {GapState.UNRECOVERABLE}
            assert all("turned off" in words for _, words in stage.outcome().values())

    in_virtual_time(main)


def test_it_works_at_the_start_after_an_outage_and_now_and_then(tmp_path: Path) -> None:
    async def main(clock: SourceClock) -> None:
        async with staged(tmp_path, clock) as stage:
            progress = stage.history.progress
            task = asyncio.create_task(stage.history.run())
            try:
                await stage.pass_begins()
                await stage.pass_ends()
                stage.bus.publish(_connected(FeedState.DOWN))
                await asyncio.sleep(60)
                assert progress.passes == 1, "an outage that lasts is nothing to heal yet"
                assert not progress.is_running
                told = clock.monotonic()
                stage.bus.publish(_connected(FeedState.LIVE))
                assert CALM_S <= await stage.pass_begins() - told <= CALM_S + 1
                done = await stage.pass_ends()
                assert REPEAT_S - 1 <= await stage.pass_begins() - done <= REPEAT_S + 1
            finally:
                task.cancel()
                await asyncio.wait([task])
            assert stage.bus.readers == []

    in_virtual_time(main)


def test_a_venue_that_is_away_is_asked_again_with_growing_pauses(tmp_path: Path) -> None:
    async def main(clock: SourceClock) -> None:
        async with staged(tmp_path, clock) as stage:
            stage.venue.failures = [VenueUnavailable("binance", "away")] * 3
            await stage.life.beat()
            began = clock.monotonic()
            task = asyncio.create_task(stage.history.run())
            try:
                await stage.until(lambda: "away" in stage.history.progress.problem)
                await stage.until(lambda: stage.history.progress.passes == 1)
                # 5 s, 10 s, 20 s.
                assert clock.monotonic() - began >= 7 * FAILED_PAUSE_S
                assert stage.history.progress.problem == ""
                await stage.until(
                    lambda: GapState.OPEN not in {state for state, _ in stage.outcome().values()}
                )
            finally:
                task.cancel()
                await asyncio.wait([task])

    in_virtual_time(main)


def _connected(state: FeedState) -> ConnectionState:
    return ConnectionState(
        exchange="binance",
        symbol="*",
        native_symbol="*",
        timestamp_ms=NOW_MS,
        received_ns=0,
        channel=None,
        state=state,
        reason="",
        since_ms=NOW_MS,
    )
