"""`/multi/ohlc|funding|oi/…`: one question put to all venues at once (requirements T-R5).

Each venue is asked as its own route asks it, shares that route's kept answer, and has
`multi_timeout_s`. What went wrong with one stands under `errors`, beside the others' data.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import Any, Final, TypeAlias

import structlog
from fastapi import APIRouter, Request, Response

from headwater.api.answering import Answers
from headwater.api.cache import Answer
from headwater.api.errors import (
    DEFAULT_RETRY_S,
    REQUEST_ID_KEY,
    make_problem,
    problem_of,
    problem_response,
)
from headwater.api.lookup import shared_symbol
from headwater.api.openapi import Responses, market_answers
from headwater.api.parameters import (
    EndQuery,
    ExchangesQuery,
    IntervalPath,
    Limit1000,
    StartQuery,
    SymbolPath,
    check_span,
    router_of,
)
from headwater.api.routes.candles import candles_answer
from headwater.api.routes.funding import funding_answer
from headwater.api.routes.open_interest import open_interest_answer
from headwater.api.schemas.base import View, encode
from headwater.api.schemas.market import FundingRateView, OhlcView, OpenInterestView
from headwater.api.schemas.multi import multi_schema
from headwater.api.schemas.platform import Problem
from headwater.api.stream_filters import read_exchanges
from headwater.core.errors import PlatformError, VenueTimeout
from headwater.feeds.source import MarketSource

OHLC_PATH: Final = "/multi/ohlc/{symbol}/{interval}"
FUNDING_PATH: Final = "/multi/funding/{symbol}"
INTEREST_PATH: Final = "/multi/oi/{symbol}"

WHEN_ALL_FAIL: Final = """

A venue that fails, is too slow or lacks the symbol has no key of its own: its problem stands in
`errors`, and the status is 200 as long as any venue has data. One that is away or silent while
storage has a part of its past has both: the data, and `data_incomplete` in `errors`. When none
has: 404 if none of them has such a thing, else the most frequent status of those that failed;
`detail` names each venue.
"""
"""What the document says of failures."""

VENUE_SHARE: Final = 0.8
"""Part of `multi_timeout_s` that a venue gets for candles; the rest is for storage to stand in."""

_SUGGESTIONS_MAX: Final = 3
_FIELDS_MAX: Final = 20
_DETAIL_CUT_CHARS: Final = 400
_SEVERITY: Final = (503, 504, 502, 429, 500)

_log: Final = structlog.stdlib.get_logger("headwater.api")

AskVenue: TypeAlias = Callable[[MarketSource], Awaitable[Answer]]
"""Puts a route's question to one venue."""


class NoVenueAnswered(Exception):
    """No venue has data.

    Args:
        problem: what the client is told.
    """

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


def multi_router(api: Answers) -> APIRouter:
    """The routes over all venues; to be declared before those of one venue."""
    router = router_of("all venues")
    exchanges = tuple(api.deps.sources)
    _add_candles(router, api, exchanges)
    _add_readings(router, api, exchanges)
    return router


def _add_candles(router: APIRouter, api: Answers, venues: Sequence[str]) -> None:
    @router.get(
        OHLC_PATH,
        summary="Candles of all venues, oldest first",
        description="The newest `limit` candles of each venue, or those of a span." + WHEN_ALL_FAIL,
        responses=_answers(OhlcView, venues, many=True),
    )
    async def read_candles(
        request: Request,
        symbol: SymbolPath,
        interval: IntervalPath,
        exchanges: ExchangesQuery = None,
        limit: Limit1000 = 200,
        start_time: StartQuery = None,
        end_time: EndQuery = None,
    ) -> Response:
        """All venues' candles."""
        check_span(start_time, end_time)
        name = shared_symbol(api.deps.sources.values(), symbol)

        async def ask(source: MarketSource) -> Answer:
            return await candles_answer(
                api,
                source,
                name,
                interval,
                limit=limit,
                start_ms=start_time,
                end_ms=end_time,
                patience_s=api.deps.settings.multi_timeout_s * VENUE_SHARE,
            )

        key = (OHLC_PATH, name, interval, limit, start_time, end_time)
        return await _give(api, request, key, exchanges, ask)


def _add_readings(router: APIRouter, api: Answers, venues: Sequence[str]) -> None:
    @router.get(
        FUNDING_PATH,
        summary="Funding to come, of all venues",
        description="Each venue's estimate for its coming settlement." + WHEN_ALL_FAIL,
        responses=_answers(FundingRateView, venues, many=False),
    )
    async def read_funding(
        request: Request, symbol: SymbolPath, exchanges: ExchangesQuery = None
    ) -> Response:
        """All venues' coming funding."""
        name = shared_symbol(api.deps.sources.values(), symbol)

        async def ask(source: MarketSource) -> Answer:
            return await funding_answer(api, source, name)

        return await _give(api, request, (FUNDING_PATH, name), exchanges, ask)

    @router.get(
        INTEREST_PATH,
        summary="Open interest now, of all venues",
        description="In base units and, where known, in USD." + WHEN_ALL_FAIL,
        responses=_answers(OpenInterestView, venues, many=False),
    )
    async def read_open_interest(
        request: Request, symbol: SymbolPath, exchanges: ExchangesQuery = None
    ) -> Response:
        """All venues' open interest."""
        name = shared_symbol(api.deps.sources.values(), symbol)

        async def ask(source: MarketSource) -> Answer:
            return await open_interest_answer(api, source, name)

        return await _give(api, request, (INTEREST_PATH, name), exchanges, ask)


async def _give(
    api: Answers,
    request: Request,
    key: tuple[Hashable, ...],
    exchanges: str | None,
    ask: AskVenue,
) -> Response:
    """Asks the venues and joins what they answer, or gives what was joined a moment ago."""
    sources = api.deps.sources
    chosen = read_exchanges(exchanges, sources)
    venues = tuple(name for name in sources if chosen is None or name in chosen)
    request_id: str | None = request.scope.get(REQUEST_ID_KEY)

    async def make() -> bytes:
        asked = (_ask_one(api, sources[name], ask, request_id) for name in venues)
        replies = await asyncio.gather(*asked)
        return _join(dict(zip(venues, replies, strict=True)))

    try:
        answer = await api.cache.answer((*key, venues), api.deps.settings.cache.multi_s, make)
    except NoVenueAnswered as failure:
        return problem_response(failure.problem, request.scope)
    return api.respond(answer)


async def _ask_one(
    api: Answers, source: MarketSource, ask: AskVenue, request_id: str | None
) -> Answer | Problem:
    """One venue's answer, or what was wrong with it; never later than the time-out."""
    venue = source.facts.venue_id
    limit_s = api.deps.settings.multi_timeout_s
    try:
        async with asyncio.timeout(limit_s) as deadline:
            return await ask(source)
    except PlatformError as error:
        return problem_of(error)
    except Exception:  # noqa: BLE001 - the border to one venue: the others' data go out
        if deadline.expired():
            return problem_of(VenueTimeout(venue, f"no answer within {limit_s:g} s"))
        _log.exception("venue question failed", exchange=venue, request_id=request_id)
        return make_problem(500, "internal_error", "internal error; see the server log")


def _join(replies: Mapping[str, Answer | Problem]) -> bytes:
    """One object of the venues' ready bytes.

    Raises:
        NoVenueAnswered: there are none.
    """
    problems = {name: reply for name, reply in replies.items() if isinstance(reply, Problem)}
    for name, reply in replies.items():
        if isinstance(reply, Answer) and reply.incomplete:
            problems[name] = make_problem(503, "data_incomplete", reply.incomplete)
    parts = [
        encode(name) + b":" + reply.body
        for name, reply in replies.items()
        if isinstance(reply, Answer)
    ]
    if not parts:
        raise NoVenueAnswered(_shared_problem(problems))
    parts.append(b'"errors":' + encode(problems))
    return b"{" + b",".join(parts) + b"}"


def _shared_problem(problems: Mapping[str, Problem]) -> Problem:
    """What is said when no venue has data: the most frequent failure, or that there is no such."""
    counts = Counter(one.status for one in problems.values() if one.status in _SEVERITY)
    status = max(_SEVERITY, key=lambda one: counts[one]) if counts else 404
    alike = [one for one in problems.values() if one.status == status]
    codes = Counter(one.code for one in alike)
    code = codes.most_common(1)[0][0] if codes else "unknown_exchange"
    retries = [one.retry_after for one in alike if one.retry_after is not None]
    retry_after = min(retries, default=DEFAULT_RETRY_S if status in (429, 503) else None)
    fields = dict.fromkeys(field for one in alike for field in one.errors)
    suggestions = dict.fromkeys(word for one in alike for word in one.suggestions)
    told = "; ".join(f"{name}: {one.detail}" for name, one in problems.items())
    return make_problem(
        status,
        code,
        ("no venue has data: " + (told or "none is connected"))[:_DETAIL_CUT_CHARS],
        errors=tuple(fields)[:_FIELDS_MAX],
        retry_after=retry_after,
        suggestions=tuple(suggestions)[:_SUGGESTIONS_MAX],
    )


def _answers(view: type[View], exchanges: Sequence[str], *, many: bool) -> Responses:
    """The `responses` of a route over all venues."""
    found = market_answers(view, "")
    joined: dict[str, Any] = {"schema": multi_schema(view, exchanges, many=many)}
    found[200] = {
        "description": "Each venue's data, and `errors` of those that have none.",
        "content": {"application/json": joined},
    }
    return found
