"""One look at a venue from outside: does REST answer, is its clock near ours, do sockets open?

Used by `headwater doctor`; the running platform measures the same continuously.
"""

import msgspec

from headwater.core.clock import Clock
from headwater.core.errors import VenueError
from headwater.core.http_messages import HttpReply
from headwater.core.instruments import InstrumentTable
from headwater.transport.http import HttpClient
from headwater.transport.ws import CloseInfo, SocketOptions, open_socket
from headwater.venues.base import Venue
from headwater.venues.facts import Addresses
from headwater.venues.messages import RestCall


class ProbeResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a REST probe measured.

    Attributes:
        round_trip_ms: time from sending to the last byte.
        offset_ms: the venue's clock less ours at the middle of the round trip.
    """

    round_trip_ms: float
    offset_ms: int


class _Silent:
    """A listener that wants nothing but an open socket."""

    def on_frame(self, frame: bytes, received_ns: int) -> None:
        """Takes no notice."""

    def on_control(self, received_ns: int) -> None:
        """Takes no notice."""

    def on_close(self, info: CloseInfo) -> None:
        """Takes no notice."""


async def probe_time(
    venue: Venue, addresses: Addresses, clock: Clock, *, timeout_s: float
) -> ProbeResult:
    """Asks a venue for its time.

    Args:
        venue: which one.
        addresses: where it is.
        clock: ours.
        timeout_s: longest wait for the answer.

    Returns:
        How long it took and how far the clocks are apart.

    Raises:
        VenueError: it refused, failed or could not be reached.
        WireError: the answer could not be read.
    """
    http = HttpClient(clock)
    await http.start()
    call: RestCall[int] = venue.rest(InstrumentTable(venue.facts.venue_id, ())).server_time_ms()
    try:
        request = next(call)
        started = clock.monotonic()
        reply: HttpReply = await http.send(
            venue.facts.venue_id, addresses.rest, request, timeout_s=timeout_s
        )
        round_trip_ms = (clock.monotonic() - started) * 1000
        error: VenueError | None = venue.error_of(reply)
        if error is not None:
            raise error
        try:
            call.send(reply)
        except StopIteration as end:
            venue_ms: int = end.value
            middle_ms = reply.received_ns / 1_000_000 - round_trip_ms / 2
            return ProbeResult(round_trip_ms=round_trip_ms, offset_ms=round(venue_ms - middle_ms))
        raise AssertionError("a question for the time takes one request")
    finally:
        call.close()
        await http.close()


async def probe_stream(venue: Venue, addresses: Addresses, endpoint: str, clock: Clock) -> float:
    """Opens and closes one WebSocket of a venue.

    Args:
        venue: which one.
        addresses: where it is.
        endpoint: name of the WebSocket endpoint.
        clock: ours.

    Returns:
        Milliseconds until it was open.

    Raises:
        ConnectFailed: it could not be opened.
    """
    started = clock.monotonic()
    socket = await open_socket(
        venue.stream_url(addresses, endpoint), _Silent(), clock=clock, options=SocketOptions()
    )
    taken_ms = (clock.monotonic() - started) * 1000
    socket.close()
    await socket.wait_closed()
    return taken_ms
