"""Budgets under virtual time: never too much, in order, nobody forgotten, nothing leaked."""

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from headwater.core.clock import SourceClock
from headwater.core.errors import RateLimited
from headwater.transport.limiter import Budget, WeightLimiter

if TYPE_CHECKING:
    from tests.transport.conftest import RunVirtual

MINUTE = Budget(name="ip", capacity=100, window_s=60.0)
ORDERS = Budget(name="orders", capacity=20, window_s=10.0)


def limiter(clock: SourceClock, *budgets: Budget, **options: Any) -> WeightLimiter:
    """A limiter that uses the whole capacity unless told otherwise."""
    return WeightLimiter(
        "binance", budgets or (MINUTE,), clock=clock, **({"safety": 1.0} | options)
    )


Call = tuple[float, int, int, float, float | None]
CALLS = st.lists(
    st.tuples(
        st.floats(0.0, 30.0),  # comes so long after the one before
        st.integers(0, 100),  # weight in ip
        st.integers(0, 20),  # weight in orders
        st.sampled_from([0.0, 5.0, 70.0, 10_000.0]),  # longest wait
        st.one_of(st.none(), st.floats(0.0, 90.0)),  # cancelled after
    ),
    min_size=1,
    max_size=30,
)


@hypothesis_settings(max_examples=120)
@given(calls=CALLS)
def test_never_too_much_in_order_nobody_forgotten(
    run_virtual: "RunVirtual[None]", calls: list[Call]
) -> None:
    """The law of the limiter, over any schedule of calls and cancellations."""

    async def main(clock: SourceClock) -> None:
        budget = limiter(clock, MINUTE, ORDERS)
        granted: list[tuple[int, float, int, int]] = []
        outcomes: dict[int, str] = {}

        async def call(number: int, ip: int, orders: int, max_wait_s: float) -> None:
            began = clock.monotonic()
            outcomes[number] = "cancelled"
            try:
                await budget.acquire([("ip", ip), ("orders", orders)], max_wait_s=max_wait_s)
            except RateLimited as refusal:
                outcomes[number] = "refused"
                assert refusal.retry_after_s is not None
                assert refusal.retry_after_s > 0
                assert max_wait_s < 10_000, "who waits long enough is served"
                assert clock.monotonic() <= began + max_wait_s + 0.01
                return
            outcomes[number] = "granted"
            granted.append((number, clock.monotonic(), ip, orders))
            assert clock.monotonic() <= began + max_wait_s + 0.01

        loop = asyncio.get_running_loop()
        tasks = []
        for number, (pause_s, ip, orders, max_wait_s, cancel_s) in enumerate(calls):
            await asyncio.sleep(pause_s)
            task = asyncio.create_task(call(number, ip, orders, max_wait_s))
            tasks.append(task)
            if cancel_s is not None:
                loop.call_later(cancel_s, task.cancel)
        await asyncio.wait(tasks)

        assert len(outcomes) == len(calls)
        assert [number for number, *_ in granted] == sorted(number for number, *_ in granted)
        for _, began, _, _ in granted:
            assert sum(ip for _, at, ip, _ in granted if began <= at < began + 60.0) <= 100
            assert sum(o for _, at, _, o in granted if began <= at < began + 10.0) <= 20
        assert budget.waiting == 0
        await asyncio.sleep(63.0)
        assert budget.used() == {"ip": 0, "orders": 0}

    run_virtual(main)


def test_safety_margin_is_kept_back(run_virtual: "RunVirtual[None]") -> None:
    """Of 100, a tenth is never used."""

    async def main(clock: SourceClock) -> None:
        budget = limiter(clock, safety=0.9)
        for _ in range(90):
            await budget.acquire([("ip", 1)], max_wait_s=0.0)
        with pytest.raises(RateLimited) as refusal:
            await budget.acquire([("ip", 1)], max_wait_s=0.0)
        assert 59.0 < (refusal.value.retry_after_s or 0) < 63.0

    run_virtual(main)


def test_hopeless_calls_are_refused_at_once(run_virtual: "RunVirtual[None]") -> None:
    """Also when only the queue ahead makes them hopeless."""

    async def main(clock: SourceClock) -> None:
        budget = limiter(clock)
        await budget.acquire([("ip", 100)], max_wait_s=0.0)
        ahead = asyncio.create_task(budget.acquire([("ip", 100)], max_wait_s=100.0))
        await asyncio.sleep(1.0)
        began = clock.monotonic()
        with pytest.raises(RateLimited) as refusal:
            await budget.acquire([("ip", 1)], max_wait_s=100.0)
        assert clock.monotonic() == began
        assert 118.0 < (refusal.value.retry_after_s or 0) < 126.0
        await ahead

    run_virtual(main)


def test_queue_is_bounded(run_virtual: "RunVirtual[None]") -> None:
    """The caller beyond the bound is refused at once, the others are served."""

    async def main(clock: SourceClock) -> None:
        budget = limiter(clock, max_waiting=3)
        await budget.acquire([("ip", 100)], max_wait_s=0.0)
        waiting = [
            asyncio.create_task(budget.acquire([("ip", 1)], max_wait_s=100.0)) for _ in range(3)
        ]
        await asyncio.sleep(0)
        with pytest.raises(RateLimited, match="3 calls wait already"):
            await budget.acquire([("ip", 1)], max_wait_s=100.0)
        await asyncio.gather(*waiting)

    run_virtual(main)


def test_cancelled_waiters_leak_nothing(run_virtual: "RunVirtual[None]") -> None:
    """Cancelled in the queue, and in the very turn of the loop in which it was let through."""

    async def main(clock: SourceClock) -> None:
        budget = limiter(clock)
        await budget.acquire([("ip", 100)], max_wait_s=0.0)
        first = asyncio.create_task(budget.acquire([("ip", 100)], max_wait_s=1_000.0))
        second = asyncio.create_task(budget.acquire([("ip", 60)], max_wait_s=1_000.0))
        await asyncio.sleep(1.0)
        first.cancel()
        await asyncio.wait([first])
        await second
        assert clock.monotonic() < 63.0, "the one behind moved up"
        assert budget.used() == {"ip": 60}

        third = asyncio.create_task(budget.acquire([("ip", 50)], max_wait_s=1_000.0))
        await asyncio.sleep(0)
        budget._counts["ip"].give_back(clock.monotonic(), 60)
        budget._serve()
        assert budget.used() == {"ip": 50}, "let through, and not yet told"
        third.cancel()
        await asyncio.wait([third])
        assert third.cancelled()
        assert budget.used() == {"ip": 0}

    run_virtual(main)


def test_a_block_holds_everyone_and_refuses_those_who_cannot_wait(
    run_virtual: "RunVirtual[None]",
) -> None:
    """429 with Retry-After: nothing before it ends, whatever the budget."""

    async def main(clock: SourceClock) -> None:
        budget = limiter(clock)
        await budget.acquire([("ip", 100)], max_wait_s=0.0)
        patient = asyncio.create_task(budget.acquire([("ip", 1)], max_wait_s=500.0))
        hasty = asyncio.create_task(budget.acquire([("ip", 1)], max_wait_s=90.0))
        await asyncio.sleep(1.0)
        budget.block_until(clock.monotonic() + 120.0, "418 banned")
        budget.block_until(clock.monotonic() + 5.0, "429")
        assert budget.blocked_for_s == pytest.approx(120.0)
        with pytest.raises(RateLimited, match="418 banned") as refusal:
            await hasty
        assert clock.monotonic() == pytest.approx(1.0, abs=0.01)
        assert refusal.value.retry_after_s == pytest.approx(120.0)
        with pytest.raises(RateLimited, match="418 banned"):
            await budget.acquire([], max_wait_s=1.0)
        await patient
        assert clock.monotonic() == pytest.approx(121.0, abs=0.01)
        assert budget.blocked_for_s == 0.0

    run_virtual(main)


def test_a_block_holds_back_what_the_budget_would_allow(run_virtual: "RunVirtual[None]") -> None:
    """An empty queue and an unused budget do not matter."""

    async def main(clock: SourceClock) -> None:
        budget = limiter(clock)
        budget.block_until(30.0, "429")
        with pytest.raises(RateLimited, match="429"):
            await budget.acquire([("ip", 1)], max_wait_s=29.0)
        await budget.acquire([("ip", 1)], max_wait_s=31.0)
        assert clock.monotonic() == pytest.approx(30.0, abs=0.01)

    run_virtual(main)


def test_whose_turn_fades_away_is_refused_at_its_deadline(run_virtual: "RunVirtual[None]") -> None:
    """Let in at t = 0 for t = 62; at t = 50 the venue reports others until t = 100."""

    async def main(clock: SourceClock) -> None:
        budget = limiter(clock)
        await budget.acquire([("ip", 100)], max_wait_s=0.0)
        waiting = asyncio.create_task(budget.acquire([("ip", 60)], max_wait_s=70.0))
        await asyncio.sleep(50.0)
        budget.observe({"ip": 100})
        with pytest.raises(RateLimited):
            await waiting
        assert clock.monotonic() == pytest.approx(70.0, abs=0.01)

    run_virtual(main)


def test_news_in_the_turn_of_a_cancellation_serve_the_next(run_virtual: "RunVirtual[None]") -> None:
    """The cancelled task has not run yet when its place is looked at."""

    async def main(clock: SourceClock) -> None:
        budget = limiter(clock)
        await budget.acquire([("ip", 100)], max_wait_s=0.0)
        first = asyncio.create_task(budget.acquire([("ip", 100)], max_wait_s=1_000.0))
        second = asyncio.create_task(budget.acquire([("ip", 60)], max_wait_s=1_000.0))
        await asyncio.sleep(1.0)
        first.cancel()
        budget._counts["ip"].give_back(0.0, 100)
        budget.observe({"ip": 0})
        assert budget.used() == {"ip": 60}
        await second
        assert clock.monotonic() == pytest.approx(1.0, abs=0.01)
        assert first.cancelled()

    run_virtual(main)


def test_the_venues_own_count_is_believed_when_it_is_higher(
    run_virtual: "RunVirtual[None]",
) -> None:
    """START_NS lies 20 s into a minute: what others used counts for 40 s more."""

    async def main(clock: SourceClock) -> None:
        budget = limiter(clock)
        await budget.acquire([("ip", 10)], max_wait_s=0.0)
        budget.observe({"ip": 95, "unknown": 10**9})
        assert budget.used() == {"ip": 95}
        budget.observe({"ip": 3})
        assert budget.used() == {"ip": 95}
        await budget.acquire([("ip", 50)], max_wait_s=100.0)
        assert clock.monotonic() == pytest.approx(40.5, abs=0.1)

    run_virtual(main)


@pytest.mark.parametrize("weights", [[("spot", 1)], [("ip", -1)], [("ip", 60), ("ip", 60)]])
def test_calls_that_no_wait_could_serve_are_mistakes(
    run_virtual: "RunVirtual[None]", weights: list[tuple[str, int]]
) -> None:
    """An unknown budget, a negative weight, more than an empty budget holds."""

    async def main(clock: SourceClock) -> None:
        with pytest.raises(ValueError, match="binance"):
            await limiter(clock).acquire(weights, max_wait_s=1.0)

    run_virtual(main)


def test_safety_outside_its_range_is_refused(run_virtual: "RunVirtual[None]") -> None:
    """The mistake shows where it is made."""

    async def main(clock: SourceClock) -> None:
        with pytest.raises(ValueError, match="safety"):
            limiter(clock, safety=1.1)

    run_virtual(main)
