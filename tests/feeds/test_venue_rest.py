"""REST calls: budgets, retries, errors into the generator, limits and bans for the whole venue."""

import asyncio
import random
from collections.abc import Mapping

import pytest

from headwater.core.clock import ManualClock
from headwater.core.errors import (
    RateLimited,
    VenueError,
    VenueRejected,
    VenueTimeout,
    VenueUnavailable,
)
from headwater.core.http_messages import HttpReply, HttpRequest
from headwater.feeds.settings import RestSettings
from headwater.feeds.venue_rest import VenueRest
from headwater.transport.backoff import FullJitterBackoff
from headwater.transport.breaker import BreakerState, CircuitBreaker
from headwater.transport.limiter import Budget, WeightLimiter
from headwater.venues.binance.venue import BinanceVenue
from headwater.venues.messages import RestCall

ASK = HttpRequest(path="/a", weight=2)


class ToyVenue(BinanceVenue):
    """Reads errors from the status alone."""

    def error_of(self, reply: HttpReply) -> VenueError | None:
        """200 is fine, 4xx a refusal, 429 and 418 a limit, 5xx a failure."""
        status = reply.status
        if status in (418, 429):
            after = reply.headers.get("retry-after")
            wait = None if after is None else float(after)
            return RateLimited("toy", "limit", http_status=status, retry_after_s=wait)
        if status >= 500:
            return VenueUnavailable("toy", "failed", http_status=status)
        return VenueRejected("toy", "no", http_status=status) if status >= 400 else None

    def used_weights(self, reply: HttpReply) -> Mapping[str, int]:
        """What a header says."""
        return {"ip": int(reply.headers.get("used", "0"))}


class Wire:
    """Sends nothing; answers what the test prepared."""

    def __init__(self) -> None:
        self.answers: list[int | BaseException | tuple[int, dict[str, str]]] = []
        self.sent: list[HttpRequest] = []
        self.timeouts_s: list[float] = []

    async def send(
        self, exchange: str, base_url: str, request: HttpRequest, *, timeout_s: float
    ) -> HttpReply:
        """The next answer."""
        assert base_url == "http://venue"
        self.sent.append(request)
        self.timeouts_s.append(timeout_s)
        answer = self.answers.pop(0) if self.answers else 200
        if isinstance(answer, BaseException):
            raise answer
        status, headers = (answer, {}) if isinstance(answer, int) else answer
        return HttpReply(status=status, headers=headers, body=b"ok", received_ns=7)


class Rig:
    """VenueRest on a prepared wire."""

    def __init__(self, **changes: float) -> None:
        self.clock = ManualClock()
        self.wire = Wire()
        self.taped: list[str] = []
        self.limiter = WeightLimiter(
            "toy", [Budget(name="ip", capacity=100, window_s=60)], clock=self.clock
        )
        self.breaker = CircuitBreaker(self.clock, 3, 10.0)
        settings = RestSettings(
            attempts_max=int(changes.get("attempts_max", 3)),
            deadline_s=changes.get("deadline_s", 30.0),
            timeout_s=5.0,
        )
        self.rest = VenueRest(
            ToyVenue(),
            "http://venue",
            self.wire,
            self.limiter,
            self.breaker,
            self.clock,
            lambda: FullJitterBackoff(0.001, 0.002, random.Random(1)),
            settings,
            self,
        )

    def on_reply(self, base_url: str, request: HttpRequest, reply: HttpReply) -> None:
        """Hears replies."""
        self.taped.append(f"{base_url}{request.path} {reply.status}")


def _once() -> RestCall[str]:
    reply = yield ASK
    return reply.body.decode()


def _forgiving() -> RestCall[str]:
    try:
        yield ASK
    except VenueRejected:
        reply = yield HttpRequest(path="/b")
        return f"b {reply.body.decode()}"
    return "a"


async def test_a_call_is_driven_to_its_result() -> None:
    rig = Rig()
    assert await rig.rest.call(_once()) == "ok"
    assert rig.taped == ["http://venue/a 200"]
    assert rig.rest.last_reply_ns == 7
    assert rig.limiter.used() == {"ip": 2}


async def test_a_refusal_is_thrown_into_the_call_and_not_repeated() -> None:
    rig = Rig()
    rig.wire.answers = [400, 200]
    assert await rig.rest.call(_forgiving()) == "b ok"
    rig.wire.answers = [400]
    with pytest.raises(VenueRejected):
        await rig.rest.call(_once())
    assert [one.path for one in rig.wire.sent] == ["/a", "/b", "/a"]


async def test_failures_are_repeated_a_bounded_number_of_times() -> None:
    rig = Rig()
    rig.wire.answers = [503, VenueTimeout("toy", "late"), 200]
    assert await rig.rest.call(_once()) == "ok"
    rig.wire.answers = [503] * 9
    with pytest.raises(VenueUnavailable):
        await rig.rest.call(_once())
    assert len(rig.wire.sent) == 6


async def test_no_try_is_begun_that_could_not_end_in_time() -> None:
    rig = Rig(deadline_s=2.0)
    rig.wire.answers = [(429, {"retry-after": "3"})]
    with pytest.raises(RateLimited):
        await rig.rest.call(_once())
    assert len(rig.wire.sent) == 1
    assert rig.wire.timeouts_s == [2.0]
    with pytest.raises(VenueTimeout):
        await rig.rest.call(_once(), deadline_s=0.0)


async def test_a_limit_blocks_the_whole_venue_for_as_long_as_it_says() -> None:
    rig = Rig()
    rig.wire.answers = [(429, {"retry-after": "40"})]
    with pytest.raises(RateLimited):
        await rig.rest.call(_once())
    assert rig.limiter.blocked_for_s == pytest.approx(40.0)
    with pytest.raises(RateLimited):
        await rig.rest.call(_once())
    assert len(rig.wire.sent) == 1, "nobody calls before the limit ends"
    rig.clock.advance(40.1)
    assert await rig.rest.call(_once()) == "ok"


@pytest.mark.parametrize(("status", "seconds"), [(418, 120.0), (429, 10.0)])
async def test_a_limit_without_a_time_blocks_for_the_default(status: int, seconds: float) -> None:
    rig = Rig(attempts_max=1)
    rig.wire.answers = [status]
    with pytest.raises(RateLimited):
        await rig.rest.call(_once())
    assert rig.limiter.blocked_for_s == pytest.approx(seconds)
    assert rig.breaker.state is BreakerState.CLOSED, "a venue that limits is alive"


async def test_repeated_failures_open_the_breaker_and_a_probe_closes_it() -> None:
    rig = Rig()
    rig.wire.answers = [503] * 3
    with pytest.raises(VenueUnavailable):
        await rig.rest.call(_once())
    with pytest.raises(VenueUnavailable, match="circuit breaker"):
        await rig.rest.call(_once(), deadline_s=1.0)
    assert len(rig.wire.sent) == 3
    rig.clock.advance(10.1)
    assert await rig.rest.call(_once()) == "ok"
    assert rig.breaker.state is BreakerState.CLOSED


async def test_nobody_waits_for_an_open_breaker() -> None:
    rig = Rig(attempts_max=9)
    rig.wire.answers = [503] * 9
    async with asyncio.timeout(5.0):
        with pytest.raises(VenueUnavailable, match="failed"):
            await rig.rest.call(_once())
        with pytest.raises(VenueUnavailable, match="circuit breaker") as refused:
            await rig.rest.call(_once())
    assert len(rig.wire.sent) == 3
    assert refused.value.retry_after_s == pytest.approx(10.0)


async def test_a_cancelled_probe_leaves_the_way_free_for_another() -> None:
    rig = Rig()
    rig.wire.answers = [503] * 3
    with pytest.raises(VenueUnavailable):
        await rig.rest.call(_once())
    rig.clock.advance(10.1)
    rig.wire.answers = [asyncio.CancelledError()]
    with pytest.raises(asyncio.CancelledError):
        await rig.rest.call(_once())
    assert await rig.rest.call(_once()) == "ok"


async def test_what_the_venue_counts_is_observed() -> None:
    rig = Rig()
    rig.wire.answers = [(200, {"used": "50"})]
    await rig.rest.call(_once())
    assert rig.limiter.used()["ip"] == 50
