"""`/{exchange}/tickers`."""

from collections.abc import Sequence
from typing import Final

from fastapi import APIRouter, Response

from headwater.api.answering import Answers
from headwater.api.lookup import demand, source_of
from headwater.api.openapi import market_answers
from headwater.api.parameters import ExchangePath, router_of
from headwater.api.schemas.market import TickerView
from headwater.api.schemas.views import ticker_view

PATH: Final = "/{exchange}/tickers"


def tickers_router(api: Answers) -> APIRouter:
    """The routes of tickers."""
    router = router_of("tickers")

    @router.get(
        PATH,
        summary="24-hour figures of every symbol",
        responses=market_answers(list[TickerView], "One ticker per symbol."),
    )
    async def read_tickers(exchange: ExchangePath) -> Response:
        """24-hour figures of every symbol of a venue."""
        source = source_of(api.deps.sources, exchange)
        demand(source, "tickers")
        venue = source.facts.venue_id

        async def load() -> Sequence[TickerView]:
            rows = await api.ask(venue, "tickers", source.tickers())
            return [ticker_view(row) for row in rows]

        return await api.give(PATH, (venue,), api.deps.settings.cache.quotes_s, load)

    return router
