"""Plays a tape as if it were live: the same parser, book rule, continuity and bus path.

`TapePlayer` walks through the lines in tape time and hands each event to the pipeline;
`replay_source.ReplaySource` answers questions from what was kept. What only a venue could answer
(missing trades, another snapshot) a tape cannot: a hole stays a hole and the ledger says so,
unless a later line of the tape, such as a recorded back-fill, closes it.
"""

import asyncio
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec

from headwater.core.clock import Clock
from headwater.core.enums import Channel, FeedState
from headwater.core.errors import WireError
from headwater.core.instruments import Instrument
from headwater.core.intervals import Interval
from headwater.core.records import (
    BookDelta,
    BookSnapshot,
    Candle,
    FundingRate,
    Liquidation,
    MarkPrice,
    OpenInterest,
    Record,
    Ticker,
    Trade,
)
from headwater.feeds.pipeline import MarketPipeline
from headwater.feeds.tape_clock import TapeClock
from headwater.feeds.tape_files import open_tape
from headwater.feeds.tape_format import TapeLine
from headwater.feeds.tape_instruments import TapeInstruments
from headwater.venues.base import Venue
from headwater.venues.messages import Ack, Closing, Ignored, Past, StreamEvent, Subscription

BATCH_LINES: Final = 200
"""Lines read at once in a thread; between batches everybody else has a turn."""

SWEEP_S: Final = 0.05
"""Tape time between two looks at held trades and changed books."""

_PACE_MIN_S: Final = 0.005
_CHANNELS: Final[dict[type, Channel]] = {
    Trade: Channel.TRADES,
    BookDelta: Channel.BOOK,
    BookSnapshot: Channel.BOOK,
    Candle: Channel.CANDLES,
    Liquidation: Channel.LIQUIDATIONS,
    Ticker: Channel.TICKERS,
    MarkPrice: Channel.MARK_PRICES,
}


class PlayerStats(msgspec.Struct, frozen=True, kw_only=True):
    """How far a tape was played.

    Attributes:
        messages: messages of the venue handed on.
        passed_over: lines that are no message of the venue (sent by the client, notes).
        finished: whether the tape has ended.
    """

    messages: int
    passed_over: int
    finished: bool


class TapePlayer:
    """Walks through one venue's tape.

    Args:
        venue: whose tape.
        path: file or folder.
        pipeline: takes the events.
        instruments: learns them.
        tape_clock: told the tape's time.
        clock: the real one, for the speed.
        speed: tape seconds per second; 0 for as fast as possible.
    """

    def __init__(
        self,
        venue: Venue,
        path: Path,
        pipeline: MarketPipeline,
        instruments: TapeInstruments,
        tape_clock: TapeClock,
        clock: Clock,
        speed: float,
    ) -> None:
        self._path = path
        self._lines: Iterator[TapeLine | WireError] = iter(())
        self._exchange = venue.facts.venue_id
        self._reader = venue.tape_reader(instruments.table)
        self._pipeline = pipeline
        self._instruments = instruments
        self._tape_clock = tape_clock
        self._clock = clock
        self._speed = speed
        self._introduced: set[tuple[type, str, Interval | None]] = set()
        self._swept_at = 0.0
        self._messages = 0
        self._passed_over = 0
        self._finished = asyncio.Event()
        self.past_candles: dict[tuple[str, Interval], dict[int, Candle]] = {}

    def open(self) -> None:
        """Finds the files of the tape.

        Raises:
            ConfigError: there is nothing to read.
        """
        self._lines = open_tape(self._path, self._exchange)

    async def run(self) -> None:
        """Plays the tape to its end; `open` comes first."""
        lines = self._lines
        started = self._clock.monotonic()
        while batch := await asyncio.to_thread(_next_batch, lines):
            for line in batch:
                if isinstance(line, WireError):
                    self._pipeline.on_wire_error(line)
                    continue
                if self._speed > 0:
                    await self._keep_pace(line, started)
                self._take(line)
            await asyncio.sleep(0)
        await self._end()

    async def wait_finished(self) -> None:
        """Waits for the end of the tape."""
        await self._finished.wait()

    @property
    def stats(self) -> PlayerStats:
        """How far the tape was played."""
        return PlayerStats(
            messages=self._messages,
            passed_over=self._passed_over,
            finished=self._finished.is_set(),
        )

    async def _keep_pace(self, line: TapeLine, started: float) -> None:
        if line.received_ns is None or self._tape_clock.now_ns() == 0:
            return
        ahead_s = (line.received_ns - self._tape_clock.now_ns()) / 1e9
        due = started + (self._tape_clock.monotonic() + ahead_s) / self._speed
        wait_s = due - self._clock.monotonic()
        if wait_s > _PACE_MIN_S:
            await asyncio.sleep(wait_s)

    def _take(self, line: TapeLine) -> None:
        """Reads one line and hands its events on."""
        if line.note:
            self._passed_over += 1
            return
        received_ns = self._tape_clock.now_ns() if line.received_ns is None else line.received_ns
        self._tape_clock.move_to(received_ns)
        self._messages += 1
        try:
            read = self._reader.read(line.payload, received_ns, url=line.url)
        except WireError as error:
            self._pipeline.on_wire_error(error)
            return
        if read.channel.startswith("rest_"):
            self._take_reply(read.events)
        else:
            for event in read.events:
                if not isinstance(event, Ack | Closing | Ignored | Past):
                    self._take_record(event)
        now = self._tape_clock.monotonic()
        if now - self._swept_at >= SWEEP_S:
            self._swept_at = now
            self._pipeline.trades.sweep()
            self._pipeline.books.flush()

    def _take_record(self, record: Record) -> None:
        interval = record.interval if isinstance(record, Candle) else None
        key = (record.__class__, record.native_symbol, interval)
        if key not in self._introduced:
            self._introduced.add(key)
            self._introduce(record, interval)
        handler = self._pipeline.handlers.get(record.__class__)
        if handler is not None:
            handler(record)

    def _introduce(self, record: Record, interval: Interval | None) -> None:
        """A kind of record of a symbol is met for the first time: its stream is live."""
        self._instruments.of(record)
        channel = _CHANNELS.get(record.__class__)
        if channel is None:
            return
        subscription = Subscription(
            channel=channel, native_symbol=record.native_symbol, interval=interval
        )
        self._pipeline.added(subscription)
        self._pipeline.on_change(subscription, FeedState.LIVE, "")

    def _take_reply(self, events: Sequence[StreamEvent]) -> None:
        """A recorded REST reply: repairs and lists, which a live stream must not be set back by."""
        listed = [event for event in events if isinstance(event, Instrument)]
        if listed:
            self._instruments.add(listed)
        for event in events:
            if isinstance(event, BookSnapshot):
                self._introduce_once(event)
                kept = self._pipeline.books.kept(event.symbol)
                if kept is not None and not kept.live:
                    self._pipeline.books.on_snapshot(event)
            elif isinstance(event, Candle):
                rows = self.past_candles.setdefault((event.symbol, event.interval), {})
                rows[event.timestamp_ms] = event
            elif isinstance(event, Trade):
                self._introduce_once(event)
                self._pipeline.trades.on_trade(event)
            elif isinstance(event, OpenInterest | FundingRate | Ticker | MarkPrice):
                known = self._pipeline.states.newest(event.__class__, event.symbol)
                if known is None or known.timestamp_ms <= event.timestamp_ms:
                    self._pipeline.states.on_state(event)

    def _introduce_once(self, record: Record) -> None:
        key = (record.__class__, record.native_symbol, None)
        if key not in self._introduced:
            self._introduced.add(key)
            self._introduce(record, None)

    async def _end(self) -> None:
        """The tape has ended: what is held back goes out, and every stream is down."""
        self._pipeline.trades.release_all("the end of the tape")
        await self._pipeline.crew.wait_idle()
        self._pipeline.books.flush()
        for subscription in list(self._pipeline.board.subscriptions):
            self._pipeline.board.set_stream(subscription, FeedState.DOWN, "the tape has ended")
        self._finished.set()


def _next_batch(lines: Iterator[TapeLine | WireError]) -> list[TapeLine | WireError]:
    return list(islice(lines, BATCH_LINES))
