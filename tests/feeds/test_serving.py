"""What is sent on two links of one connection: neither waits for the other's list."""

from collections.abc import Sequence

import msgspec
from tests.feeds.made import LIMITS, ToyStream
from tests.feeds.simulated_venue import scene
from tests.virtual_time import in_virtual_time

from headwater.core.clock import SystemClock
from headwater.core.enums import Channel
from headwater.core.instruments import InstrumentTable
from headwater.core.records import Record
from headwater.feeds.link import Link, drop
from headwater.feeds.serving import REQUESTS_MAX, Serving
from headwater.feeds.session import Send, Session
from headwater.feeds.settings import SessionSettings
from headwater.feeds.staleness import SilenceWatch
from headwater.transport.pacing import MessagePacer
from headwater.venues.hyperliquid.venue import FACTS, HyperliquidVenue
from headwater.venues.hyperliquid.venue_side import HyperliquidSide
from headwater.venues.messages import Subscription
from headwater.venues.side import MarketView, ServerFrames, ServerSocket, VenueSide

PING = '{"method":"ping"}'


class HeardSocket(ServerSocket):
    """Passes everything on and writes down what the client says, with the socket's number."""

    def __init__(self, inner: ServerSocket, number: int, heard: list[tuple[int, str]]) -> None:
        self._inner = inner
        self._number = number
        self._heard = heard

    def receive(self, text: str, now_ms: int) -> ServerFrames:
        """Notes it."""
        self._heard.append((self._number, text))
        return self._inner.receive(text, now_ms)

    def receive_pong(self, now_ms: int) -> ServerFrames:
        """Passed on."""
        return self._inner.receive_pong(now_ms)

    def closed(self) -> None:
        """Passed on."""
        self._inner.closed()

    def deliver(self, record: Record) -> ServerFrames:
        """Passed on."""
        return self._inner.deliver(record)

    def tick(self, now_ms: int) -> ServerFrames:
        """Passed on."""
        return self._inner.tick(now_ms)


class HeardSide(HyperliquidSide):
    """The venue's end, listened to."""

    def __init__(self, market: MarketView, heard: list[tuple[int, str]]) -> None:
        super().__init__(market)
        self._heard = heard
        self._number = 0

    def open(self, path: str, query: Sequence[tuple[str, str]], client: str) -> ServerSocket | None:
        """Opens a socket and listens to it."""
        found = super().open(path, query, client)
        self._number += 1
        return None if found is None else HeardSocket(found, self._number, self._heard)


class SlowVenue(HyperliquidVenue):
    """One topic a message, three messages in 1.5 s, a heartbeat every half second, short lives."""

    facts = msgspec.structs.replace(
        FACTS,
        stream_limits=msgspec.structs.replace(
            FACTS.stream_limits, messages_per_s=4.0, heartbeat_s=0.5, max_age_s=4.0
        ),
    )

    def __init__(self) -> None:
        self.heard: list[tuple[int, str]] = []

    def venue_side(self, market: MarketView) -> VenueSide:
        """The venue's end, listened to."""
        return HeardSide(market, self.heard)


@in_virtual_time
async def test_the_old_link_beats_while_its_replacement_asks_for_a_long_list() -> None:
    venue = SlowVenue()
    async with scene(4, chosen=venue) as stage:
        channels = (Channel.TRADES, Channel.BOOK, Channel.QUOTES, Channel.TICKERS)
        wanted = [
            Subscription(channel=channel, native_symbol=one.native_symbol)
            for one in stage.feed.table
            for channel in channels
        ]
        leases = [stage.feed.acquire(one) for one in wanted]
        assert await stage.until(lambda: stage.feed.rotations > 0, 30)
        second = [at for at, (number, text) in enumerate(venue.heard) if number == 2]
        asked = [at for at in second if "subscribe" in venue.heard[at][1]]
        meanwhile = venue.heard[asked[0] : asked[-1]]
        assert len(asked) == len(wanted)
        assert meanwhile.count((1, PING)) >= 2
        assert meanwhile.count((2, PING)) >= 1, "nor do its own heartbeats wait for its list"
        assert stage.feed.gaps() == []
        for lease in leases:
            lease.release()


_TRADES = Subscription(channel=Channel.TRADES, native_symbol="AAA")


def _serving(*wanted: Subscription) -> Serving:
    clock, stream = SystemClock(), ToyStream()
    link = Link("ws://x", stream, InstrumentTable("toy", []), {}, drop, lambda: None)
    settings, now = SessionSettings(), clock.monotonic()
    watches = {one: SilenceWatch(None, settings, now) for one in wanted}
    session = Session(stream, LIMITS, settings, watches, now)
    session.want(wanted)
    return Serving(link, session, MessagePacer("toy", 1.0, clock=clock), clock)


def test_before_its_first_data_a_link_speaks_for_the_time_since_its_opening() -> None:
    made = _serving(_TRADES)
    assert made.last_data_ns == made.opened_ns
    stream = made.link.stream
    assert isinstance(stream, ToyStream)
    stream.subscribe([_TRADES])
    stream.data_ns[_TRADES] = made.opened_ns + 5
    assert made.last_data_ns == made.opened_ns + 5


async def test_requests_that_pile_up_end_the_link() -> None:
    made = _serving()
    for number in range(REQUESTS_MAX):
        made.send(Send("x", number))
        made.send(Send("beat"))
    assert made.is_asking
    before = made.link.closed
    made.send(Send("x", REQUESTS_MAX))
    after = made.link.closed
    assert before is None
    assert after is not None
    assert "requests wait" in after.reason
