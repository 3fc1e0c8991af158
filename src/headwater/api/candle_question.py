"""The question for candles that routes and sockets put: to storage first, then to the venue."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from headwater.core.errors import VenueTimeout
from headwater.core.instruments import Instrument
from headwater.core.intervals import Interval
from headwater.core.records import Candle
from headwater.feeds.source import MarketSource
from headwater.services.candle_history import CandleHistory, CandleQuestion, FoundCandles

Told = Awaitable[Sequence[Candle]]


async def find_candles(
    stored: CandleHistory | None,
    source: MarketSource,
    instrument: Instrument,
    interval: Interval,
    *,
    limit: int,
    start_ms: int | None = None,
    end_ms: int | None = None,
    patience_s: float | None = None,
    measured: Callable[[Told], Told] | None = None,
) -> FoundCandles:
    """Candles from storage and, for what it lacks, from the venue; see `CandleHistory`.

    Args:
        stored: past candles; None where nothing is stored.
        source: the venue.
        instrument: the contract.
        interval: length of a candle.
        limit: most rows.
        start_ms: earliest opening, inclusive; None for the newest candles.
        end_ms: latest opening, inclusive; None for now.
        patience_s: longest wait for the venue, all questions together; None for its own.
        measured: measures a question to the venue; None for nobody.

    Returns:
        Oldest first.

    Raises:
        VenueError: the venue is needed, fails, and storage has none of them.
        WireError: its answer cannot be read, and storage has none of them.
        StorageError: the database does not answer.
    """
    loop = asyncio.get_running_loop()
    deadline = None if patience_s is None else loop.time() + patience_s

    async def ask(first_ms: int | None, last_ms: int | None, count: int) -> Sequence[Candle]:
        question = source.candles(
            instrument, interval, limit=count, start_ms=first_ms, end_ms=last_ms
        )
        try:
            async with asyncio.timeout_at(deadline) as patience:
                return await (question if measured is None else measured(question))
        except TimeoutError as error:
            if not patience.expired():
                raise
            venue = source.facts.venue_id
            raise VenueTimeout(venue, f"no answer within {patience_s:g} s") from error

    if stored is None:
        return FoundCandles(candles=await ask(start_ms, end_ms, limit))
    born_ms = instrument.listed_at_ms
    if start_ms is not None and born_ms is not None and (end_ms is None or born_ms <= end_ms):
        start_ms = max(start_ms, born_ms)
    question = CandleQuestion(
        exchange=source.facts.venue_id,
        symbol=instrument.symbol,
        interval=interval,
        limit=limit,
        start_ms=start_ms,
        end_ms=end_ms,
    )
    return await stored.read(question, ask)
