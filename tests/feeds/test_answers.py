"""Young answers are reused; one question at a time."""

import asyncio

import pytest
from tests.feeds.made import turns

from headwater.core.clock import ManualClock
from headwater.feeds.answers import AnswerCache


class Oracle:
    """Counts what it is asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.fail = False

    async def ask(self) -> int:
        """The number of times it was asked."""
        self.asked += 1
        await self.gate.wait()
        if self.fail:
            raise ValueError("no answer")
        return self.asked


async def test_an_answer_is_reused_until_it_is_too_old() -> None:
    clock, oracle = ManualClock(), Oracle()
    cache = AnswerCache(clock, 10)
    assert await cache.get("q", 2.0, oracle.ask) == 1
    clock.advance(1.9)
    assert await cache.get("q", 2.0, oracle.ask) == 1
    clock.advance(0.2)
    assert await cache.get("q", 2.0, oracle.ask) == 2
    assert (cache.hits, cache.misses) == (1, 2)


async def test_the_same_question_is_asked_once_at_a_time() -> None:
    cache, oracle = AnswerCache(ManualClock(), 10), Oracle()
    oracle.gate.clear()
    asking = [asyncio.create_task(cache.get("q", 0.0, oracle.ask)) for _ in range(5)]
    await turns()
    oracle.gate.set()
    assert await asyncio.gather(*asking) == [1] * 5


async def test_a_failure_reaches_all_who_wait_and_is_not_remembered() -> None:
    cache, oracle = AnswerCache(ManualClock(), 10), Oracle()
    oracle.gate.clear()
    oracle.fail = True
    asking = [asyncio.create_task(cache.get("q", 9.0, oracle.ask)) for _ in range(3)]
    await turns()
    oracle.gate.set()
    for task in asking:
        with pytest.raises(ValueError, match="no answer"):
            await task
    oracle.fail = False
    assert await cache.get("q", 9.0, oracle.ask) == 2


async def test_when_the_asker_is_cancelled_another_one_asks() -> None:
    cache, oracle = AnswerCache(ManualClock(), 10), Oracle()
    oracle.gate.clear()
    first = asyncio.create_task(cache.get("q", 9.0, oracle.ask))
    await turns()
    second = asyncio.create_task(cache.get("q", 9.0, oracle.ask))
    await turns()
    first.cancel()
    await turns()
    oracle.gate.set()
    assert await second == 2
    assert first.cancelled()


async def test_answers_that_are_too_old_do_not_stay_in_memory() -> None:
    clock, oracle = ManualClock(), Oracle()
    cache = AnswerCache(clock, 10)
    for key in ("a", "b"):
        await cache.get(key, 2.0, oracle.ask)
    clock.advance(2.0)
    await cache.get("c", 2.0, oracle.ask)
    assert list(cache._kept) == ["c"]


async def test_the_oldest_answer_goes_when_there_are_too_many() -> None:
    cache, oracle = AnswerCache(ManualClock(), 2), Oracle()
    for key in ("a", "b", "c"):
        await cache.get(key, 9.0, oracle.ask)
    assert await cache.get("c", 9.0, oracle.ask) == 3
    assert await cache.get("a", 9.0, oracle.ask) == 4
