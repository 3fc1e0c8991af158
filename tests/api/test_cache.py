"""Answers are made once, given while fresh, and never beyond their bounds."""

import asyncio
import gzip
import hashlib
import threading
from typing import Any

import pytest
from tests.api.served import Platform

from headwater.api import cache as cache_module
from headwater.api.cache import LARGE_BYTES, Answer, AnswerCache
from headwater.api.limits import CacheSettings
from headwater.core.clock import ManualClock
from headwater.core.errors import VenueUnavailable


class Maker:
    """Makes a numbered body each time it is asked."""

    def __init__(self, size: int = 10) -> None:
        self.made = 0
        self.size = size
        self.gate: asyncio.Event | None = None
        self.error: Exception | None = None

    async def __call__(self) -> bytes:
        self.made += 1
        if self.gate is not None:
            await self.gate.wait()
        if self.error is not None:
            raise self.error
        return str(self.made).encode().ljust(self.size)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


async def test_an_answer_lives_its_time(clock: ManualClock) -> None:
    cache, make = AnswerCache(CacheSettings(), clock), Maker()
    first = await cache.answer(("r", 1), 1.0, make)
    clock.advance(0.99)
    assert await cache.answer(("r", 1), 1.0, make) is first
    clock.advance(0.01)
    assert (await cache.answer(("r", 1), 1.0, make)).body.strip() == b"2"
    assert cache.stats.hits == 1
    assert cache.stats.misses == 2
    assert cache.stats.entries == 1


async def test_a_spelling_is_an_alias(clock: ManualClock) -> None:
    cache, make = AnswerCache(CacheSettings(), clock), Maker()
    answer = await cache.answer(("r", 1), 1.0, make)
    assert cache.find("/a", b"") is None
    cache.remember("/a", b"", answer)
    cache.remember("/A", b"x=1", answer)
    assert cache.find("/a", b"") is cache.find("/A", b"x=1") is answer
    assert cache.find("/a", b"x=1") is None
    clock.advance(1.0)
    assert cache.find("/a", b"") is None


async def test_many_who_ask_at_once_share_one_answer(clock: ManualClock) -> None:
    cache, make = AnswerCache(CacheSettings(), clock), Maker()
    make.gate = asyncio.Event()
    asking = [asyncio.create_task(cache.answer(("r",), 1.0, make)) for _ in range(50)]
    await asyncio.sleep(0)
    make.gate.set()
    assert len({id(answer) for answer in await asyncio.gather(*asking)}) == 1
    assert make.made == 1
    assert cache.stats.shared == 49


async def test_an_error_reaches_everyone_and_is_forgotten(clock: ManualClock) -> None:
    cache, make = AnswerCache(CacheSettings(), clock), Maker()
    make.gate, make.error = asyncio.Event(), VenueUnavailable("v", "gone")
    asking = [asyncio.create_task(cache.answer(("r",), 1.0, make)) for _ in range(3)]
    await asyncio.sleep(0)
    make.gate.set()
    results = await asyncio.gather(*asking, return_exceptions=True)
    assert results == [make.error] * 3
    make.error = None
    assert (await cache.answer(("r",), 1.0, make)).body.strip() == b"2"


async def test_when_the_maker_is_cancelled_another_one_makes_it(clock: ManualClock) -> None:
    cache, make = AnswerCache(CacheSettings(), clock), Maker()
    make.gate = asyncio.Event()
    first = asyncio.create_task(cache.answer(("r",), 1.0, make))
    second = asyncio.create_task(cache.answer(("r",), 1.0, make))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    make.gate.set()
    assert (await second).body.strip() == b"2"


async def test_entries_and_bytes_are_bounded(clock: ManualClock) -> None:
    settings = CacheSettings(entries_max=10, bytes_max=500, aliases_max=5)
    cache = AnswerCache(settings, clock)
    for number in range(30):
        answer = await cache.answer(("r", number), 60.0, Maker(100))
        cache.remember(f"/{number}", b"", answer)
    assert cache.stats.entries == 5
    assert cache.stats.bytes_held == 500
    assert cache.stats.evicted == 25
    assert [cache.find(f"/{n}", b"") is not None for n in range(24, 30)] == [False] + [True] * 5
    await cache.answer(("big",), 60.0, Maker(501))
    assert cache.stats.bytes_held == 0, "what is longer than the bound is given but not kept"


async def test_a_body_is_compressed_when_asked_for_twice(clock: ManualClock) -> None:
    cache = AnswerCache(CacheSettings(gzip_min_bytes=100), clock)
    answer = await cache.answer(("r",), 60.0, Maker(1000))
    assert cache.pack(answer) is None
    packed = cache.pack(answer)
    assert packed is not None
    assert gzip.decompress(packed) == answer.body
    assert cache.stats.bytes_held == len(answer.body) + len(packed)
    short = await cache.answer(("s",), 60.0, Maker(10))
    assert [cache.pack(short) for _ in range(3)] == [None] * 3


async def test_a_large_body_is_compressed_in_a_thread_one_at_a_time(
    clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Meanwhile the whole body is given, and no second one is begun."""
    threads: list[str] = []
    turn = threading.Event()

    def compress(body: bytes) -> bytes:
        threads.append(threading.current_thread().name)
        assert turn.wait(10.0)
        return gzip.compress(body)

    monkeypatch.setattr(cache_module, "_compressed", compress)
    cache = AnswerCache(CacheSettings(gzip_min_bytes=100), clock)
    large, other = [
        await cache.answer((name,), 60.0, Maker(LARGE_BYTES + 1)) for name in ("large", "other")
    ]
    assert [cache.pack(large) for _ in range(3)] == [None] * 3
    assert [cache.pack(other) for _ in range(3)] == [None] * 3
    turn.set()
    await cache.close()
    packed = cache.pack(large)
    assert packed is not None
    assert gzip.decompress(packed) == large.body
    assert len(threads) == 1
    assert threads[0] != threading.current_thread().name
    assert cache.stats.bytes_held == len(large.body) + len(other.body) + len(packed)
    assert cache.pack(other) is None
    await cache.close()
    assert cache.pack(other) is not None


async def test_the_tag_of_a_large_body_is_made_in_a_thread(
    clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[bool] = []
    made = hashlib.blake2b

    def digest(body: bytes, *, digest_size: int) -> Any:
        threads.append(threading.current_thread() is threading.main_thread())
        return made(body, digest_size=digest_size)

    monkeypatch.setattr(hashlib, "blake2b", digest)
    cache = AnswerCache(CacheSettings(), clock)
    await cache.answer(("small",), 60.0, Maker(10))
    await cache.answer(("large",), 60.0, Maker(LARGE_BYTES + 1))
    assert threads == [True, False]


def test_equal_bodies_have_equal_tags_and_others_do_not() -> None:
    assert Answer(("a",), b"x", 0).etag == Answer(("b",), b"x", 9).etag
    assert Answer(("a",), b"x", 0).etag != Answer(("a",), b"y", 0).etag


CANDLES = "/binance/ohlc/BTCUSDT/1m?limit=100"


async def test_a_second_request_is_answered_without_the_venue(platform: Platform) -> None:
    first = await platform.get(CANDLES)
    second = await platform.get(CANDLES)
    spelt = await platform.get("/BINANCE/ohlc/btc-usdt/1m?limit=100")
    assert first.body == second.body == spelt.body
    assert len(platform.source.calls) == 1
    assert second.headers["etag"] == first.headers["etag"]
    assert second.headers["x-request-id"] != first.headers["x-request-id"]


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', "*"])
async def test_not_modified(platform: Platform, form: str) -> None:
    tag = (await platform.get(CANDLES)).headers["etag"]
    reply = await platform.get(CANDLES, {"if-none-match": form.format(tag)})
    assert (reply.status, reply.body, reply.headers["etag"]) == (304, b"", tag)


async def test_modified(platform: Platform) -> None:
    await platform.get(CANDLES)
    assert (await platform.get(CANDLES, {"if-none-match": '"other"'})).status == 200


@pytest.mark.parametrize(
    ("accepted", "packed"),
    [
        ("gzip", True),
        ("br, GZIP;q=0.5", True),
        ("*", True),
        ("gzip;q=0", False),
        ("gzip; q=0.0", False),
        ("identity", False),
        ("", False),
    ],
)
async def test_gzip_only_for_those_who_take_it(
    platform: Platform, accepted: str, packed: bool
) -> None:
    plain = await platform.get(CANDLES)
    await platform.get(CANDLES, {"accept-encoding": accepted})
    reply = await platform.get(CANDLES, {"accept-encoding": accepted})
    assert (reply.headers.get("content-encoding") == "gzip") is packed
    assert (gzip.decompress(reply.body) if packed else reply.body) == plain.body
    assert reply.headers["vary"] == "accept-encoding"
    assert (reply.headers["etag"] != plain.headers["etag"]) is packed
    again = await platform.get(CANDLES, {"if-none-match": reply.headers["etag"]})
    assert again.status == 304
