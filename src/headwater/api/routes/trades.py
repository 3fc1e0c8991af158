"""`/{exchange}/trades/{symbol}`."""

from collections.abc import Sequence
from typing import Final

from fastapi import APIRouter, Response

from headwater.api.answering import Answers
from headwater.api.lookup import demand, instrument_of, source_of
from headwater.api.openapi import market_answers
from headwater.api.parameters import ExchangePath, Limit1000, SymbolPath, router_of
from headwater.api.schemas.market import TradeView
from headwater.api.schemas.views import trade_view

PATH: Final = "/{exchange}/trades/{symbol}"


def trades_router(api: Answers) -> APIRouter:
    """The routes of trades."""
    router = router_of("trades")

    @router.get(
        PATH,
        summary="Recent trades, newest first",
        responses=market_answers(list[TradeView], "Up to `limit` trades, newest first."),
    )
    async def read_trades(
        exchange: ExchangePath, symbol: SymbolPath, limit: Limit1000 = 100
    ) -> Response:
        """The newest public trades of one symbol."""
        source = source_of(api.deps.sources, exchange)
        demand(source, "trades")
        instrument = instrument_of(source, symbol)
        venue = source.facts.venue_id

        async def load() -> Sequence[TradeView]:
            rows = await api.ask(venue, "trades", source.trades(instrument, limit=limit))
            return [trade_view(row) for row in reversed(rows)]

        key = (venue, instrument.native_symbol, limit)
        return await api.give(PATH, key, api.deps.settings.cache.quotes_s, load)

    return router
