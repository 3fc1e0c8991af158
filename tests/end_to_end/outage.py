"""Ten virtual minutes without venues or without the platform, and the judgement afterwards.

The whole platform runs against simulated exchanges over loopback, which know nothing of each other;
only time is virtual. What a venue replays (candles, trades by id, open interest, funding) must be
in storage as the venue has it; what it does not, the ledger must list, from before the outage until
after it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import pytest

from headwater.app.settings import Settings, load
from headwater.app.wiring import Platform
from headwater.core.clock import SourceClock
from headwater.core.enums import Channel, GapState
from headwater.core.instruments import Instrument
from headwater.core.intervals import Interval
from headwater.core.records import Candle, Gap, MarkCandle
from headwater.services.gap_history import GapHistory, WantedGaps
from headwater.simulator.exchange import SimulatedExchange
from headwater.simulator.hosting import host_venue
from headwater.simulator.server import SimulatorServer
from headwater.simulator.venue_server import VenueServer
from headwater.storage import candles, funding, liquidations, mark_candles, open_interest, trades
from headwater.storage.base import LIMIT_MAX, Span
from headwater.venues.discovery import venue

# Seven minutes before 16:00 UTC, when every venue settles funding: that falls into the outage.
START_NS = 1_790_005_980_000_000_000
SYMBOL = "SOLUSDT"
OUTAGE_S = 600.0
BOOK_LEVELS = 50
"""Levels a side: what is judged is not the book, and a deep one takes a third of the time."""
LOOK_EVERY_S = 1.0
# The database works in real time, while virtual time runs on.
STORED_WITHIN_S = 6_000.0
MINUTE_MS = 60_000
NEAR_MS = 30_000
"""How far a hole's end may lie from the moment when every stream is back: one socket is back before
the other, and a page of the venue's newest trades reaches back some seconds more."""
LOST = {
    "binance": {Channel.LIQUIDATIONS},
    "bybit": {Channel.LIQUIDATIONS, Channel.TRADES},
    "okx": {Channel.LIQUIDATIONS, Channel.TRADES},
    "hyperliquid": {Channel.LIQUIDATIONS, Channel.TRADES, Channel.OPEN_INTEREST},
}
"""What of ten minutes no venue gives again: trades are counted and found by id on Binance alone,
the others tell their newest ones only; Hyperliquid has no history of open interest."""


MARK_STEP_TICKS = {"bybit": 1.0, "okx": 0.1}
"""To what the venue rounds its mark price, in ticks of the contract."""


class Stage:
    """The platform, one of its venues, and what really happened there."""

    def __init__(self, platform: Platform, server: VenueServer, clock: SourceClock) -> None:
        self.platform = platform
        self.server = server
        self.clock = clock
        self.name = server.venue_id

    @property
    def truth(self) -> SimulatedExchange:
        """The market behind the venue."""
        return cast("SimulatedExchange", self.server.market)

    @property
    def instrument(self) -> Instrument:
        """The contract as the platform knows it."""
        return self.platform.sources[self.name].table.resolve(SYMBOL)

    @property
    def is_healthy(self) -> bool:
        """Whether the platform has all that it wants of the venue."""
        return self.platform.sources[self.name].health().healthy

    @property
    def passed_ms(self) -> int:
        """When the last pass over the venue's history ended, 0 before the first."""
        (mine,) = (one for one in self.platform.history_progress() if one.exchange == self.name)
        return mine.done_ms or 0

    async def until(self, condition: Callable[[], bool], within_s: float) -> None:
        """Waits for `condition`."""
        began = self.clock.monotonic()
        while not condition():
            feeds = self.platform.sources.values()
            assert self.clock.monotonic() - began < within_s, [one.health() for one in feeds]
            await asyncio.sleep(LOOK_EVERY_S)

    async def gaps(self) -> Sequence[Gap]:
        """The ledger as `/gaps` gives it."""
        live = self.platform.sources[self.name].gaps()
        wanted = WantedGaps(exchanges=(self.name,))
        return await GapHistory(self.platform.store).newest(live, wanted, limit=1_000)


def settings_of(servers: Mapping[str, VenueServer], data_dir: Path) -> Settings:
    where = {
        name: {"rest": server.addresses.rest, "streams": dict(server.addresses.streams)}
        for name, server in servers.items()
    }
    return load(
        options={
            "venues": ",".join(servers),
            "venue_addresses": where,
            "supported_symbols": SYMBOL,
            "large_trade_threshold_usd": 0,
            "oi_volume_timeframes": "",
            "backfill_days": 0.5,
            "data_dir": data_dir,
            "port": 0,
        },
        environ={},
    )


@asynccontextmanager
async def simulated(
    names: Sequence[str], clock: SourceClock
) -> AsyncIterator[Mapping[str, VenueServer]]:
    """Simulated exchanges that live on whatever the platform does, each a world of its own."""
    hosted = [
        host_venue(
            venue(name), seed=5, start_ms=clock.now_ms(), symbols=[SYMBOL], levels=BOOK_LEVELS
        )
        for name in names
    ]
    simulator = SimulatorServer(hosted, clock=clock)
    await simulator.start()
    try:
        yield simulator.venues
    finally:
        await simulator.stop()


@asynccontextmanager
async def staged(
    servers: Mapping[str, VenueServer], clock: SourceClock, folder: Path
) -> AsyncIterator[Sequence[Stage]]:
    """A platform on a database that stays, whole for a while; its stage of each venue."""
    async with Platform(settings_of(servers, folder), simulated=False, clock=clock) as platform:
        stages = [Stage(platform, server, clock) for server in servers.values()]
        await stages[0].until(lambda: all(one.is_healthy for one in stages), 60)
        await stages[0].until(lambda: all(one.passed_ms for one in stages), STORED_WITHIN_S)
        await asyncio.sleep(90)
        yield stages


async def judge(stage: Stage, span: Span, holes: Sequence[Gap]) -> None:
    """Everything that is stored of a span against what really happened."""
    await judge_candles(stage, span)
    await judge_marks(stage, span)
    await judge_interest(stage, span)
    await judge_funding(stage, span)
    await judge_trades(stage, span, holes)
    await judge_liquidations(stage, span, holes)


async def judged_holes(stage: Stage, began_ms: int, ended_ms: int, lost: set[Channel]) -> list[Gap]:
    """What is lost for good: of each such stream one hole, and it is the outage."""
    gaps = await stage.gaps()
    assert all(gap.state is not GapState.OPEN for gap in gaps)
    holes = [gap for gap in gaps if gap.state is GapState.UNRECOVERABLE]
    assert sorted(gap.channel for gap in holes) == sorted(lost)
    for gap in holes:
        assert gap.until_ms is not None
        assert began_ms - NEAR_MS - MINUTE_MS <= gap.timestamp_ms <= began_ms, gap
        assert ended_ms - NEAR_MS <= gap.until_ms <= ended_ms + NEAR_MS, gap
    return holes


async def judge_candles(stage: Stage, span: Span) -> None:
    """Every candle that ended in the span is there, once, as the market made it."""
    for interval in (Interval.M1, Interval.M15):
        wider, first_ms, last_ms = ended_in(span, interval)
        stored = await stage.platform.store.fetch(
            candles.between(stage.name, SYMBOL, interval, wider)
        )
        real = stage.truth.candles(SYMBOL, interval, limit=1_000, start_ms=first_ms, end_ms=last_ms)
        assert len(real) >= max(1, OUTAGE_S * 1_000 // interval.nominal_ms)
        assert [_bar(one) for one in stored] == [pytest.approx(_bar(one)) for one in real]


def ended_in(span: Span, interval: Interval) -> tuple[Span, int, int]:
    """The bars that ended in a span: their own span, first and last opening."""
    assert span.start_ms is not None
    assert span.end_ms is not None
    first_ms = interval.opens_at_ms(span.start_ms)
    last_ms = interval.opens_at_ms(span.end_ms) - interval.nominal_ms
    assert first_ms <= last_ms
    return Span(start_ms=first_ms, end_ms=last_ms + 1, limit=LIMIT_MAX), first_ms, last_ms


def _bar(candle: Candle) -> tuple[float, ...]:
    return (
        candle.timestamp_ms,
        candle.open,
        candle.high,
        candle.low,
        candle.close,
        candle.volume,
    )


async def judge_marks(stage: Stage, span: Span) -> None:
    """Bars of the mark price are the venue's own, also where minutes were heard.

    Hyperliquid tells none again: there is what was heard, and nothing of the outage.
    """
    assert span.start_ms is not None
    assert span.end_ms is not None
    rounding = MARK_STEP_TICKS.get(stage.name, 0.0) * float(stage.instrument.price_tick) / 2
    for interval in (Interval.M1, Interval.M15):
        wider, first_ms, last_ms = ended_in(span, interval)
        stored = await stage.platform.store.fetch(
            mark_candles.between(stage.name, SYMBOL, interval, wider)
        )
        if stage.name == "hyperliquid":
            assert all(one.readings for one in stored)
            assert len(stored) <= 5, "none of the outage's ten minutes"
            continue
        real = stage.truth.mark_candles(
            SYMBOL, interval, limit=1_000, start_ms=first_ms, end_ms=last_ms
        )
        assert [one.timestamp_ms for one in stored] == [one.timestamp_ms for one in real]
        assert all(one.readings is None for one in stored)
        assert [_mark_bar(one) for one in stored] == [
            pytest.approx(_mark_bar(one), rel=1e-6, abs=rounding + 1e-9) for one in real
        ]


def _mark_bar(bar: MarkCandle | Candle) -> tuple[float, ...]:
    return (bar.open, bar.high, bar.low, bar.close)


async def judge_interest(stage: Stage, span: Span) -> None:
    """Every reading that the venue's history has."""
    if Channel.OPEN_INTEREST in LOST[stage.name]:
        return
    query = open_interest.between(stage.name, SYMBOL, span)
    stored = {
        one.timestamp_ms: one.open_interest for one in await stage.platform.store.fetch(query)
    }
    real = stage.truth.open_interest_history(
        SYMBOL, Interval.M5, limit=1_000, start_ms=span.start_ms, end_ms=span.end_ms
    )
    assert len(real) >= 2
    for reading in real:
        assert stored[reading.timestamp_ms] == pytest.approx(reading.open_interest), reading


async def judge_funding(stage: Stage, span: Span) -> None:
    """The settlement that fell into the outage, with the rate that was settled."""
    query = funding.between(stage.name, SYMBOL, span)
    stored = {one.funding_time_ms: one.rate for one in await stage.platform.store.fetch(query)}
    real = stage.truth.funding_history(
        SYMBOL, limit=100, start_ms=span.start_ms, end_ms=span.end_ms
    )
    assert len(real) == 1
    # Hyperliquid settles every hour; the market's own rate is for eight.
    part = 1 / 8 if stage.name == "hyperliquid" else 1
    assert stored == {one.funding_time_ms: pytest.approx(one.rate * part) for one in real}


async def judge_trades(stage: Stage, span: Span, holes: Sequence[Gap]) -> None:
    """Outside the holes every trade; where the venue counts them, by their numbers."""
    stored = await stage.platform.store.fetch(trades.between(stage.name, SYMBOL, span))
    assert span.start_ms is not None
    assert span.end_ms is not None
    real = [
        made.trade
        for made in stage.truth.prints(SYMBOL, limit=1_000_000)
        if span.start_ms <= made.trade.timestamp_ms < span.end_ms
    ]
    if stage.name == "binance":
        assert sorted(one.sequence or 0 for one in stored) == [one.sequence for one in real]
    away = [gap for gap in holes if gap.channel is Channel.TRADES]
    whole = sum(one.quantity for one in real if not _in_a_hole(one.timestamp_ms, away))
    assert whole > 0
    heard = sum(one.quantity for one in stored if not _in_a_hole(one.timestamp_ms, away))
    assert heard == pytest.approx(whole)


async def judge_liquidations(stage: Stage, span: Span, holes: Sequence[Gap]) -> None:
    """All that happened while nobody heard lies in the hole that is told."""
    away = [gap for gap in holes if gap.channel is Channel.LIQUIDATIONS]
    stored = {
        one.timestamp_ms
        for one in await stage.platform.store.fetch(
            liquidations.between(span, symbol=SYMBOL, exchanges=[stage.name])
        )
    }
    real = [
        one.timestamp_ms
        for one in stage.truth.liquidations(since_ms=span.start_ms or 0)
        if one.timestamp_ms < (span.end_ms or 0)
    ]
    assert any(_in_a_hole(moment, away) for moment in real)
    if stage.name == "bybit":  # the only one that tells every liquidation
        outside = [one for one in real if not _in_a_hole(one, away)]
        assert stored.issuperset(outside)


def _in_a_hole(moment_ms: int, holes: Sequence[Gap]) -> bool:
    return any(gap.timestamp_ms <= moment_ms <= (gap.until_ms or 0) for gap in holes)
