"""`/{exchange}/mark-prices`."""

from collections.abc import Sequence
from typing import Final

from fastapi import APIRouter, Response

from headwater.api.answering import Answers
from headwater.api.lookup import demand, source_of
from headwater.api.openapi import market_answers
from headwater.api.parameters import ExchangePath, router_of
from headwater.api.schemas.market import MarkPriceView
from headwater.api.schemas.views import mark_price_view

PATH: Final = "/{exchange}/mark-prices"


def mark_prices_router(api: Answers) -> APIRouter:
    """The routes of mark prices."""
    router = router_of("mark prices")

    @router.get(
        PATH,
        summary="Mark price, index price and coming funding of every symbol",
        responses=market_answers(list[MarkPriceView], "One mark price per symbol."),
    )
    async def read_mark_prices(exchange: ExchangePath) -> Response:
        """Mark price, index price and coming funding of every symbol of a venue."""
        source = source_of(api.deps.sources, exchange)
        demand(source, "mark_prices")
        venue = source.facts.venue_id

        async def load() -> Sequence[MarkPriceView]:
            rows = await api.ask(venue, "mark_prices", source.mark_prices())
            return [mark_price_view(row) for row in rows]

        return await api.give(PATH, (venue,), api.deps.settings.cache.quotes_s, load)

    return router
