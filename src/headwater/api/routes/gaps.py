"""`/gaps`: what is missing in the streams, why, and what became of it."""

from fastapi import APIRouter, Response

from headwater.api.answering import Answers
from headwater.api.lookup import instrument_of, shared_symbol, source_of
from headwater.api.openapi import answers
from headwater.api.parameters import (
    ChannelQuery,
    ExchangeQuery,
    GapStateQuery,
    Limit1000,
    SymbolQuery,
    router_of,
)
from headwater.api.schemas.base import encode
from headwater.api.schemas.market import GapView
from headwater.api.schemas.views import gap_view
from headwater.core.instruments import canonical_spelling
from headwater.core.records import ALL_SYMBOLS
from headwater.feeds.source import MarketSource
from headwater.services.gap_history import WantedGaps, newest_of


def gaps_router(api: Answers) -> APIRouter:
    """The routes of the gap ledger."""
    router = router_of("gaps")

    @router.get(
        "/gaps",
        summary="Holes in the streams, newest first",
        responses=answers(list[GapView], "Up to `limit` holes, latest start first.", (404, 422)),
    )
    async def read_gaps(
        exchange: ExchangeQuery = None,
        symbol: SymbolQuery = None,
        channel: ChannelQuery = None,
        state: GapStateQuery = None,
        limit: Limit1000 = 100,
    ) -> Response:
        """The gap ledger, narrowed by venue, symbol, stream and state; earlier runs included."""
        sources = api.deps.sources
        chosen = list(sources.values()) if exchange is None else [source_of(sources, exchange)]
        wanted = WantedGaps(
            exchanges=tuple(source.facts.venue_id for source in chosen),
            symbol=_symbol_of(chosen, symbol, exchange),
            channel=channel,
            state=state,
        )
        live = [gap for source in chosen for gap in source.gaps()]
        stored = api.deps.gaps
        found = (
            newest_of(live, (), wanted, limit)
            if stored is None
            else await stored.newest(live, wanted, limit=limit)
        )
        rows = [gap_view(gap) for gap in found]
        return Response(encode(rows), media_type="application/json")

    return router


def _symbol_of(sources: list[MarketSource], symbol: str | None, exchange: str | None) -> str | None:
    """The canonical symbol; `*` stands for holes of a whole market.

    Without a venue a symbol that none of them lists is taken as it is spelt: the ledger also tells
    of contracts that are gone.
    """
    if symbol is None or symbol == ALL_SYMBOLS:
        return symbol
    if exchange is None:
        return canonical_spelling(shared_symbol(sources, symbol))
    return instrument_of(sources[0], symbol).symbol
