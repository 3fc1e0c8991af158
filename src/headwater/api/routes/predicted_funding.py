"""`/{exchange}/predicted-funding` (requirements T-R10)."""

from collections.abc import Sequence
from typing import Annotated, Final, TypeAlias

from fastapi import APIRouter, Query, Response

from headwater.api.answering import Answers
from headwater.api.lookup import demand, instrument_of, source_of
from headwater.api.openapi import market_answers
from headwater.api.parameters import ExchangePath, router_of
from headwater.api.schemas.predicted_funding import PredictedFundingView, predicted_funding_views

PATH: Final = "/{exchange}/predicted-funding"

CoinQuery: TypeAlias = Annotated[
    str | None,
    Query(
        description="One coin, in any spelling of its contract; all when left out.",
        min_length=1,
        max_length=192,
        examples=["BTC"],
    ),
]


def predicted_funding_router(api: Answers) -> APIRouter:
    """The routes of what venues expect of funding."""
    router = router_of("funding")

    @router.get(
        PATH,
        summary="Funding that a venue expects, on itself and on others",
        responses=market_answers(list[PredictedFundingView], "One entry per coin."),
    )
    async def read_predicted_funding(exchange: ExchangePath, coin: CoinQuery = None) -> Response:
        """The venue's table of coming settlements; 404 for a venue that publishes none."""
        source = source_of(api.deps.sources, exchange)
        demand(source, "predicted_funding")
        chosen = None if coin is None else instrument_of(source, coin, "coin").native_symbol
        venue = source.facts.venue_id

        async def load() -> Sequence[PredictedFundingView]:
            rows = await api.ask(venue, "predicted_funding", source.predicted_funding())
            return predicted_funding_views(
                [row for row in rows if chosen in (None, row.native_symbol)]
            )

        return await api.give(PATH, (venue, chosen), api.deps.settings.cache.interest_s, load)

    return router
