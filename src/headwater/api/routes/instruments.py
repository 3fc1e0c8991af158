"""`/{exchange}/symbols`: the contracts a venue lists."""

from collections.abc import Sequence
from typing import Final

from fastapi import APIRouter, Response

from headwater.api.answering import Answers
from headwater.api.lookup import source_of, table_of
from headwater.api.openapi import market_answers
from headwater.api.parameters import ExchangePath, router_of
from headwater.api.schemas.market import InstrumentView
from headwater.api.schemas.views import instrument_view

PATH: Final = "/{exchange}/symbols"


def instruments_router(api: Answers) -> APIRouter:
    """The routes of instruments."""
    router = router_of("instruments")

    @router.get(
        PATH,
        summary="Contracts that a venue lists",
        responses=market_answers(list[InstrumentView], "All contracts."),
    )
    async def read_instruments(exchange: ExchangePath) -> Response:
        """All contracts of a venue, with their price and quantity steps."""
        source = source_of(api.deps.sources, exchange)
        venue = source.facts.venue_id

        async def load() -> Sequence[InstrumentView]:
            return [instrument_view(instrument) for instrument in table_of(source)]

        return await api.give(PATH, (venue,), api.deps.settings.cache.platform_s, load)

    return router
