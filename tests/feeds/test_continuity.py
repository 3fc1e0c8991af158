"""No trade lost, none doubled, every hole in the ledger."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from tests.feeds.made import EXCHANGE, Heard, quick_backoff, trade, turns

from headwater.core.clock import ManualClock
from headwater.core.enums import GapCause, GapState
from headwater.core.errors import NotSupported, VenueUnavailable
from headwater.core.records import Trade
from headwater.feeds.continuity import TradeContinuity
from headwater.feeds.gaps import GapLedger
from headwater.feeds.repairs import RepairCrew
from headwater.feeds.settings import TradeSettings

SYMBOL = "AAAUSDT"


class Desk:
    """A continuity with the venue's REST behind it."""

    def __init__(self, settings: TradeSettings) -> None:
        self.clock = ManualClock()
        self.heard = Heard()
        self.venue: dict[int, Trade] = {}
        self.fail: list[Exception] = []
        self.asked: list[tuple[int, int]] = []
        self.quiet: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.ledger = GapLedger(EXCHANGE, self.heard.bus, self.clock)
        self.crew = RepairCrew(2, 100)
        self.continuity = TradeContinuity(
            self.heard.bus,
            self.ledger,
            self.crew,
            self.clock,
            self.between,
            self.newest,
            quick_backoff,
            settings,
            self.quiet.append,
        )

    async def between(self, native: str, first: int, last: int) -> Sequence[Trade]:
        """The venue's trades of a range."""
        assert native == SYMBOL
        self.asked.append((first, last))
        await self.gate.wait()
        if self.fail:
            raise self.fail.pop(0)
        return [one for sequence, one in self.venue.items() if first <= sequence <= last]

    async def newest(self, native: str) -> Sequence[Trade]:
        """The venue's newest trades."""
        assert native == SYMBOL
        if self.fail:
            raise self.fail.pop(0)
        return [self.venue[sequence] for sequence in sorted(self.venue)[-3:]]

    def happen(self, *sequences: int) -> None:
        """Trades happen at the venue."""
        for sequence in sequences:
            self.venue[sequence] = trade(sequence)

    def live(self, *sequences: int) -> None:
        """Trades arrive on the stream."""
        self.happen(*sequences)
        for sequence in sequences:
            self.continuity.on_trade(trade(sequence))

    async def pass_time(self, seconds: float) -> None:
        """Time passes, in the steps of the sweep."""
        for _ in range(max(1, round(seconds / 0.05))):
            self.clock.advance(0.05)
            self.continuity.sweep()
            await turns(4)

    async def idle(self) -> None:
        """Until no repair runs."""
        async with asyncio.timeout(5):
            await self.crew.wait_idle()


@asynccontextmanager
async def desk(settings: TradeSettings | None = None) -> AsyncIterator[Desk]:
    """A desk whose crew works."""
    made = Desk(settings or TradeSettings())
    workers = [asyncio.create_task(made.crew.work()) for _ in range(2)]
    try:
        yield made
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.wait(workers)


async def test_trades_in_order_pass_and_doubles_do_not() -> None:
    async with desk() as made:
        made.live(1, 2, 2, 3, 1)
        assert made.heard.trades() == [1, 2, 3]
        assert made.continuity.duplicates == 2


async def test_an_overtaken_trade_is_no_hole() -> None:
    async with desk() as made:
        made.live(1, 3, 2, 4)
        await made.pass_time(0.2)
        assert made.heard.trades() == [1, 2, 3, 4]
        assert made.heard.gaps() == []
        assert made.asked == []


async def test_a_hole_is_noted_fetched_and_published_in_order() -> None:
    async with desk() as made:
        made.live(1)
        made.happen(2, 3)
        made.live(4)
        await made.pass_time(0.1)
        made.live(5)
        await made.idle()
        assert made.heard.trades() == [1, 2, 3, 4, 5]
        opened, settled = made.heard.gaps()
        assert (opened.state, opened.first_sequence, opened.last_sequence) == (GapState.OPEN, 2, 3)
        assert (settled.state, settled.recovered) == (GapState.REPAIRED, 2)
        assert opened.cause is GapCause.SEQUENCE_BREAK
        assert settled.until_ms == trade(4).timestamp_ms


async def test_the_cause_of_a_hole_after_an_interruption_is_the_interruption() -> None:
    async with desk() as made:
        made.live(1)
        made.continuity.suspect([SYMBOL], GapCause.DISCONNECT)
        made.happen(2)
        made.live(3)
        await made.pass_time(0.1)
        await made.idle()
        assert made.heard.gaps()[0].cause is GapCause.DISCONNECT


async def test_a_symbol_that_stays_quiet_after_an_interruption_is_compared_with_rest() -> None:
    async with desk() as made:
        made.live(1)
        made.continuity.suspect([SYMBOL], GapCause.DISCONNECT)
        made.happen(2, 3, 4, 5, 6)
        await made.pass_time(3.2)
        await made.idle()
        assert made.heard.trades() == [1, 2, 3, 4, 5, 6]
        assert [gap.state for gap in made.heard.gaps()] == [GapState.OPEN, GapState.REPAIRED]
        assert made.heard.gaps()[-1].recovered == 5


async def test_what_is_lost_late_in_a_long_outage_is_noticed_though_the_symbol_stays_quiet() -> (
    None
):
    async with desk() as made:
        made.live(1)
        made.continuity.suspect([SYMBOL], GapCause.DISCONNECT)
        await made.pass_time(3.2)
        await made.idle()
        made.happen(2)
        made.continuity.resumed([SYMBOL])
        await made.pass_time(3.2)
        await made.idle()
        assert made.heard.trades() == [1, 2]


async def test_real_quiet_is_told_and_leaves_no_hole() -> None:
    async with desk() as made:
        made.live(1)
        made.fail = [VenueUnavailable(EXCHANGE, "down")]
        made.continuity.suspect([SYMBOL], GapCause.STALE)
        await made.pass_time(7.0)
        await made.idle()
        assert made.quiet == [SYMBOL]
        assert made.heard.gaps() == []


async def test_a_symbol_silent_from_the_beginning_is_compared_with_rest() -> None:
    async with desk() as made:
        made.happen(1, 2)
        made.clock.advance(10.0)
        made.continuity.want(SYMBOL)
        made.fail = [VenueUnavailable(EXCHANGE, "down")]
        for _ in range(2):
            made.continuity.suspect([SYMBOL], GapCause.STALE)
            await turns()
            await made.idle()
        assert made.quiet == [SYMBOL], "nothing has happened since it was wanted"
        assert made.heard.trades() == []
        made.live(3, 4)
        assert made.heard.trades() == [3, 4]


async def test_trades_missed_by_a_stream_that_was_mute_from_the_beginning_are_brought_back() -> (
    None
):
    for start_first in (True, False):
        async with desk() as made:
            if start_first:
                made.continuity.want(SYMBOL)
                made.continuity._wanted_since[SYMBOL] = trade(2).timestamp_ms
            else:
                made.continuity._wanted_since[SYMBOL] = 0
            made.happen(1, 2, 3)
            made.continuity.suspect([SYMBOL], GapCause.STALE)
            await turns()
            await made.idle()
            assert made.heard.trades() == ([2, 3] if start_first else [1, 2, 3])
            assert made.heard.gaps()[-1].state is GapState.REPAIRED


async def test_an_unreachable_venue_is_asked_until_it_answers() -> None:
    async with desk() as made:
        made.fail = [VenueUnavailable(EXCHANGE, "down") for _ in range(30)]
        made.live(1)
        made.happen(2)
        made.live(3)
        await made.pass_time(0.1)
        await made.idle()
        assert made.heard.trades() == [1, 2, 3]


async def test_when_holding_lasts_too_long_newer_trades_go_first_and_the_ledger_says_so() -> None:
    async with desk(TradeSettings(hold_deadline_s=1.0)) as made:
        made.gate.clear()
        made.live(1)
        made.happen(2)
        made.live(3)
        await made.pass_time(1.3)
        made.live(4)
        assert made.heard.trades() == [1, 3, 4]
        made.gate.set()
        await made.idle()
        assert made.heard.trades() == [1, 3, 4, 2]
        details = [gap.detail for gap in made.heard.gaps()]
        assert any("newer ones were published first" in detail for detail in details)
        assert made.heard.gaps()[-1].state is GapState.REPAIRED


async def test_when_too_many_are_held_newer_trades_go_first() -> None:
    async with desk(TradeSettings(hold_max=3)) as made:
        made.live(1)
        made.happen(2)
        made.live(3, 4, 5, 6)
        await made.idle()
        assert made.heard.trades() == [1, 3, 4, 5, 6, 2]


async def test_trades_the_venue_leaves_out_are_unrecoverable_and_named() -> None:
    async with desk(TradeSettings(repair_attempts_max=2)) as made:
        made.live(1)
        made.happen(4)
        made.live(6)
        await made.pass_time(0.1)
        await made.idle()
        assert made.heard.trades() == [1, 4, 6]
        last = made.heard.gaps()[-1]
        assert last.state is GapState.UNRECOVERABLE
        assert (last.first_sequence, last.last_sequence, last.recovered) == (2, 5, 1)
        assert made.continuity.lost == 3


async def test_what_cannot_be_asked_for_is_unrecoverable_at_once() -> None:
    async with desk() as made:
        made.fail = [NotSupported(EXCHANGE, "trades", "a tape")]
        made.live(1, 3)
        await made.pass_time(0.1)
        await made.idle()
        assert made.heard.trades() == [1, 3]
        assert made.heard.gaps()[-1].state is GapState.UNRECOVERABLE


async def test_more_repairs_than_may_wait_are_given_up_aloud() -> None:
    async with desk() as made:
        made.crew._waiting_max = 0
        made.live(1, 3)
        await made.pass_time(0.1)
        assert made.heard.trades() == [1, 3]
        assert made.heard.gaps()[-1].state is GapState.UNRECOVERABLE


async def test_a_symbol_nobody_wants_starts_anew() -> None:
    async with desk() as made:
        made.gate.clear()
        made.live(1, 3)
        await made.pass_time(0.1)
        made.continuity.forget(SYMBOL, SYMBOL)
        made.gate.set()
        await made.idle()
        made.live(9, 10)
        assert made.heard.trades() == [1, 9, 10]
        assert made.ledger.open_count == 0


async def test_readers_are_answered_from_memory_when_it_is_whole() -> None:
    async with desk() as made:
        made.live(*range(1, 11))
        recent = made.continuity.recent(SYMBOL, 3)
        assert recent is not None
        assert [one.sequence for one in recent] == [8, 9, 10]
        assert made.continuity.recent(SYMBOL, 11) is None
        assert made.continuity.recent("NONE", 1) is None
        assert len(made.continuity.latest(SYMBOL, 99)) == 10
        assert made.continuity.next_sequence(SYMBOL) == 11


@pytest.mark.parametrize("block", range(5))
async def test_whatever_the_stream_does_every_trade_arrives_once(block: int) -> None:
    """Forty seeds a block: trades dropped, doubled, swapped; REST fails now and then."""
    for seed in range(block * 40, block * 40 + 40):
        rng = random.Random(seed)
        async with desk() as made:
            made.live(1)
            dropped: set[int] = set()
            pending: list[int] = []
            total = rng.randint(20, 120)
            for sequence in range(2, total + 1):
                made.happen(sequence)
                fate = rng.random()
                if fate < 0.1 and sequence < total:
                    dropped.add(sequence)
                elif fate < 0.2:
                    pending.append(sequence)
                else:
                    made.live(sequence)
                    if rng.random() < 0.1:
                        made.live(sequence)
                    made.live(*pending)
                    pending = []
                if rng.random() < 0.2:
                    if rng.random() < 0.3:
                        made.fail.append(VenueUnavailable(EXCHANGE, "down"))
                    await made.pass_time(rng.choice((0.05, 0.1, 0.2)))
            made.live(*pending, total)
            await made.pass_time(0.3)
            await made.idle()
            await made.pass_time(0.3)
            assert made.heard.trades() == list(range(1, total + 1)), seed
            noted: set[int] = set()
            for gap in made.ledger.newest_first():
                assert gap.state is GapState.REPAIRED
                noted.update(range(gap.first_sequence or 0, (gap.last_sequence or 0) + 1))
            assert noted >= dropped, seed
