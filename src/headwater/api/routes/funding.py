"""`/{exchange}/funding/{symbol}` and `/{exchange}/funding-hist/{symbol}` (T-R8, T-R9)."""

from collections.abc import Sequence
from typing import Final

from fastapi import APIRouter, Response

from headwater.api.answering import Answers, Found, Incomplete
from headwater.api.cache import Answer
from headwater.api.lookup import demand, instrument_of, source_of
from headwater.api.openapi import market_answers
from headwater.api.parameters import (
    EndQuery,
    ExchangePath,
    Limit1000,
    StartQuery,
    SymbolPath,
    check_span,
    router_of,
)
from headwater.api.schemas.market import FundingRateView
from headwater.api.schemas.views import funding_rate_view
from headwater.core.records import FundingRate
from headwater.feeds.source import MarketSource
from headwater.services.past_readings import ReadingsQuestion

NOW_PATH: Final = "/{exchange}/funding/{symbol}"
HISTORY_PATH: Final = "/{exchange}/funding-hist/{symbol}"


def funding_router(api: Answers) -> APIRouter:
    """The routes of funding."""
    router = router_of("funding")

    @router.get(
        NOW_PATH,
        summary="Funding to come",
        responses=market_answers(FundingRateView, "The estimate for the coming settlement."),
    )
    async def read_funding(exchange: ExchangePath, symbol: SymbolPath) -> Response:
        """The running estimate for the coming settlement of one symbol."""
        source = source_of(api.deps.sources, exchange)
        return api.respond(await funding_answer(api, source, symbol))

    @router.get(
        HISTORY_PATH,
        summary="Past funding, oldest first",
        responses=market_answers(
            list[FundingRateView],
            "Up to `limit` settlements, oldest first. When the venue is away, what storage has is "
            "given, and `X-Data-Incomplete` says so.",
        ),
    )
    async def read_funding_history(
        exchange: ExchangePath,
        symbol: SymbolPath,
        limit: Limit1000 = 100,
        start_time: StartQuery = None,
        end_time: EndQuery = None,
    ) -> Response:
        """The newest `limit` settlements, or those from `start_time` to `end_time`."""
        source = source_of(api.deps.sources, exchange)
        demand(source, "funding_history")
        instrument = instrument_of(source, symbol)
        check_span(start_time, end_time)
        venue = source.facts.venue_id

        async def ask() -> Sequence[FundingRate]:
            question = source.funding_history(
                instrument, limit=limit, start_ms=start_time, end_ms=end_time
            )
            return await api.ask(venue, "funding_history", question)

        async def load() -> Found:
            if api.deps.readings is None:
                return [funding_rate_view(row) for row in await ask()]
            question = ReadingsQuestion(
                exchange=venue,
                symbol=instrument.symbol,
                limit=limit,
                start_ms=start_time,
                end_ms=end_time,
            )
            found = await api.deps.readings.funding(question, ask)
            rows = [funding_rate_view(row) for row in found.rows]
            return Incomplete(rows, found.missing) if found.missing else rows

        key = (venue, instrument.native_symbol, limit, start_time, end_time)
        return await api.give(HISTORY_PATH, key, api.deps.settings.cache.history_s, load)

    return router


async def funding_answer(api: Answers, source: MarketSource, symbol: str) -> Answer:
    """One venue's estimate for the coming settlement, as JSON.

    Args:
        api: keeps and measures answers.
        source: the venue.
        symbol: any common spelling.

    Raises:
        RequestError: the venue has no such symbol or does not offer this.
        VenueError: it refused, failed or could not be reached.
    """
    demand(source, "funding_rate")
    instrument = instrument_of(source, symbol)
    venue = source.facts.venue_id

    async def load() -> FundingRateView:
        return funding_rate_view(
            await api.ask(venue, "funding_rate", source.funding_rate(instrument))
        )

    key = (venue, instrument.native_symbol)
    return await api.find(NOW_PATH, key, api.deps.settings.cache.interest_s, load)
