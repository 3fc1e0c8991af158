"""Both halves of a venue in one process, without sockets: what one writes, the other reads.

A simulated market, the venue's own side over it, and the client's code of the same folder. Time
is the market's; bytes go from hand to hand.
"""

import pickle
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TypeVar
from urllib.parse import parse_qsl, urlsplit

import msgspec

from headwater.core.http_messages import HttpReply, HttpRequest
from headwater.core.instruments import Instrument, InstrumentTable
from headwater.core.records import Record
from headwater.simulator.exchange import SimulatedExchange
from headwater.venues.base import Venue
from headwater.venues.messages import Ack, RestCall, StreamEvent, StreamRequest, Subscription
from headwater.venues.side import ServerFrames, ServerReply, ServerRequest, ServerSocket

T = TypeVar("T")

START_MS = 1_790_000_040_000
STEP_MS = 50
CLIENT = "192.0.2.1"
REQUESTS_MAX = 200


@lru_cache(maxsize=32)
def _new_market(venue: Venue, symbols: tuple[str, ...], seed: int) -> bytes:
    """A market at its start, pickled: to copy one takes a fifth of what its past takes to make."""
    market = SimulatedExchange(
        seed=seed,
        start_ms=START_MS,
        exchange=venue.facts.venue_id,
        symbols=symbols,
        listed=venue.listed,
    )
    return pickle.dumps(market)


class Loopback:
    """One venue, its market and its client.

    Args:
        venue: whose folder.
        symbols: what the market lists.
        seed: decides what happens.
    """

    def __init__(
        self, venue: Venue, symbols: Sequence[str] = ("BTCUSDT", "ETHUSDT"), seed: int = 7
    ) -> None:
        self.venue = venue
        self.facts = venue.facts
        self.market: SimulatedExchange = pickle.loads(_new_market(venue, tuple(symbols), seed))
        self.side = venue.venue_side(self.market)
        self.requests: list[HttpRequest] = []
        empty = InstrumentTable(venue.facts.venue_id, [])
        self.table = InstrumentTable(
            venue.facts.venue_id, self.ask(venue.rest(empty).instruments())
        )
        self.rest = venue.rest(self.table)

    def instrument(self, symbol: str = "BTCUSDT") -> Instrument:
        """What the client knows of a contract."""
        return self.table.resolve(symbol)

    def ask(self, call: RestCall[T], pause_ms: int = 0) -> T:
        """Drives a REST call against the venue's side; its errors are thrown into the call.

        Args:
            call: the call.
            pause_ms: time that passes after each request, as pacing by a budget has it.
        """
        try:
            request = next(call)
            for _ in range(REQUESTS_MAX):
                reply = self.reply(request)
                if pause_ms:
                    self.market.advance_to(self.market.now_ms() + pause_ms)
                error = self.venue.error_of(reply)
                request = call.send(reply) if error is None else call.throw(error)
        except StopIteration as stop:
            result: T = stop.value
            return result
        raise AssertionError(f"no end after {REQUESTS_MAX} requests")

    def reply(self, request: HttpRequest) -> HttpReply:
        """One request and its reply."""
        self.requests.append(request)
        answer = self.side.answer(
            ServerRequest(
                method=request.method,
                path=request.path,
                query=request.query,
                client=CLIENT,
                body=request.body or b"",
                headers={name.lower(): value for name, value in request.headers},
            )
        )
        return http_reply(answer, self.market.now_ms())

    def open(self, endpoint: str) -> "Line":
        """A new connection to a WebSocket endpoint."""
        url = urlsplit(self.venue.stream_url(self.facts.environments["live"], endpoint))
        socket = self.side.open(url.path, tuple(parse_qsl(url.query)), CLIENT)
        assert socket is not None, f"the venue's side has no {url.path}"
        return Line(self, endpoint, socket)

    def follow(self, *subscriptions: Subscription) -> "Line":
        """A connection with these subscriptions, all of one endpoint, all answered."""
        line = self.open(self.venue.endpoint_of(subscriptions[0].channel))
        line.send(line.stream.subscribe(subscriptions))
        line.advance(1_000)
        return line


class Line:
    """One connection.

    Attributes:
        stream: the client's conversation.
        socket: the server's end.
        events: everything the client read, in order.
        truth: everything that happened on the market since the connection opened.
        texts: every text frame the server sent.
        closed: close code of the server, None while it is open.
    """

    def __init__(self, loop: Loopback, endpoint: str, socket: ServerSocket) -> None:
        self._loop = loop
        self.stream = loop.venue.stream(endpoint, loop.table)
        self.socket = socket
        self.events: list[StreamEvent] = []
        self.truth: list[Record] = []
        self.texts: list[str] = []
        self.closed: int | None = None
        self.asked: list[StreamRequest] = []

    def send(self, requests: Iterable[StreamRequest]) -> None:
        """Sends requests and reads what comes at once."""
        for request in requests:
            self.asked.append(request)
            self.say(request.payload)

    def say(self, text: str) -> None:
        """Sends one text frame."""
        self._read(self.socket.receive(text, self._loop.market.now_ms()))

    def advance(self, passed_ms: int) -> None:
        """Lets time pass, step by step, as the simulator's server does."""
        market = self._loop.market
        end_ms = market.now_ms() + passed_ms
        while market.now_ms() < end_ms:
            records = market.advance_to(market.now_ms() + STEP_MS)
            self.truth += records
            for record in records:
                self._read(self.socket.deliver(record))
            self._read(self.socket.tick(market.now_ms()))

    def acks(self) -> list[Ack]:
        """The venue's answers so far."""
        return [event for event in self.events if isinstance(event, Ack)]

    def records(self, kind: type[Record]) -> list[Record]:
        """Records of one kind so far."""
        return [event for event in self.events if isinstance(event, kind)]

    def _read(self, frames: ServerFrames) -> None:
        received_ns = self._loop.market.now_ms() * 1_000_000
        for text in frames.texts:
            self.texts.append(text)
            self.events += self.stream.feed(text.encode(), received_ns)
        if frames.ping is not None:
            self._read(self.socket.receive_pong(self._loop.market.now_ms()))
        if frames.close_code is not None:
            self.closed = frames.close_code


def http_reply(answer: ServerReply, now_ms: int) -> HttpReply:
    """A server's answer as the transport hands it over."""
    return HttpReply(
        status=answer.status,
        headers={name.lower(): value for name, value in answer.headers.items()},
        body=answer.body,
        received_ns=now_ms * 1_000_000,
    )


def without(record: Record, *fields: str) -> dict[str, object]:
    """A record's fields but some, for comparing what two sides say."""
    found = msgspec.structs.asdict(record)
    return {name: value for name, value in found.items() if name not in fields}
