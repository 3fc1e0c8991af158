"""How a market route gets its answer: measured, encoded once, kept for a moment.

Routes say what they want and how it is encoded; this module times the question to the venue's
data and puts the bytes into the cache.
"""

from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import TypeVar

import msgspec
from fastapi import Response

from headwater.api.cache import Answer, AnswerCache, AnswerResponse, PartialBody
from headwater.api.deps import ApiDeps
from headwater.api.metrics import RequestMeter
from headwater.api.schemas.base import View, encode

T = TypeVar("T")


class Incomplete(msgspec.Struct, frozen=True):
    """Rows that are less than what was asked for.

    Attributes:
        rows: what there is; raw where it was encoded off the event loop.
        reason: what is missing and why.
        ttl_s: as long as that it is given again at most; None for as long as a whole one.
    """

    rows: View | Sequence[View] | msgspec.Raw
    reason: str
    ttl_s: float | None = None


Found = View | Sequence[View] | Incomplete | msgspec.Raw
"""What a route found; raw where it was encoded off the event loop."""


def found_of(rows: View | Sequence[View], missing: str) -> View | Sequence[View] | Incomplete:
    """The rows, marked as incomplete where something is missing."""
    return Incomplete(rows, missing) if missing else rows


class Answers:
    """Makes the answers of all market routes.

    Args:
        deps: the parts.
        cache: keeps answers.
        meter: measures the venues' data.
    """

    def __init__(self, deps: ApiDeps, cache: AnswerCache, meter: RequestMeter) -> None:
        self.deps = deps
        self.cache = cache
        self._meter = meter

    async def give(
        self,
        route: str,
        parameters: Sequence[Hashable],
        ttl_s: float,
        load: Callable[[], Awaitable[Found]],
    ) -> Response:
        """The response that carries the answer; see `find`."""
        return self.respond(await self.find(route, parameters, ttl_s, load))

    async def find(
        self,
        route: str,
        parameters: Sequence[Hashable],
        ttl_s: float,
        load: Callable[[], Awaitable[Found]],
    ) -> Answer:
        """What `load` returns, or what it returned a moment ago.

        Args:
            route: template of the path.
            parameters: normalised; with the route they are the key.
            ttl_s: how long the answer may be given again.
            load: gets the data as views, or as JSON that was encoded off the event loop.
        """

        async def make() -> bytes | PartialBody:
            found = await load()
            if isinstance(found, Incomplete):
                return PartialBody(encode(found.rows), found.reason, found.ttl_s)
            return encode(found)

        return await self.cache.answer((route, *parameters), ttl_s, make)

    def respond(self, answer: Answer) -> Response:
        """The response that carries `answer`."""
        return AnswerResponse(self.cache, answer)

    async def ask(self, exchange: str, call: str, question: Awaitable[T]) -> T:
        """Puts a question to a venue's data and measures the answer.

        Args:
            exchange: venue id.
            call: name of the question, for metrics.
            question: the pending call.
        """
        clock = self.deps.clock
        started = clock.monotonic()
        failure: str | None = None
        try:
            return await question
        except BaseException as error:  # a cancelled question is one that took too long
            failure = type(error).__name__
            raise
        finally:
            self._meter.observe_call(exchange, call, clock.monotonic() - started, failure)
