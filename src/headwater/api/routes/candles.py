"""`/{exchange}/ohlc/{symbol}/{interval}` (requirements T-R4)."""

from typing import Final

from fastapi import APIRouter, Response

from headwater.api.answering import Answers, Found, Incomplete
from headwater.api.cache import Answer
from headwater.api.candle_question import find_candles
from headwater.api.lookup import demand, demand_candles, instrument_of, source_of
from headwater.api.openapi import market_answers
from headwater.api.parameters import (
    EndQuery,
    ExchangePath,
    IntervalPath,
    Limit1500,
    StartQuery,
    SymbolPath,
    check_span,
    router_of,
)
from headwater.api.schemas.market import OhlcView
from headwater.api.schemas.views import ohlc_view
from headwater.core.instruments import Instrument
from headwater.core.intervals import Interval
from headwater.feeds.source import MarketSource
from headwater.services.candle_history import FoundCandles

PATH: Final = "/{exchange}/ohlc/{symbol}/{interval}"


def candles_router(api: Answers) -> APIRouter:
    """The routes of candles."""
    router = router_of("candles")

    @router.get(
        PATH,
        summary="Candles, oldest first",
        responses=market_answers(
            list[OhlcView],
            "Up to `limit` candles, oldest first; the last one may still be forming. Those of an "
            "interval that the venue lacks are built of smaller ones and say so in `built_from`. "
            "Past ones come from storage where it has them; when the venue is needed and away, "
            "what storage has is given and `X-Data-Incomplete` says what is missing.",
        ),
    )
    async def read_candles(
        exchange: ExchangePath,
        symbol: SymbolPath,
        interval: IntervalPath,
        limit: Limit1500 = 500,
        start_time: StartQuery = None,
        end_time: EndQuery = None,
    ) -> Response:
        """The newest `limit` candles, or those from `start_time` to `end_time`."""
        source = source_of(api.deps.sources, exchange)
        answer = await candles_answer(
            api, source, symbol, interval, limit=limit, start_ms=start_time, end_ms=end_time
        )
        return api.respond(answer)

    return router


async def candles_answer(
    api: Answers,
    source: MarketSource,
    symbol: str,
    interval: Interval,
    *,
    limit: int,
    start_ms: int | None,
    end_ms: int | None,
    patience_s: float | None = None,
) -> Answer:
    """One venue's candles, oldest first, as JSON.

    Args:
        api: keeps and measures answers.
        source: the venue.
        symbol: any common spelling.
        interval: length of a candle.
        limit: most rows.
        start_ms: earliest opening, inclusive; None for the newest candles.
        end_ms: latest opening, inclusive; None for now.
        patience_s: longest wait for the venue, after which storage answers; None for its own.

    Raises:
        RequestError: the venue has no such symbol or interval, or the span is turned round.
        VenueError: it refused, failed or could not be reached.
    """
    demand(source, "ohlc")
    instrument = instrument_of(source, symbol)
    demand_candles(source, interval)
    check_span(start_ms, end_ms)
    venue = source.facts.venue_id

    async def load() -> Found:
        found = await read_candles_of(
            api,
            source,
            instrument,
            interval,
            limit=limit,
            start_ms=start_ms,
            end_ms=end_ms,
            patience_s=patience_s,
        )
        rows = [ohlc_view(row) for row in found.candles]
        return Incomplete(rows, found.missing) if found.missing else rows

    key = (venue, instrument.native_symbol, interval, limit, start_ms, end_ms)
    return await api.find(PATH, key, api.deps.settings.cache.candles_s, load)


async def read_candles_of(
    api: Answers,
    source: MarketSource,
    instrument: Instrument,
    interval: Interval,
    *,
    limit: int,
    start_ms: int | None,
    end_ms: int | None,
    patience_s: float | None = None,
) -> FoundCandles:
    """Candles from storage and, for what it lacks, from the venue; see `find_candles`.

    Args:
        api: measures the question.
        source: the venue.
        instrument: the contract.
        interval: length of a candle.
        limit: most rows.
        start_ms: earliest opening, inclusive; None for the newest candles.
        end_ms: latest opening, inclusive; None for now.
        patience_s: longest wait for the venue, all questions together; None for its own.

    Raises:
        VenueError: the venue is needed, fails, and storage has none of them.
        StorageError: the database does not answer.
    """
    venue = source.facts.venue_id
    return await find_candles(
        api.deps.candles,
        source,
        instrument,
        interval,
        limit=limit,
        start_ms=start_ms,
        end_ms=end_ms,
        patience_s=patience_s,
        measured=lambda question: api.ask(venue, "candles", question),
    )
