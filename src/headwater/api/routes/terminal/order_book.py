"""`/api/v1/orderbook/{symbol}`: an order book ready to be shown (O-R4, O-M4)."""

import asyncio
import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated, Any, Final, TypeAlias

import msgspec
from fastapi import APIRouter, Query, Response
from pydantic import BeforeValidator, Field

from headwater.analytics.book_ladder import BookLadder, LadderBook, LadderSide
from headwater.api.answering import Answers
from headwater.api.lookup import demand
from headwater.api.openapi import market_answers
from headwater.api.parameters import (
    SymbolPath,
    TerminalExchangeQuery,
    WholeNumber,
    refuse,
    router_of,
)
from headwater.api.schemas.base import encode
from headwater.api.schemas.terminal.order_book import (
    LIMIT_MAX,
    AsksOrder,
    TerminalBookLevelView,
    TerminalBookView,
)
from headwater.api.terminal.order_book_text import unit_text
from headwater.api.terminal.symbols import DEFAULT_EXCHANGE, TerminalSymbol, terminal_symbol
from headwater.core.records import BookSnapshot

PATH: Final = "/api/v1/orderbook/{symbol}"

_PATTERN: Final = r"^(?=.*[1-9])(0|[1-9][0-9]{0,11})(\.[0-9]{1,12})?$"
_ROUNDING: Final[dict[str, Any]] = {"anyOf": [{"type": "string", "pattern": _PATTERN}]}
_PLAIN: Final = re.compile(_PATTERN)


def read_rounding_text(value: object) -> object:
    """Reads a rounding that is written plainly: up to twelve digits before and after the point.

    Args:
        value: text.

    Returns:
        The number in its one spelling; None stays None.
    """
    if value is None or isinstance(value, Decimal):
        return value
    text = str(value)
    if not _PLAIN.fullmatch(text):
        raise refuse(
            "a number above 0 with up to 12 digits before and after the point, such as 0.5"
        )
    return Decimal(text).normalize()


LimitQuery: TypeAlias = Annotated[
    int,
    Field(ge=1, le=LIMIT_MAX),
    BeforeValidator(WholeNumber(1, LIMIT_MAX)),
    Query(description="Most levels a side, digits only."),
]
RoundingQuery: TypeAlias = Annotated[
    Decimal | None,
    BeforeValidator(read_rounding_text),
    Query(
        description="Round prices to it, bids down and asks up, and add up what falls together; "
        "the venue's own levels when left out.",
        examples=["0.5"],
        json_schema_extra=_ROUNDING,
    ),
]
AsksQuery: TypeAlias = Annotated[AsksOrder, Query(description="Order of the asks.")]


def terminal_order_book_router(api: Answers) -> APIRouter:
    """The route."""
    router = router_of("terminal")

    @router.get(
        PATH,
        summary="Order book with formatted numbers, aggregated if you like",
        responses=market_answers(
            TerminalBookView, "Up to `limit` levels a side, from the best price on."
        ),
    )
    async def read_terminal_order_book(
        symbol: SymbolPath,
        exchange: TerminalExchangeQuery = DEFAULT_EXCHANGE,
        limit: LimitQuery = 100,
        rounding: RoundingQuery = None,
        asks: AsksQuery = "best_first",
    ) -> Response:
        """The book: the one kept live where there is one, else the venue's answer."""
        found = terminal_symbol(api.deps.sources, exchange, symbol, api.deps.symbols)
        demand(found.source, "order_book")
        # With a rounding many of the venue's levels make one.
        depth = limit if rounding is None else LIMIT_MAX

        async def load() -> msgspec.Raw:
            question = found.source.book(found.instrument, depth=depth)
            book = await api.ask(found.exchange, "book", question)
            # Thousands of levels take tens of milliseconds.
            return await asyncio.to_thread(_written, found, book, limit, rounding, asks)

        key = (found.exchange, found.instrument.native_symbol, limit, rounding, asks)
        return await api.give(PATH, key, api.deps.settings.cache.book_s, load)

    return router


def terminal_book_view(
    symbol: TerminalSymbol,
    record: BookSnapshot,
    limit: int,
    rounding: Decimal | None,
    asks: AsksOrder,
) -> TerminalBookView:
    """The view of a book.

    Args:
        symbol: whose it is.
        record: the book.
        limit: most levels a side.
        rounding: of its prices, as `read_rounding` gives it; None for the levels as they are.
        asks: order of the asks.
    """
    book = LadderBook(symbol.format, symbol.instrument.price_tick)
    book.replace(record.bids, record.asks)
    ladder = book.ladder(rounding)
    ask_views = _level_views(ladder, ladder.asks, limit)
    return TerminalBookView(
        exchange=symbol.exchange,
        symbol=symbol.symbol,
        bids=tuple(_level_views(ladder, ladder.bids, limit)),
        asks=tuple(ask_views if asks == "best_first" else reversed(list(ask_views))),
        timestamp=record.timestamp_ms,
        time=record.timestamp_ms // 1000,
    )


def _written(
    symbol: TerminalSymbol,
    record: BookSnapshot,
    limit: int,
    rounding: Decimal | None,
    asks: AsksOrder,
) -> msgspec.Raw:
    return msgspec.Raw(encode(terminal_book_view(symbol, record, limit, rounding, asks)))


def _level_views(
    ladder: BookLadder, side: LadderSide, limit: int
) -> Iterable[TerminalBookLevelView]:
    """The best levels; a quotient of whole units is the float nearest to their decimal."""
    prices, amounts = unit_text(ladder.price_places), unit_text(ladder.amount_places)
    for price, amount in side.levels(limit):
        yield TerminalBookLevelView(
            price=price / prices.scale,
            price_formatted=prices.grouped(price),
            amount=amount / amounts.scale,
            amount_formatted=amounts.grouped(amount),
        )
