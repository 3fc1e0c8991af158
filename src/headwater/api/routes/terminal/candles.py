"""`/api/v1/candles/{symbol}`: a chart's candles, ready to be shown (O-R5)."""

import asyncio
from collections.abc import Sequence
from typing import Final

import msgspec
from fastapi import APIRouter, Response

from headwater.api.answering import Answers, Found, Incomplete
from headwater.api.lookup import demand, demand_candles
from headwater.api.openapi import market_answers
from headwater.api.parameters import (
    EndQuery,
    Limit1000,
    StartQuery,
    SymbolPath,
    TerminalExchangeQuery,
    TimeframeQuery,
    check_span,
    router_of,
)
from headwater.api.routes.candles import read_candles_of
from headwater.api.schemas.base import encode
from headwater.api.schemas.terminal.candles import TerminalCandleView, terminal_candle
from headwater.api.terminal.addresses import TIMEFRAME
from headwater.api.terminal.symbols import DEFAULT_EXCHANGE, terminal_symbol
from headwater.core.formatting import SymbolFormat
from headwater.core.intervals import Interval
from headwater.core.records import Candle

PATH: Final = "/api/v1/candles/{symbol}"


def terminal_candles_router(api: Answers) -> APIRouter:
    """The route of candles for screens."""
    router = router_of("terminal")

    @router.get(
        PATH,
        summary="Candles for a chart, oldest first",
        responses=market_answers(
            list[TerminalCandleView],
            "Up to `limit` candles, oldest first, with every number as text too; the last one may "
            "still be forming. Those of a length that the venue lacks are built of smaller ones "
            "and say so in `builtFrom`. When the venue is needed and away, what storage has is "
            "given and `X-Data-Incomplete` says what is missing. Live: `/api/v1/ws/candles`.",
        ),
    )
    async def read_terminal_candles(
        symbol: SymbolPath,
        exchange: TerminalExchangeQuery = DEFAULT_EXCHANGE,
        timeframe: TimeframeQuery = Interval.M1,
        limit: Limit1000 = 100,
        start_time: StartQuery = None,
        end_time: EndQuery = None,
    ) -> Response:
        """The newest `limit` candles, or those from `start_time` to `end_time`."""
        of = terminal_symbol(api.deps.sources, exchange, symbol, api.deps.symbols)
        demand(of.source, "ohlc")
        demand_candles(of.source, timeframe, TIMEFRAME)
        check_span(start_time, end_time)

        async def load() -> Found:
            found = await read_candles_of(
                api,
                of.source,
                of.instrument,
                timeframe,
                limit=limit,
                start_ms=start_time,
                end_ms=end_time,
            )
            # Thousands of texts take many ms: they are made away from the event loop.
            rows = await asyncio.to_thread(_encoded, found.candles, of.format)
            return Incomplete(rows, found.missing) if found.missing else rows

        key = (of.exchange, of.instrument.native_symbol, timeframe, limit, start_time, end_time)
        return await api.give(PATH, key, api.deps.settings.cache.candles_s, load)

    return router


def _encoded(candles: Sequence[Candle], written: SymbolFormat) -> msgspec.Raw:
    return msgspec.Raw(encode([terminal_candle(one, written) for one in candles]))
