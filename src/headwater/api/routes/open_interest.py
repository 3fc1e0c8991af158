"""`/{exchange}/oi/{symbol}` and `/{exchange}/oi-hist/{symbol}` (requirements T-R6, T-R7)."""

from collections.abc import Sequence
from typing import Final

from fastapi import APIRouter, Response

from headwater.api.answering import Answers, Found, Incomplete
from headwater.api.cache import Answer
from headwater.api.lookup import demand, demand_interval, instrument_of, source_of
from headwater.api.openapi import market_answers
from headwater.api.parameters import (
    EndQuery,
    ExchangePath,
    Limit500,
    PeriodQuery,
    StartQuery,
    SymbolPath,
    check_span,
    router_of,
)
from headwater.api.schemas.market import OpenInterestView
from headwater.api.schemas.views import open_interest_view
from headwater.core.intervals import Interval
from headwater.core.records import OpenInterest
from headwater.feeds.source import MarketSource
from headwater.services.past_readings import ReadingsQuestion

NOW_PATH: Final = "/{exchange}/oi/{symbol}"
HISTORY_PATH: Final = "/{exchange}/oi-hist/{symbol}"


def open_interest_router(api: Answers) -> APIRouter:
    """The routes of open interest."""
    router = router_of("open interest")

    @router.get(
        NOW_PATH,
        summary="Open interest now",
        responses=market_answers(OpenInterestView, "Open interest now."),
    )
    async def read_open_interest(exchange: ExchangePath, symbol: SymbolPath) -> Response:
        """Open interest of one symbol now, in base units and, where known, in USD."""
        source = source_of(api.deps.sources, exchange)
        return api.respond(await open_interest_answer(api, source, symbol))

    @router.get(
        HISTORY_PATH,
        summary="Past open interest, oldest first",
        responses=market_answers(
            list[OpenInterestView],
            "Up to `limit` readings, oldest first. When the venue is away, what storage has is "
            "given, and `X-Data-Incomplete` says so.",
        ),
    )
    async def read_open_interest_history(
        exchange: ExchangePath,
        symbol: SymbolPath,
        period: PeriodQuery = Interval.M5,
        limit: Limit500 = 30,
        start_time: StartQuery = None,
        end_time: EndQuery = None,
    ) -> Response:
        """Open interest at the end of each period."""
        source = source_of(api.deps.sources, exchange)
        demand(source, "open_interest_history")
        instrument = instrument_of(source, symbol)
        demand_interval(source, "period", period, source.facts.open_interest_periods)
        check_span(start_time, end_time)
        venue = source.facts.venue_id

        async def ask() -> Sequence[OpenInterest]:
            question = source.open_interest_history(
                instrument, period, limit=limit, start_ms=start_time, end_ms=end_time
            )
            return await api.ask(venue, "open_interest_history", question)

        async def load() -> Found:
            if api.deps.readings is None:
                return [open_interest_view(row) for row in await ask()]
            question = ReadingsQuestion(
                exchange=venue,
                symbol=instrument.symbol,
                limit=limit,
                start_ms=start_time,
                end_ms=end_time,
            )
            found = await api.deps.readings.open_interest(question, period, ask)
            rows = [open_interest_view(row) for row in found.rows]
            return Incomplete(rows, found.missing) if found.missing else rows

        key = (venue, instrument.native_symbol, period, limit, start_time, end_time)
        return await api.give(HISTORY_PATH, key, api.deps.settings.cache.history_s, load)

    return router


async def open_interest_answer(api: Answers, source: MarketSource, symbol: str) -> Answer:
    """One venue's open interest now, as JSON.

    Args:
        api: keeps and measures answers.
        source: the venue.
        symbol: any common spelling.

    Raises:
        RequestError: the venue has no such symbol or does not offer this.
        VenueError: it refused, failed or could not be reached.
    """
    demand(source, "open_interest")
    instrument = instrument_of(source, symbol)
    venue = source.facts.venue_id

    async def load() -> OpenInterestView:
        return open_interest_view(
            await api.ask(venue, "open_interest", source.open_interest(instrument))
        )

    key = (venue, instrument.native_symbol)
    return await api.find(NOW_PATH, key, api.deps.settings.cache.interest_s, load)
