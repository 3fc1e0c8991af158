"""`/api/v1/trades/{symbol}`: the newest trades, ready to be shown (O-W2 without a socket)."""

import asyncio
from collections.abc import Sequence
from typing import Final

import msgspec
from fastapi import APIRouter, Response

from headwater.api.answering import Answers
from headwater.api.lookup import demand
from headwater.api.openapi import market_answers
from headwater.api.parameters import Limit1000, SymbolPath, TerminalExchangeQuery, router_of
from headwater.api.schemas.base import encode
from headwater.api.schemas.terminal.trades import TerminalTradeView, terminal_trade
from headwater.api.terminal.symbols import DEFAULT_EXCHANGE, terminal_symbol
from headwater.core.formatting import SymbolFormat
from headwater.core.records import Trade

PATH: Final = "/api/v1/trades/{symbol}"


def terminal_trades_router(api: Answers) -> APIRouter:
    """The route of trades for screens."""
    router = router_of("terminal")

    @router.get(
        PATH,
        summary="Recent trades for a screen, newest first",
        responses=market_answers(
            list[TerminalTradeView],
            "Up to `limit` trades, newest first, with every number as text too. Live: "
            "`/api/v1/ws/trades`.",
        ),
    )
    async def read_terminal_trades(
        symbol: SymbolPath,
        exchange: TerminalExchangeQuery = DEFAULT_EXCHANGE,
        limit: Limit1000 = 100,
    ) -> Response:
        """The newest public trades of one contract."""
        of = terminal_symbol(api.deps.sources, exchange, symbol, api.deps.symbols)
        demand(of.source, "trades")

        async def load() -> msgspec.Raw:
            rows = await api.ask(
                of.exchange, "trades", of.source.trades(of.instrument, limit=limit)
            )
            # Thousands of texts take many ms: they are made away from the event loop.
            return await asyncio.to_thread(_encoded, rows[::-1], of.format)

        key = (of.exchange, of.instrument.native_symbol, limit)
        return await api.give(PATH, key, api.deps.settings.cache.quotes_s, load)

    return router


def _encoded(trades: Sequence[Trade], written: SymbolFormat) -> msgspec.Raw:
    return msgspec.Raw(encode([terminal_trade(one, written) for one in trades]))
