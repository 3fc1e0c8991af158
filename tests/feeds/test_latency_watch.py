"""How late a venue's messages are: read where they lie, each once, none of the past."""

from headwater.core.clock import ManualClock
from headwater.core.enums import Channel
from headwater.feeds.latency_watch import STREAMS_PER_LOOK, LatencyWatch
from headwater.venues.messages import Subscription

TRADES = Subscription(channel=Channel.TRADES, native_symbol="BTCUSDT")
CANDLES = Subscription(channel=Channel.CANDLES, native_symbol="BTCUSDT")


class Streams:
    """Streams whose newest times a test sets."""

    def __init__(self, *streams: Subscription, offset_ms: int = 0) -> None:
        self.streams = list(streams)
        self.newest: dict[Subscription, tuple[int, int]] = {}
        self.asked = 0
        self.clock = ManualClock()
        self.watch = LatencyWatch(lambda: self.streams, self._newest, lambda: offset_ms, self.clock)

    def _newest(self, stream: Subscription) -> tuple[int, int] | None:
        self.asked += 1
        return self.newest.get(stream)

    def heard(self, stream: Subscription, timestamp_ms: int, latency_ms: float) -> None:
        """A message came, so late; then a look."""
        self.newest[stream] = (timestamp_ms, round((timestamp_ms + latency_ms) * 1e6))
        self.watch.look()


def test_each_message_counts_once_and_the_first_not_at_all() -> None:
    streams = Streams(TRADES, CANDLES)
    streams.heard(TRADES, 1_000, 50_000.0)  # the past that came with the subscription
    streams.heard(TRADES, 2_000, 10.0)
    streams.watch.look()
    streams.heard(TRADES, 3_000, 10.0)
    streams.heard(TRADES, 2_500, 9_000.0)  # fetched after a gap
    (found,) = streams.watch.figures()
    assert (found.channel, found.readings) == (Channel.TRADES, 2)
    assert (found.p50_ms, found.p95_ms) == (9.9, 9.9)


def test_the_venues_clock_is_brought_to_ours() -> None:
    """The venue is 90 ms ahead: what seems to come 80 ms before it was sent took 10."""
    streams = Streams(TRADES, offset_ms=90)
    streams.heard(TRADES, 1_000, 0.0)
    streams.heard(TRADES, 2_000, -80.0)
    (found,) = streams.watch.figures()
    assert found.p50_ms == 9.9


def test_old_readings_and_ended_streams_are_forgotten() -> None:
    streams = Streams(TRADES)
    streams.heard(TRADES, 1_000, 10.0)
    streams.heard(TRADES, 2_000, 10.0)
    streams.clock.advance(120.0)
    assert streams.watch.figures() == ()
    streams.streams.clear()
    streams.watch.look()
    streams.streams.append(TRADES)
    streams.heard(TRADES, 3_000, 10.0)
    assert streams.watch.figures() == (), "a stream that begins anew tells of the past first"


def test_a_look_is_bounded_and_all_have_their_turn() -> None:
    many = [
        Subscription(channel=Channel.BOOK, native_symbol=f"A{number}")
        for number in range(2 * STREAMS_PER_LOOK)
    ]
    streams = Streams(*many)
    streams.watch.look()
    assert streams.asked == STREAMS_PER_LOOK
    for moment in (1_000, 2_000):
        streams.newest = dict.fromkeys(many, (moment, (moment + 10) * 1_000_000))
        for _ in range(2):
            streams.watch.look()
    (found,) = streams.watch.figures()
    assert found.readings == len(many)
