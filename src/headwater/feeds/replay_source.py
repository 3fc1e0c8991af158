"""A tape behind `MarketSource`: the API cannot tell it from a live venue.

Answers come from what the tape has told so far. What it cannot tell raises `NotSupported` with the
reason; nothing is made up.
"""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NoReturn

import msgspec

from headwater.bus.bus import Bus
from headwater.core.clock import Clock
from headwater.core.errors import NotSupported
from headwater.core.instruments import Instrument, InstrumentTable
from headwater.core.intervals import Interval
from headwater.core.margin_tiers import MarginTiers
from headwater.core.records import (
    BookSnapshot,
    Candle,
    FundingRate,
    Gap,
    MarkCandle,
    MarkPrice,
    OpenInterest,
    PredictedFunding,
    Ticker,
    Trade,
)
from headwater.core.wallet_positions import WalletPosition
from headwater.feeds.health import HealthFacts, judge
from headwater.feeds.pipeline import Fetchers, MarketPipeline, Surroundings
from headwater.feeds.replay import PlayerStats, TapePlayer
from headwater.feeds.settings import FeedSettings
from headwater.feeds.source import VenueHealth
from headwater.feeds.supervisor import Supervisor
from headwater.feeds.tape_clock import TapeClock
from headwater.feeds.tape_instruments import TapeInstruments
from headwater.transport.backoff import FullJitterBackoff
from headwater.venues.base import Venue
from headwater.venues.facts import VenueFacts
from headwater.venues.messages import Subscription

REPAIR_LINES_WITHIN_S: Final = 5.0
"""Tape time in which a recorded back-fill may still close a hole before the ledger notes it."""

_HEALTH_LIMIT_S: Final = 60.0
_DEFAULTS: Final = FeedSettings()


class _TapeLease:
    """A hold on a tape's stream: the tape plays whatever it holds, asked for or not."""

    def release(self) -> None:
        """Nothing to give back."""


class ReplaySource:
    """A `MarketSource` on a tape.

    Args:
        venue: whose tape.
        path: a file of any layout `tape_format` reads, or a recorder's folder.
        bus: hears every record.
        clock: the real clock, for the speed.
        rng: source of jitter.
        speed: tape seconds per second; 0 for as fast as possible.
        settings: bounds.
    """

    def __init__(
        self,
        venue: Venue,
        path: Path,
        *,
        bus: Bus,
        clock: Clock,
        rng: random.Random,
        speed: float = 0.0,
        settings: FeedSettings = _DEFAULTS,
    ) -> None:
        exchange = venue.facts.venue_id
        self._venue = venue
        self._tape_clock = TapeClock()
        self._instruments = TapeInstruments(exchange)
        patient = msgspec.structs.replace(
            settings.trades,
            reorder_grace_s=REPAIR_LINES_WITHIN_S,
            hold_deadline_s=3 * REPAIR_LINES_WITHIN_S,
        )
        around = Surroundings(
            bus=bus,
            clock=self._tape_clock,
            rng=rng,
            settings=msgspec.structs.replace(settings, trades=patient),
            table=self._table_now,
            offset_ms=_no_offset,
            on_quiet=_ignore,
        )
        fetchers = Fetchers(
            trades_between=self._cannot_fetch_between,
            trades_newest=self._cannot_fetch_newest,
            book=None,
            candles=None,
        )
        self.pipeline = MarketPipeline(venue, around, fetchers)
        self._player = TapePlayer(
            venue, path, self.pipeline, self._instruments, self._tape_clock, clock, speed
        )
        self._supervisor = Supervisor(
            f"{exchange}-tape",
            clock,
            lambda: FullJitterBackoff(1.0, 30.0, rng),
            settings.stop_timeout_s,
        )

    async def start(self) -> None:
        """Starts to play and returns.

        Raises:
            ConfigError: there is nothing to read.
        """
        self._player.open()
        for number in range(1, self.pipeline.crew.parallel + 1):
            self._supervisor.keep(f"repair-{number}", self.pipeline.crew.work)
        self._supervisor.once("player", self._player.run())

    async def stop(self) -> None:
        """Stops playing."""
        await self._supervisor.stop()

    async def wait_finished(self) -> None:
        """Waits until the whole tape was played."""
        await self._player.wait_finished()

    @property
    def stats(self) -> PlayerStats:
        """How far the tape was played."""
        return self._player.stats

    @property
    def facts(self) -> VenueFacts:
        """What the venue is."""
        return self._venue.facts

    @property
    def simulated(self) -> bool:
        """True: a tape is not the market of now."""
        return True

    @property
    def table(self) -> InstrumentTable:
        """Instruments met so far."""
        return self._instruments.table

    async def load_instruments(self, max_age_s: float = 0.0) -> int:
        """Nothing is asked: a tape tells of its instruments as it plays."""
        del max_age_s
        return 0

    async def candles(
        self,
        instrument: Instrument,
        interval: Interval,
        *,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> Sequence[Candle]:
        """Candles the tape holds, oldest first."""
        rows = dict(self._player.past_candles.get((instrument.symbol, interval), {}))
        rows.update(self.pipeline.candles.known(instrument.symbol, interval))
        chosen = [
            rows[opened_ms]
            for opened_ms in sorted(rows)
            if (start_ms is None or opened_ms >= start_ms)
            and (end_ms is None or opened_ms <= end_ms)
        ]
        if not rows:
            self._refuse("ohlc", f"the tape holds no {interval} candles of {instrument.symbol}")
        return chosen[:limit] if start_ms is not None else chosen[-limit:]

    async def trades(self, instrument: Instrument, *, limit: int) -> Sequence[Trade]:
        """The newest trades of the tape so far, oldest first."""
        known = self.pipeline.trades.latest(instrument.symbol, limit)
        if not known:
            self._refuse("trades", f"the tape holds no trades of {instrument.symbol}")
        return known

    async def book(self, instrument: Instrument, *, depth: int) -> BookSnapshot:
        """The book kept from the tape."""
        book = self.pipeline.books.book(instrument.symbol, depth)
        if book is None:
            self._refuse("order_book", f"the tape gives no whole book of {instrument.symbol} here")
        return book

    async def tickers(self) -> Sequence[Ticker]:
        """The newest ticker of each symbol so far."""
        return self.pipeline.states.all_of(Ticker) or self._refuse(
            "tickers", "the tape holds no tickers"
        )

    async def mark_prices(self) -> Sequence[MarkPrice]:
        """The newest mark price of each symbol so far."""
        return self.pipeline.states.all_of(MarkPrice) or self._refuse(
            "mark_prices", "the tape holds no mark prices"
        )

    async def open_interest(self, instrument: Instrument) -> OpenInterest:
        """The newest reading so far."""
        known = self.pipeline.states.newest(OpenInterest, instrument.symbol)
        return known or self._refuse("open_interest", "the tape holds no open interest")

    async def open_interest_history(
        self,
        instrument: Instrument,
        period: Interval,
        *,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> Sequence[OpenInterest]:
        """Not offered by a tape."""
        del instrument, period, limit, start_ms, end_ms
        self._refuse("open_interest_history", "a tape cannot be asked for history")

    async def funding_rate(self, instrument: Instrument) -> FundingRate:
        """The newest reading so far."""
        known = self.pipeline.states.newest(FundingRate, instrument.symbol)
        return known or self._refuse("funding_rate", "the tape holds no funding rate")

    async def funding_history(
        self,
        instrument: Instrument,
        *,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> Sequence[FundingRate]:
        """Not offered by a tape."""
        del instrument, limit, start_ms, end_ms
        self._refuse("funding_history", "a tape cannot be asked for history")

    async def predicted_funding(self) -> Sequence[PredictedFunding]:
        """Not offered by a tape."""
        self._refuse("predicted_funding", "a tape cannot be asked for it")

    async def mark_candles(
        self,
        instrument: Instrument,
        interval: Interval,
        *,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> Sequence[MarkCandle]:
        """Not offered by a tape."""
        del instrument, interval, limit, start_ms, end_ms
        self._refuse("mark_candles", "a tape cannot be asked for history")

    async def margin_tiers(self, instrument: Instrument) -> MarginTiers:
        """Not offered by a tape."""
        del instrument
        self._refuse("margin_tiers", "a tape cannot be asked for them")

    async def wallet_positions(self, address: str) -> list[WalletPosition]:
        """Not offered by a tape."""
        del address
        self._refuse("wallet_positions", "a tape cannot be asked for them")

    def acquire(self, subscription: Subscription) -> _TapeLease:
        """A hold on nothing: the tape plays what it holds.

        Raises:
            NotSupported: the venue has no such channel at all.
        """
        support = self.facts.channels.get(subscription.channel)
        if support is None or not support.available:
            self._refuse(str(subscription.channel), "the venue has no such channel")
        return _TapeLease()

    def health(self) -> VenueHealth:
        """Measured health: whether the tape still plays."""
        stats = self._player.stats
        return judge(
            HealthFacts(
                exchange=self.facts.venue_id,
                instruments=len(self.table),
                problem="" if stats.messages else "the tape has not begun",
                now_ms=self._tape_clock.now_ms(),
                data_age_s=0.0 if stats.messages else None,
                probe_age_s=None,
                limit_s=_HEALTH_LIMIT_S,
                clock_offset_ms=None,
                breaker="closed",
                used_weight={},
                connections=0 if stats.finished else 1,
                messages=stats.messages,
                wire_errors=self.pipeline.wire_errors,
                rest_failures=0,
                reconnects=0,
                resyncs=self.pipeline.books.resyncs,
                open_gaps=self.pipeline.ledger.open_count,
                channels=self.pipeline.board.channels(lambda _: 1, lambda _: None),
            )
        )

    def gaps(self) -> Sequence[Gap]:
        """The gap ledger, newest first."""
        return self.pipeline.ledger.newest_first()

    async def _cannot_fetch_between(self, native: str, first: int, last: int) -> Sequence[Trade]:
        del native, first, last
        self._refuse("trades", "a tape cannot be asked for what it missed")

    async def _cannot_fetch_newest(self, native: str) -> Sequence[Trade]:
        del native
        self._refuse("trades", "a tape cannot be asked for what it missed")

    def _refuse(self, capability: str, reason: str) -> NoReturn:
        raise NotSupported(self.facts.venue_id, capability, reason)

    def _table_now(self) -> InstrumentTable:
        return self._instruments.table


def _no_offset() -> int:
    return 0


def _ignore(subscription: Subscription) -> None:
    del subscription
