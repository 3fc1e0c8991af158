"""`/{exchange}/orderbook/{symbol}`."""

from typing import Final

from fastapi import APIRouter, Response

from headwater.api.answering import Answers
from headwater.api.lookup import demand, instrument_of, source_of
from headwater.api.openapi import market_answers
from headwater.api.parameters import ExchangePath, Limit1000, SymbolPath, router_of
from headwater.api.schemas.market import OrderBookView
from headwater.api.schemas.views import order_book_view

PATH: Final = "/{exchange}/orderbook/{symbol}"


def order_book_router(api: Answers) -> APIRouter:
    """The routes of order books."""
    router = router_of("order book")

    @router.get(
        PATH,
        summary="Order book, best levels first",
        responses=market_answers(OrderBookView, "Up to `limit` levels a side."),
    )
    async def read_order_book(
        exchange: ExchangePath, symbol: SymbolPath, limit: Limit1000 = 100
    ) -> Response:
        """The book: the one kept live where there is one, else the venue's answer."""
        source = source_of(api.deps.sources, exchange)
        demand(source, "order_book")
        instrument = instrument_of(source, symbol)
        venue = source.facts.venue_id

        async def load() -> OrderBookView:
            question = source.book(instrument, depth=limit)
            return order_book_view(await api.ask(venue, "book", question), limit)

        key = (venue, instrument.native_symbol, limit)
        return await api.give(PATH, key, api.deps.settings.cache.book_s, load)

    return router
