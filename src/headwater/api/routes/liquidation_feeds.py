"""`/liquidations/feeds`: what each venue's feed of liquidations brought, and how whole it was."""

from collections.abc import Sequence
from typing import Final

from fastapi import APIRouter, Response

from headwater.api.answering import Answers
from headwater.api.openapi import answers
from headwater.api.parameters import EndQuery, ExchangesQuery, StartQuery, router_of
from headwater.api.routes.liquidations import SymbolNeeded, span_of
from headwater.api.schemas.liquidation_feeds import LiquidationFeedView, feed_view
from headwater.core.errors import NotSupported

PATH: Final = "/liquidations/feeds"

_DAY_MS: Final = 86_400_000


def liquidation_feeds_router(api: Answers) -> APIRouter:
    """The route; 404 where nothing is stored."""
    router = router_of("liquidations")

    @router.get(
        PATH,
        summary="What each venue's liquidation feed brought",
        responses=answers(
            list[LiquidationFeedView], "One entry a venue, also without events.", (404, 422, 503)
        ),
    )
    async def read_feeds(
        symbol: SymbolNeeded,
        exchanges: ExchangesQuery = None,
        start_time: StartQuery = None,
        end_time: EndQuery = None,
    ) -> Response:
        """The newest day when no time is given."""
        feeds = api.deps.liquidation_feeds
        if feeds is None:
            raise NotSupported("storage", "liquidations", "this process stores nothing")
        wanted = span_of(api, symbol, exchanges, start_time, end_time, _DAY_MS)
        sources = api.deps.sources
        asked = wanted.chosen or list(sources)

        async def load() -> Sequence[LiquidationFeedView]:
            found = await feeds.statistics(wanted, asked)
            return [feed_view(one, sources[one.exchange].facts.liquidations_told) for one in found]

        key = (wanted.symbol, wanted.exchanges, start_time, end_time)
        return await api.give(PATH, key, api.deps.settings.cache.quotes_s, load)

    return router
