"""Messages and connections under virtual time."""

import asyncio
import random
from typing import TYPE_CHECKING

import pytest

from headwater.core.clock import SourceClock
from headwater.core.errors import RateLimited
from headwater.transport import pacing
from headwater.transport.limiter import ConnectGate, MessagePacer

if TYPE_CHECKING:
    from tests.transport.conftest import RunVirtual


def most_in_a_window(times: list[float], window_s: float) -> int:
    """Largest number of `times` in any window."""
    return max(sum(began <= at < began + window_s for at in times) for began in times)


@pytest.mark.parametrize(("per_s", "at_most"), [(10.0, 9), (5.0, 4), (1.0, 1), (0.5, 1)])
def test_messages_stay_below_the_limit_and_in_order(
    run_virtual: "RunVirtual[None]", per_s: float, at_most: int
) -> None:
    """Also with the window a third longer, for messages that are held up on the way."""

    async def main(clock: SourceClock) -> None:
        pacer = MessagePacer("binance", per_s, clock=clock)
        sent: list[tuple[float, int]] = []

        async def send(number: int) -> None:
            await pacer.turn()
            sent.append((clock.monotonic(), number))

        await asyncio.gather(*(send(number) for number in range(40)))
        times = [at for at, _ in sent]
        assert [number for _, number in sent] == list(range(40))
        assert most_in_a_window(times, max(1.0, 1.0 / per_s) * 1.33) <= at_most
        assert times[at_most - 1] == 0.0, "the first burst goes out at once"
        assert times[-1] <= 40 / at_most * (max(1.0, 1.0 / per_s) * 1.2 + 0.6)

    run_virtual(main)


def test_a_storm_of_connections_stays_below_the_limit(run_virtual: "RunVirtual[None]") -> None:
    """200 sockets lost at once, 30 allowed a minute, some give up: 27 in any minute."""

    async def main(clock: SourceClock) -> None:
        gate = ConnectGate("okx", 30, 60.0, clock=clock, rng=random.Random(3))
        connected: list[float] = []

        async def connect() -> None:
            await gate.turn()
            connected.append(clock.monotonic())

        tasks = [asyncio.create_task(connect()) for _ in range(200)]
        await asyncio.sleep(90.0)
        for task in tasks[::7]:
            task.cancel()
        await asyncio.wait(tasks)
        assert most_in_a_window(connected, 60.0) == 27
        assert len(connected) > 160
        assert connected[-1] <= 60.0 * (len(connected) // 27) + 1.0
        assert len({round(at, 6) for at in connected[:20]}) == 20, "spread, not in one instant"

    run_virtual(main)


def test_a_block_holds_connections(run_virtual: "RunVirtual[None]") -> None:
    """Retry-After to an upgrade holds every connection of the venue, also those in the queue."""

    async def main(clock: SourceClock) -> None:
        gate = ConnectGate("okx", 1, 10.0, clock=clock, rng=random.Random(3))
        await gate.turn()
        queued = asyncio.create_task(gate.turn())
        await asyncio.sleep(1.0)
        gate.block_until(50.0)
        gate.block_until(20.0)
        await queued
        assert clock.monotonic() == pytest.approx(50.0, abs=0.3)

    run_virtual(main)


def test_the_queue_is_bounded(run_virtual: "RunVirtual[None]") -> None:
    """The one beyond the bound is told so, and a cancelled one frees its place."""

    async def main(clock: SourceClock) -> None:
        pacer = MessagePacer("okx", 1.0, clock=clock)
        await pacer.turn()
        waiting = [asyncio.create_task(pacer.turn()) for _ in range(pacing.MAX_WAITING)]
        await asyncio.sleep(0)
        with pytest.raises(RateLimited):
            await pacer.turn()
        waiting.pop().cancel()
        await asyncio.sleep(0)
        late = asyncio.create_task(pacer.turn())
        await asyncio.sleep(0)
        assert not late.done()
        for task in [late, *waiting]:
            task.cancel()
        await asyncio.wait([late, *waiting])

    run_virtual(main)
