"""Named wallets are read in turns, remembered by moment, and forgotten in time."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.virtual_time import run_in_virtual_time

from headwater.core.clock import ManualClock, SourceClock
from headwater.core.enums import PositionSide
from headwater.core.errors import PlatformError, VenueUnavailable, WireError
from headwater.core.wallet_positions import WalletPosition
from headwater.services import wallets
from headwater.services.wallets import HISTORY_MS, KEPT_MS, WalletPositions

START_MS = 1_790_000_040_000 // 60_000 * 60_000
VENUE = "hyperliquid"
MINUTE_MS = 60_000


def held(address: str, quantity: float = 2.0, symbol: str = "BTCUSDT") -> WalletPosition:
    """A long that is liquidated at 900, of a market at 1000."""
    return WalletPosition(
        exchange=VENUE,
        symbol=symbol,
        native_symbol=symbol,
        timestamp_ms=START_MS,
        received_ns=0,
        address=address,
        position_side=PositionSide.LONG,
        quantity=quantity,
        entry_price=1000.0,
        liquidation_price=900.0,
        notional_usd=quantity * 1000.0,
        leverage=10.0,
        is_cross=False,
    )


class Venue:
    """Answers with one long per wallet, whose quantity is the number of the question."""

    def __init__(self, clock: SourceClock, took_s: float = 0.0) -> None:
        self.asked: list[tuple[float, str]] = []
        self.failing: dict[str, PlatformError] = {}
        self.took_s = took_s
        self._clock = clock

    async def ask(self, address: str) -> Sequence[WalletPosition]:
        self.asked.append((self._clock.monotonic(), address))
        number = len(self.asked)
        await asyncio.sleep(self.took_s)
        if address in self.failing:
            raise self.failing[address]
        return [held(address, float(number))]


def virtual(work: Callable[[SourceClock], Coroutine[Any, Any, None]]) -> None:
    """Runs on a loop that skips waiting."""
    run_in_virtual_time(work, START_MS * 1_000_000)


async def sizes(memory: WalletPositions, moment_ms: int, symbol: str = "BTCUSDT") -> list[float]:
    return [one.quantity for one in await memory.at(VENUE, symbol, moment_ms)]


def test_each_wallet_has_one_turn_a_round_spread_evenly() -> None:
    async def work(clock: SourceClock) -> None:
        venue = Venue(clock, took_s=2.0)
        task = asyncio.create_task(WalletPositions("abc", venue.ask, clock, 60.0).run())
        await asyncio.sleep(125)
        task.cancel()
        times, names = zip(*venue.asked, strict=True)
        assert "".join(names) == "abcabca"
        assert times == pytest.approx((0, 20, 40, 60, 80, 100, 120))

    virtual(work)


def test_turns_that_a_slow_answer_delayed_are_not_made_up_for() -> None:
    """Answers of 50 s where turns are 20 s apart: one after the other, and then 20 s again."""

    async def work(clock: SourceClock) -> None:
        venue = Venue(clock, took_s=50.0)
        task = asyncio.create_task(WalletPositions("abc", venue.ask, clock, 60.0).run())
        await asyncio.sleep(120)
        venue.took_s = 0.0
        await asyncio.sleep(75)
        task.cancel()
        times = [time for time, _ in venue.asked]
        assert times == pytest.approx([0, 50, 100, 150, 170, 190])

    virtual(work)


def test_a_moment_knows_what_was_read_before_it_and_nothing_later() -> None:
    """One wallet, read at 0, 60, 120 s as 1, 2, 3."""

    async def work(clock: SourceClock) -> None:
        memory = WalletPositions(["a"], Venue(clock).ask, clock, 60.0)
        task = asyncio.create_task(memory.run())
        await asyncio.sleep(125)
        task.cancel()
        found = [await sizes(memory, START_MS + at_s * 1_000) for at_s in (-1, 0, 59, 60, 121)]
        assert found == [[], [1.0], [1.0], [2.0], [3.0]]
        assert await sizes(memory, START_MS + 60_000, "ETHUSDT") == []
        assert await sizes(memory, START_MS + 120_000 + KEPT_MS) == [3.0]
        assert await sizes(memory, START_MS + 120_001 + KEPT_MS) == []

    virtual(work)


def test_a_wallet_that_fails_keeps_its_last_reading_ten_minutes_and_then_counts_as_dropped() -> (
    None
):
    async def work(clock: SourceClock) -> None:
        venue = Venue(clock)
        memory = WalletPositions("ab", venue.ask, clock, 60.0)
        task = asyncio.create_task(memory.run())
        await asyncio.sleep(45)
        venue.failing["b"] = VenueUnavailable(VENUE, "no reply")
        await asyncio.sleep(9 * 60)
        health = memory.health
        assert (health.known, health.failing, health.dropped, health.positions) == (2, 1, 0, 2)
        assert "no reply" in health.problem
        await asyncio.sleep(30 * 60)
        health = memory.health
        assert (health.known, health.failing, health.dropped, health.positions) == (1, 1, 1, 1)
        assert len(await sizes(memory, clock.now_ms())) == 1
        venue.failing.clear()
        await asyncio.sleep(60)
        task.cancel()
        health = memory.health
        assert (health.known, health.failing, health.dropped, health.problem) == (2, 0, 1, "")
        assert (health.failures, health.wallets) == (39, 2)
        assert health.readings + health.failures == len(venue.asked)

    virtual(work)


def test_what_a_venue_told_of_a_wallet_is_not_shown_to_everybody() -> None:
    async def work(clock: SourceClock) -> None:
        venue = Venue(clock)
        venue.failing["a"] = WireError(VENUE, "clearinghouseState", "odd", b"secret")
        memory = WalletPositions("a", venue.ask, clock, 60.0)
        task = asyncio.create_task(memory.run())
        await asyncio.sleep(1)
        task.cancel()
        assert memory.health.problem == "the reply means nothing"

    virtual(work)


def test_an_error_of_ours_ends_the_reader() -> None:
    async def work(clock: SourceClock) -> None:
        async def ask(address: str) -> Sequence[WalletPosition]:
            raise ValueError(address)

        with pytest.raises(ValueError, match="mine"):
            await WalletPositions(["mine"], ask, clock, 60.0).run()

    virtual(work)


def test_readings_are_forgotten_after_a_day_and_older_ones_are_one_a_minute() -> None:
    """A round of 30 s for 26 hours: one reading a minute of the newest 25 hours, both ends in."""

    async def work(clock: SourceClock) -> None:
        memory = WalletPositions(["a"], Venue(clock).ask, clock, 30.0)
        task = asyncio.create_task(memory.run())
        await asyncio.sleep(26 * 3_600 + 1)
        task.cancel()
        (readings,) = memory._readings.values()
        assert len(readings) == HISTORY_MS // MINUTE_MS + 1
        assert clock.now_ms() - readings[0].taken_ms <= HISTORY_MS + 1_000
        assert memory._rows == len(readings)

    virtual(work)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 5)), max_size=40))
def test_rows_are_bounded_and_no_wallet_loses_its_last_reading(
    turns: list[tuple[str, int]],
) -> None:
    """However many positions wallets have: the count is true, and at most the bound or the last."""
    clock = ManualClock(START_MS * 1_000_000)

    async def never(address: str) -> Sequence[WalletPosition]:
        raise AssertionError(address)

    memory = WalletPositions("abc", never, clock, 60.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wallets, "ROWS_MAX", 6)
        for address, count in turns:
            clock.advance(60.0)
            memory._remember(address, [held(address)] * count)
            kept = memory._readings.values()
            assert memory._rows == sum(one.rows for readings in kept for one in readings)
            assert memory._rows <= 6 or all(len(readings) <= 1 for readings in kept)
            assert memory._readings[address][-1].rows == count
