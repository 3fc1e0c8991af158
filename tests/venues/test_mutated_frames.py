"""Every venue's parsers on damaged bytes: sane records or our own errors, and soon.

The frames are the venue's own: what its simulated side sends on every channel, and recordings
where they are. A few thousand run each time; `-m soak` runs a million per venue.
"""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from itertools import islice
from pathlib import Path

import pytest
from tests.venues.conformance.loopback import Loopback
from tests.venues.mutated import check, mutated

from headwater.core.enums import Channel
from headwater.core.errors import NotSupported, PlatformError, WireError
from headwater.core.http_messages import HttpReply
from headwater.core.intervals import Interval
from headwater.core.records import Liquidation, Record
from headwater.feeds.tape_format import TapeLine, read_tape
from headwater.venues.base import MarketStream, TapeReader, Venue
from headwater.venues.discovery import venue, venues
from headwater.venues.messages import (
    Ack,
    Closing,
    Ignored,
    Past,
    RestCall,
    StreamEvent,
    Subscription,
)

SEED = 20260730
FRAMES = 5_000
FRAMES_SOAK = 1_000_000
RECORDED_MAX = 400
RECORDED_PER_FILE = 20_000
FRAME_BYTES = 4_096
TAPE_EVERY = 10
REPLY_EVERY = 10
REPLIES_MAX = 40
MINUTES_MAX = 60
FRAMES_EACH = 40
VENUES = pytest.mark.parametrize("name", list(venues()))

Make = Callable[[], RestCall[object]]


class Bench:
    """One venue's parsers and its own bytes."""

    def __init__(self, chosen: Venue) -> None:
        self.venue = chosen
        self.loop = Loopback(chosen, seed=3)
        self.frames: list[bytes] = []
        self.streams: list[MarketStream] = []
        self.wanted: dict[str, list[Subscription]] = {}
        for channel, support in chosen.facts.channels.items():
            if support.available:
                self.wanted.setdefault(chosen.endpoint_of(channel), []).append(self._one(channel))
        for endpoint, wanted in self.wanted.items():
            for one in wanted:
                self.frames += self._frames_of(one)
            stream = chosen.stream(endpoint, self.loop.table)
            stream.subscribe(wanted)
            self.streams.append(stream)
        self.calls = self._calls()
        self.replies = [self._reply_of(make) for make in self.calls]

    def tape(self) -> TapeReader | None:
        """The reader of recordings, None where there is none."""
        try:
            return self.venue.tape_reader(self.loop.table)
        except NotSupported:
            return None

    def _one(self, channel: Channel) -> Subscription:
        whole = channel is Channel.LIQUIDATIONS and channel in self.venue.facts.whole_market
        return Subscription(
            channel=channel,
            native_symbol=None if whole else self.loop.instrument().native_symbol,
            interval=Interval.M1 if channel is Channel.CANDLES else None,
        )

    def _frames_of(self, one: Subscription) -> list[bytes]:
        """Equally many frames of every channel; of a forced close it takes a while.

        A minute of candles has a closed one; of what comes often a part of it will do.
        """
        line = self.loop.follow(one)
        whole_minute = one.channel in (Channel.CANDLES, Channel.LIQUIDATIONS)
        for second in range(1, 60 * MINUTES_MAX + 1):
            line.advance(1_000)
            if second % 60 == 0:
                if one.channel is not Channel.LIQUIDATIONS or line.records(Liquidation):
                    break
            elif not whole_minute and len(line.texts) >= 2 * FRAMES_EACH:
                break
        frames = [text.encode() for text in line.texts]
        return [*frames[:2], *random.Random(SEED).sample(frames, min(len(frames), FRAMES_EACH))]

    def _calls(self) -> list[Make]:
        """Every REST call that the venue offers."""
        rest, facts, one = self.loop.rest, self.venue.facts, self.loop.instrument()
        known: dict[str, Make] = {
            "ohlc": lambda: rest.candles(
                one, Interval.M1, limit=5, now_ms=self.loop.market.now_ms()
            ),
            "trades": lambda: rest.trades(one, limit=5),
            "order_book": lambda: rest.book(one, depth=5),
            "tickers": rest.tickers,
            "mark_prices": rest.mark_prices,
            "open_interest": lambda: rest.open_interest(one),
            "open_interest_history": lambda: rest.open_interest_history(one, Interval.H1, limit=5),
            "funding_rate": lambda: rest.funding_rate(one),
            "funding_history": lambda: rest.funding_history(one, limit=5),
        }
        offered = [
            make
            for name, make in known.items()
            if name in facts.capabilities and facts.capabilities[name].available
        ]
        return [rest.server_time_ms, rest.instruments, *offered]

    def _reply_of(self, make: Make) -> bytes:
        """The venue's reply to the first request of a call."""
        call = make()
        try:
            return self.loop.reply(next(call)).body
        finally:
            call.close()


@cache
def bench(name: str) -> Bench:
    """Made once per venue: the market behind it takes a second."""
    return Bench(venue(name))


def recorded(folder: Path, name: str) -> list[bytes]:
    """A sample of the venue's recorded messages, equally many of every file."""
    rng = random.Random(SEED)
    files = sorted(path for path in folder.glob(f"*/{name}/**/*") if path.is_file())
    found: list[bytes] = []
    for path in files:
        with path.open("rb") as lines:
            payloads = [
                line.payload
                for line in read_tape(islice(lines, RECORDED_PER_FILE))
                if isinstance(line, TapeLine) and 0 < len(line.payload) <= FRAME_BYTES
            ]
        found += rng.sample(payloads, min(len(payloads), max(1, RECORDED_MAX // len(files))))
    return found


def run(one: Bench, count: int, frames: list[bytes], seed: int) -> Counter[str]:
    """Feeds damaged frames to the streams, and some to the readers of recordings and replies."""
    rng = random.Random(seed)
    tape = one.tape()
    seen: Counter[str] = Counter()
    for number, frame in enumerate(mutated(count, frames, seed)):
        seen["frame"] += 1
        try:
            note(seen, rng.choice(one.streams).feed(frame, 1))
        except WireError:
            seen["error"] += 1
        if tape is not None and number % TAPE_EVERY == 0:
            try:
                note(seen, tape.read(frame, 1).events)
            except WireError:
                seen["tape error"] += 1
    for number, body in enumerate(mutated(count // REPLY_EVERY, one.replies, seed)):
        seen["reply"] += 1
        seen[answered(one, one.calls[number % len(one.calls)], body)] += 1
    return seen


def note(seen: Counter[str], events: Sequence[StreamEvent]) -> None:
    """Counts what came out, and checks it."""
    for event in events:
        assert isinstance(event, Record | Ack | Closing | Ignored | Past)
        seen[event.kind if isinstance(event, Record) else type(event).__name__] += 1
        if isinstance(event, Record):
            check(event)


def answered(one: Bench, make: Make, body: bytes) -> str:
    """Gives a call the same reply until it ends; only our own errors may come of it."""
    call = make()
    reply = HttpReply(status=200, headers={}, body=body, received_ns=1)
    try:
        next(call)
        for _ in range(REPLIES_MAX):
            error = one.venue.error_of(reply)
            if error is None:
                call.send(reply)
            else:
                call.throw(error)
    except StopIteration as end:
        for record in end.value if isinstance(end.value, list) else [end.value]:
            if isinstance(record, Record):
                check(record)
        return "reply read"
    except PlatformError:
        return "reply error"
    finally:
        call.close()
    return "reply asks on"


@VENUES
def test_damaged_frames_give_records_or_our_errors(name: str) -> None:
    one = bench(name)
    seen = run(one, FRAMES, one.frames, SEED)
    available = {
        channel for channel, support in one.venue.facts.channels.items() if support.available
    }
    kinds = {"error", "trade", "candle", "Ack", "Ignored", "reply read", "reply error"}
    if Channel.LIQUIDATIONS in available:
        kinds.add("liquidation")
    assert {kind for kind in kinds if not seen[kind]} == set(), "never left by the mutator"


@pytest.mark.soak
@pytest.mark.timeout(3600)
@VENUES
def test_a_million_damaged_frames(name: str, wire_dir: Path) -> None:
    one = bench(name)
    seen = run(one, FRAMES_SOAK, one.frames + recorded(wire_dir, name), SEED)
    assert seen["frame"] == FRAMES_SOAK
    assert seen["error"] > FRAMES_SOAK // 10


def test_the_mutator_repeats_itself() -> None:
    frames = bench("binance").frames
    assert list(mutated(50, frames, 1)) == list(mutated(50, frames, 1))
    assert list(mutated(50, frames, 1)) != list(mutated(50, frames, 2))
