"""The sending half of one client: straight to the socket, or held back while it is slow.

A client is slow from the moment the kernel takes no more of its data until it has taken all. What
is published meanwhile is held in a `Backlog` and follows in chunks; a chunk starts when the one
before has been taken. A new client begins like a slow one: held back until its initial messages
are sent.

Knows nothing of frames received, phases and time-outs; see `stream_client`.
"""

import asyncio
import socket
from collections.abc import Sequence
from typing import Final, Protocol

from headwater.api.stream_backlog import Backlog
from headwater.api.stream_contract import HubCounters, StreamLimits
from headwater.api.stream_topics import Audience, HubTopic
from headwater.api.websocket_frames import Opcode, encode_frame

_NOTSENT_LOWAT: Final[int | None] = getattr(socket, "TCP_NOTSENT_LOWAT", None)


class OutboxOwner(Protocol):
    """What an outbox tells its client."""

    def became_slow(self) -> None:
        """The kernel has not taken what it was given; said again for every further chunk."""

    def caught_up(self) -> None:
        """Nothing waits any more."""

    def overflowed(self) -> None:
        """What must not be lost does not fit: the client has to be closed."""


class Outbox:
    """What one client is sent. A `Member` of its audience.

    Args:
        owner: the client.
        transport: of its connection.
        audience: where its events come from.
        limits: the hub's.
        counters: the hub's.
    """

    __slots__ = (
        "_audience",
        "_backlog",
        "_counters",
        "_descriptor",
        "_limits",
        "_owner",
        "_paused",
        "_transport",
    )

    def __init__(
        self,
        owner: OutboxOwner,
        transport: asyncio.Transport,
        audience: Audience,
        limits: StreamLimits,
        counters: HubCounters,
    ) -> None:
        self._owner = owner
        self._transport = transport
        self._audience = audience
        self._limits = limits
        self._counters = counters
        self._backlog: Backlog | None = Backlog()
        self._descriptor = self._prepare_transport()
        # an earlier answer on this connection may still wait; then the transport says when not
        self._paused = transport.get_write_buffer_size() > 0
        audience.hold_back(self)

    @property
    def buffered_bytes(self) -> int:
        """Memory that waits: in the transport and held back."""
        held = 0 if self._backlog is None else self._backlog.bytes_held
        return self._transport.get_write_buffer_size() + held

    @property
    def is_behind(self) -> bool:
        """Whether events are held back."""
        return self._backlog is not None

    def write(self, data: bytes) -> None:
        """Hands whole frames, or the rest of what a direct write has begun, to the transport."""
        self._transport.write(data)

    def hold(self, frames: Sequence[bytes], topics: Sequence[HubTopic]) -> None:
        """Takes events that cannot be sent now, as the policies of their topics say."""
        backlog = self._backlog
        if backlog is None:
            return
        room = self._limits.buffer_bytes - self._transport.get_write_buffer_size()
        for frame, topic in zip(frames, topics, strict=True):
            if not backlog.hold(topic, frame, room):
                self._owner.overflowed()
                return

    def send(self, payloads: Sequence[bytes]) -> None:
        """Sends text messages to this client alone, after every event published before."""
        self._audience.flush()
        frames = [encode_frame(Opcode.TEXT, payload) for payload in payloads]
        room = self._limits.buffer_bytes - self._transport.get_write_buffer_size()
        if self._backlog is not None:
            if not all(self._backlog.keep(frame, room) for frame in frames):
                self._owner.overflowed()
        elif sum(map(len, frames)) > room:
            self._owner.overflowed()
        else:
            self._write_frames(frames)

    def start(self, initial: Sequence[bytes]) -> None:
        """Sends the initial messages, then what was published meanwhile.

        Raises:
            ValueError: the initial messages are longer than may wait for a client.
        """
        frames = [encode_frame(Opcode.TEXT, payload) for payload in initial]
        length, allowed = sum(map(len, frames)), self._limits.max_payload_bytes
        if length > allowed:
            raise ValueError(f"initial messages of {length} bytes: at most {allowed}")
        if frames:
            self._write_frames(frames)
        self._catch_up()

    def flush(self) -> None:
        """Sends or holds what was published so far; the client may have been closed after it."""
        self._audience.flush()

    def move(self, audience: Audience) -> None:
        """Changes the audience, right after `flush`; what is held of topics left is discarded."""
        left, self._audience = self._audience, audience
        if left is audience:
            return
        if self._backlog is None:
            audience.join(self, self._descriptor)
        else:
            audience.hold_back(self)
            self._backlog.keep_only(frozenset(audience.topics))
        left.leave(self)

    def pause(self) -> None:
        """The kernel takes no more."""
        self._paused = True
        if self._backlog is None:
            self._backlog = Backlog()
            self._audience.hold_back(self)
            self._owner.became_slow()

    def resume(self, *, loading: bool) -> None:
        """The kernel has taken all.

        Args:
            loading: whether the initial messages are still to come.
        """
        self._paused = False
        if not loading:
            self._catch_up()

    def leave(self) -> None:
        """Gets no more events; what is held back is discarded."""
        self._backlog = None
        self._audience.leave(self)

    def _catch_up(self) -> None:
        """Sends what is held, chunk by chunk, for as long as the kernel takes it."""
        while not self._paused:
            self._audience.flush()  # what waits there is to be held first; it may overflow
            backlog = self._backlog
            if backlog is None:
                return
            before = backlog.held
            frames = backlog.take(self._limits.chunk_bytes)
            if not frames:
                self._backlog = None
                self._audience.join(self, self._descriptor)
                self._owner.caught_up()
                return
            self._counters.delivered += before - backlog.held
            self._write_frames(frames)
        self._owner.became_slow()

    def _write_frames(self, frames: Sequence[bytes]) -> None:
        """Hands frames to the transport in one write."""
        data = b"".join(frames)
        self._counters.writes += 1
        self._counters.bytes_written += len(data)
        self._transport.write(data)

    def _prepare_transport(self) -> int:
        """Makes the transport tell at once when the kernel takes no more.

        Returns:
            Descriptor of the socket for direct writes, -1 where there must be none.
        """
        transport = self._transport
        if transport.get_extra_info("sslcontext") is not None:
            # TLS records are made by the transport, which cannot work without a buffer.
            transport.set_write_buffer_limits(high=self._limits.chunk_bytes)
            return -1
        transport.set_write_buffer_limits(high=0)
        connection = transport.get_extra_info("socket")
        if connection is None:
            return -1
        if _NOTSENT_LOWAT is not None and connection.family in (socket.AF_INET, socket.AF_INET6):
            size = self._limits.kernel_unsent_bytes
            connection.setsockopt(socket.IPPROTO_TCP, _NOTSENT_LOWAT, size)
        return int(connection.fileno())
