"""What a score is made of, read from storage: forecasts, and what followed them.

Liquidations are those of full feeds; a throttled one tells a lower bound that is missing most just
in the cascades, so it judges only when it is asked for, and is named. Which feed is full is seen
in what is stored of it (`is_floor`), not in a list of venues.

Reads by a callable, so that the platform and the command line share it.
"""

import asyncio
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import msgspec
import numpy as np

from headwater.analytics.skill_observation import WATCHED, LiquidationEvents, MarkPath
from headwater.analytics.skill_triggers import at_triggers
from headwater.analytics.skill_windows import Forecast, coarser_mass
from headwater.core.errors import RequestError
from headwater.core.records import Gap
from headwater.services.forecasts import CELL_WIDTH_SHARE, CELLS
from headwater.services.paged_reading import Fetch, read_pages
from headwater.storage import forecasts, gaps, liquidations, price_bars
from headwater.storage.base import Query, Span
from headwater.storage.forecasts import ForecastSeries, StoredForecast
from headwater.storage.price_bars import PriceBar

EVENTS_MAX: Final = 1_000_000
"""Most liquidations that a score is made of; of a longer span it is refused."""
BARS_MAX: Final = 600_000
"""Most minutes: 416 days, a year and the month before it that the baseline learns from."""
GAPS_MAX: Final = 50_000
"""Most holes of one stream, the newest."""
FORECASTS_PAGE: Final = 500
"""Forecasts that are read at a time: 3 MB."""
FORECASTS_MAX: Final = 20_000
"""Most forecasts of one model and horizon: hourly ones of two years."""

CELLS_JOINED: Final = {0.001: 2, 0.0025: 5}
"""Cell widths that can be asked for, as a share of the price, and the stored cells that make one.
"""

LIVE_MAX_MS: Final = 180_000
"""A bar that came so long after its end was fetched later. Nobody heard liquidations meanwhile, so
it does not count as seen."""


class Evidence(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What happened in a span, as far as it was seen.

    Attributes:
        exchanges: venues whose liquidations judge, most USD first.
        throttled: those of them that told a lower bound.
        others: venues that were heard and do not judge.
        path_exchange: venue whose price is taken; empty for none.
        mark_share: part of its minutes that are of the mark price, 0 to 1; the others are of
            traded prices.
        marks: the way of the price by minutes, of those in which the platform was listening.
        events: liquidations, at the marks that triggered them (`skill_triggers`).
        gaps: of the judging venues, from the ledger.
    """

    exchanges: tuple[str, ...]
    throttled: tuple[str, ...]
    others: tuple[str, ...]
    path_exchange: str
    mark_share: float
    marks: MarkPath
    events: LiquidationEvents
    gaps: tuple[Gap, ...]


async def read_evidence(
    fetch: Fetch, symbol: str, start_ms: int, end_ms: int, exchanges: Sequence[str] | None = None
) -> Evidence:
    """What happened to a symbol in [start_ms, end_ms).

    Args:
        fetch: reads.
        symbol: canonical symbol.
        start_ms: ms since the epoch.
        end_ms: ms since the epoch.
        exchanges: venues whose liquidations judge, throttled ones too; None for the full feed
            that told of the most USD.

    Raises:
        RequestError: more liquidations than `EVENTS_MAX`.
        StorageError: the database does not answer.
    """
    span = Span(start_ms=start_ms, end_ms=end_ms)
    heard = await fetch(liquidations.by_exchange(symbol, span))
    full = [one.exchange for one in heard if not one.is_floor]
    if exchanges is None:
        judging = tuple(full[:1])
    else:
        known = [one.exchange for one in heard]
        judging = tuple(sorted(dict.fromkeys(exchanges), key=lambda name: _rank(known, name)))
    throttled = tuple(one.exchange for one in heard if one.is_floor and one.exchange in judging)
    path_exchange, mark_share, marks = await _read_path(fetch, symbol, span, judging)
    return Evidence(
        exchanges=judging,
        throttled=throttled,
        others=tuple(one.exchange for one in heard if one.exchange not in judging),
        path_exchange=path_exchange,
        mark_share=mark_share,
        marks=marks,
        events=await _read_events(fetch, symbol, span, judging, marks),
        gaps=await _read_gaps(fetch, symbol, span, judging),
    )


async def read_forecasts(
    fetch: Fetch, series: ForecastSeries, start_ms: int, end_ms: int, cell_width: float
) -> list[Forecast]:
    """The forecasts of a series issued in [start_ms, end_ms), oldest first.

    Args:
        fetch: reads.
        series: model, version, venues, symbol and horizon.
        start_ms: ms since the epoch.
        end_ms: ms since the epoch.
        cell_width: of `CELLS_JOINED`. Forecasts of another grid than `services.forecasts` stores
            cannot be brought to it and are left out.

    Raises:
        RequestError: more than `FORECASTS_MAX` of them.
        StorageError: the database does not answer.
    """
    found: list[Forecast] = []

    def query(part: Span) -> Query[StoredForecast]:
        return forecasts.between(
            series.model,
            series.version,
            series.exchange,
            series.symbol,
            part,
            horizon_ms=series.horizon_ms,
        )

    while True:
        part = Span(start_ms=start_ms, end_ms=end_ms, limit=FORECASTS_PAGE)
        page = await fetch(query(part))
        # Half a thousand rows take longer than the event loop may wait.
        found += await asyncio.to_thread(_forecasts_of, page, cell_width)
        if len(page) < FORECASTS_PAGE:
            return found
        if len(found) >= FORECASTS_MAX:
            raise RequestError("days", len(found), f"a span of at most {FORECASTS_MAX} forecasts")
        # One horizon of one series has one forecast at a time.
        start_ms = page[-1].issued_ms + 1


def _fits(stored: StoredForecast) -> bool:
    cells = (len(stored.long_mass), len(stored.short_mass))
    return cells == (CELLS, CELLS) and stored.cell_width_share == CELL_WIDTH_SHARE


def _forecasts_of(page: Sequence[StoredForecast], cell_width: float) -> list[Forecast]:
    return [_forecast_of(one, cell_width) for one in page if _fits(one)]


def _forecast_of(stored: StoredForecast, cell_width: float) -> Forecast:
    mass = np.array([stored.long_mass, stored.short_mass], dtype=np.float64)
    return Forecast(
        model=stored.model,
        version=stored.version,
        symbol=stored.symbol,
        issued_ms=stored.issued_ms,
        horizon_ms=stored.horizon_ms,
        price=stored.price,
        mass_usd=coarser_mass(mass, CELLS_JOINED[cell_width]),
        cell_width=cell_width,
    )


async def _read_path(
    fetch: Fetch, symbol: str, span: Span, exchanges: Sequence[str]
) -> tuple[str, float, MarkPath]:
    """Venue, part of mark prices and way of the price, of the first venue that was heard.

    Candles tell which minutes were heard: they keep the time at which they came first. Bars of the
    mark price may be replaced by the venue's own later, so they only say how the price went.
    """
    for exchange in exchanges:
        traded = await _read_bars(
            fetch, partial(price_bars.of_trades, exchange, symbol), span, heard_only=True
        )
        if len(traded.at_ms):
            marks = await _read_bars(
                fetch, partial(price_bars.of_marks, exchange, symbol), span, heard_only=False
            )
            share, path = await asyncio.to_thread(_over, traded, marks)
            return exchange, share, path
    nothing = np.zeros(0)
    return "", 0.0, MarkPath(at_ms=nothing.astype(np.int64), low=nothing, high=nothing)


async def _read_bars(
    fetch: Fetch, query_of: Callable[[Span], Query[PriceBar]], span: Span, *, heard_only: bool
) -> MarkPath:
    """Minutes as a path; when `heard_only`, those that came as they ended."""

    def path_of(bars: Sequence[PriceBar]) -> MarkPath:
        late_ms = LIVE_MAX_MS if heard_only else sys.maxsize
        kept = [one for one in bars if one.received_ns // 1_000_000 - one.ended_ms <= late_ms]
        return MarkPath(
            at_ms=np.array([one.ended_ms for one in kept], dtype=np.int64),
            low=np.array([one.low for one in kept], dtype=np.float64),
            high=np.array([one.high for one in kept], dtype=np.float64),
        )

    parts = await read_pages(
        fetch, query_of, span, lambda one: one.opened_at_ms, path_of, BARS_MAX, "minutes"
    )
    return MarkPath(
        at_ms=np.concatenate([one.at_ms for one in parts]),
        low=np.concatenate([one.low for one in parts]),
        high=np.concatenate([one.high for one in parts]),
    )


def _over(traded: MarkPath, marks: MarkPath) -> tuple[float, MarkPath]:
    """The minutes of `traded`, of the mark price where it is known; and the part where it is."""
    _, place, found = np.intersect1d(
        traded.at_ms, marks.at_ms, assume_unique=True, return_indices=True
    )
    low, high = traded.low.copy(), traded.high.copy()
    low[place], high[place] = marks.low[found], marks.high[found]
    return len(place) / len(traded.at_ms), MarkPath(at_ms=traded.at_ms, low=low, high=high)


async def _read_events(
    fetch: Fetch, symbol: str, span: Span, exchanges: Sequence[str], marks: MarkPath
) -> LiquidationEvents:
    """Liquidations of all judging venues in the order of time, at the marks that triggered them."""
    found: list[LiquidationEvents] = []
    for exchange in exchanges:
        query_of = partial(liquidations.between, symbol=symbol, exchanges=[exchange])
        parts = await read_pages(
            fetch,
            query_of,
            span,
            lambda one: one.timestamp_ms,
            LiquidationEvents.of,
            EVENTS_MAX,
            "liquidations",
        )
        found.append(await asyncio.to_thread(_triggered, parts, marks))
    # A million events take longer than the event loop may wait.
    return await asyncio.to_thread(_in_order, found)


def _triggered(parts: Sequence[LiquidationEvents], marks: MarkPath) -> LiquidationEvents:
    return at_triggers(_joined(parts), marks)


def _in_order(parts: Sequence[LiquidationEvents]) -> LiquidationEvents:
    every = _joined(parts or [LiquidationEvents.of(())])
    order = np.argsort(every.at_ms, kind="stable")
    return LiquidationEvents(
        at_ms=every.at_ms[order],
        price=every.price[order],
        usd=every.usd[order],
        is_long=every.is_long[order],
    )


def _joined(parts: Sequence[LiquidationEvents]) -> LiquidationEvents:
    return LiquidationEvents(
        at_ms=np.concatenate([one.at_ms for one in parts]),
        price=np.concatenate([one.price for one in parts]),
        usd=np.concatenate([one.usd for one in parts]),
        is_long=np.concatenate([one.is_long for one in parts]),
    )


async def _read_gaps(
    fetch: Fetch, symbol: str, span: Span, exchanges: Sequence[str]
) -> tuple[Gap, ...]:
    """Holes that began before the end and were not over at the start, of what spoils a window."""
    start_ms, end_ms = span.start_ms or 0, span.end_ms or sys.maxsize
    found: list[Gap] = []
    for exchange in exchanges:
        for channel in WATCHED:
            query = gaps.touching(exchange, symbol, channel, start_ms, end_ms, GAPS_MAX)
            found += await fetch(query)
    return tuple(found)


def _rank(known: Sequence[str], name: str) -> tuple[int, str]:
    return (known.index(name) if name in known else len(known), name)
