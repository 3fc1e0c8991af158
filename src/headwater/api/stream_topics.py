"""Topics and audiences: one event is framed once and handed to many sockets.

An *audience* is all clients with the same topics and the same filter. Events are put in the
list of each audience they concern and leave in one write per client at the end of the loop turn;
the joined bytes are one object shared by all members, so the work per client is one call.

That call is `os.write` on the client's socket where possible: it adds about half as much to the
system call as a transport does. It is safe because a member is only written to while its
transport holds nothing back (its buffer limit is 0, so `pause_writing` tells at once), and
because a transport closes its socket only after `connection_lost`, where the member leaves. What
the socket does not take, and every error, goes to the transport. `os.write` lets go of the
interpreter lock, so beside a thread that computes in Python it can become slow; the hub watches
for that and clears `direct` for a while.

Knows nothing of handshakes, time and limits on clients; see `stream_outbox` and `stream_hub`.
"""

import os
from collections.abc import Callable, Hashable, Sequence
from typing import Final, Protocol

from headwater.api.stream_backlog import dropped_notice
from headwater.api.stream_contract import HubCounters, TopicStats
from headwater.api.websocket_frames import Opcode, encode_frame
from headwater.bus.topics import SlowPolicy

Wants = Callable[[object], bool]
AudienceKey = tuple[Hashable, ...]
Notice = Callable[[str, int], bytes]
"""Makes the message that tells a client of events it missed: of the topic's key and their count."""

_COUNT_MAX: Final = 2**53
"""Most events that a notice has room for."""

_FRAME_BYTES: Final = 10
"""Longest header of a frame that a server sends."""


class Member(Protocol):
    """What an audience needs of a client."""

    def write(self, data: bytes) -> None:
        """Sends whole frames, or the rest of what a direct write has begun."""

    def hold(self, frames: Sequence[bytes], topics: Sequence["HubTopic"]) -> None:
        """Takes events while the client is slow; `topics[i]` is where `frames[i]` comes from."""


class AudienceOwner(Protocol):
    """What an audience needs of the hub.

    Attributes:
        counters: what is counted.
        direct: whether sockets may be written to beneath their transports now.
    """

    counters: HubCounters
    direct: bool

    def mark_dirty(self, audience: "Audience") -> None:
        """Events begin to wait: `flush` is to be called at the end of this loop turn."""

    def audience_empty(self, audience: "Audience") -> None:
        """The last member has left."""


class Audience:
    """Clients that get the same events.

    Args:
        owner: the hub.
        key: its identity in the hub.
        topics: what its members joined.
        wants: the filter they share, None for all records.
        chunk_bytes: events leave early when more than this has gathered in one loop turn.
    """

    __slots__ = (
        "_chunk_bytes",
        "_frames",
        "_owner",
        "_pending_bytes",
        "_ready",
        "_slow",
        "_sources",
        "_targets",
        "key",
        "topics",
        "wants",
    )

    def __init__(
        self,
        owner: AudienceOwner,
        *,
        key: AudienceKey,
        topics: tuple["HubTopic", ...],
        wants: Wants | None,
        chunk_bytes: int,
    ) -> None:
        self._owner = owner
        self.key = key
        self.topics = topics
        self.wants = wants
        self._chunk_bytes = chunk_bytes
        self._frames: list[bytes] = []
        self._sources: list[HubTopic] = []
        self._pending_bytes = 0
        self._ready: dict[Member, int] = {}
        self._targets: tuple[tuple[Member, int], ...] | None = ()
        self._slow: dict[Member, None] = {}

    def __len__(self) -> int:
        return len(self._ready) + len(self._slow)

    @property
    def slow(self) -> tuple[Member, ...]:
        """Members whose events are held back now."""
        return tuple(self._slow)

    def append(self, frame: bytes, source: "HubTopic") -> None:
        """Adds an event for all members, to leave with the others of this loop turn."""
        frames = self._frames
        if not frames:
            self._owner.mark_dirty(self)
        frames.append(frame)
        self._sources.append(source)
        self._pending_bytes += len(frame)
        if self._pending_bytes > self._chunk_bytes:
            self.flush()

    def flush(self) -> None:
        """Sends what waits, one write per member; harmless when nothing does."""
        frames = self._frames
        if not frames:
            return
        sources = self._sources
        self._frames, self._sources, self._pending_bytes = [], [], 0
        slow = self.slow if self._slow else ()  # before the writes: they may make more slow
        data = frames[0] if len(frames) == 1 else b"".join(frames)
        targets = self._targets
        if targets is None:
            targets = self._targets = tuple(self._ready.items())
        owner = self._owner
        if owner.direct:
            _write_direct(targets, data)
        else:
            for member, _ in targets:
                member.write(data)
        counters = owner.counters
        counters.writes += len(targets)
        counters.delivered += len(targets) * len(frames)
        counters.bytes_written += len(targets) * len(data)
        for member in slow:
            member.hold(frames, sources)

    def join(self, member: Member, descriptor: int) -> None:
        """Lets `member` get what is published from now on.

        Args:
            member: a client whose transport holds nothing back.
            descriptor: of its socket, -1 when only its `write` may be used.
        """
        self.flush()
        self._slow.pop(member, None)
        self._ready[member] = descriptor
        self._targets = None

    def hold_back(self, member: Member) -> None:
        """Hands the events of `member` to its `hold` until it joins again.

        A new member gets none of the events that wait now; one that has become slow gets them.
        """
        if self._ready.pop(member, None) is None:
            self.flush()
        self._slow[member] = None
        self._targets = None

    def leave(self, member: Member) -> None:
        """Forgets `member`; harmless when it is not one."""
        self._ready.pop(member, None)
        self._slow.pop(member, None)
        self._targets = None
        if not self._ready and not self._slow:
            self._owner.audience_empty(self)


def _write_direct(targets: Sequence[tuple[Member, int]], data: bytes) -> None:
    """Writes `data` to each socket, and to the transport what the socket does not take."""
    write, size = os.write, len(data)
    for member, descriptor in targets:
        try:
            sent = write(descriptor, data)
        except OSError:  # full, ended, or -1: the transport knows what to do
            sent = 0
        if sent != size:
            member.write(data[sent:])


class HubTopic:
    """One stream of events. Made by `StreamHub.topic`.

    Args:
        key: its name, as `StreamAccepted.topics` and the `dropped` message give it.
        policy: what happens to the events of a slow client.
        max_payload_bytes: longest message.
        notice: makes what a client is told of events it missed.
    """

    __slots__ = (
        "_audiences",
        "_heard_by",
        "_max_payload_bytes",
        "_notice",
        "conflated",
        "dropped",
        "key",
        "notice_bytes",
        "policy",
        "published",
    )

    def __init__(
        self,
        key: str,
        policy: SlowPolicy,
        max_payload_bytes: int,
        notice: Notice = dropped_notice,
    ) -> None:
        self.key = key
        self.policy = policy
        self._max_payload_bytes = max_payload_bytes
        self._notice = notice
        self.notice_bytes = len(notice(key, _COUNT_MAX)) + _FRAME_BYTES
        # clients of many topics change audiences often, so both sides cost the same for a thousand
        self._heard_by: dict[Audience, None] = {}
        self._audiences: tuple[Audience, ...] | None = ()
        self.published = 0
        self.dropped = 0
        self.conflated = 0

    @property
    def has_subscribers(self) -> bool:
        """Whether anyone would get an event; saves encoding one for nobody."""
        return bool(self._heard_by)

    @property
    def audiences(self) -> tuple[Audience, ...]:
        """Those who hear this topic."""
        if self._audiences is None:
            self._audiences = tuple(self._heard_by)
        return self._audiences

    @property
    def subscribers(self) -> int:
        """Clients joined now."""
        return sum(len(audience) for audience in self.audiences)

    def add_audience(self, audience: Audience) -> None:
        """Lets an audience hear what is published from now on."""
        self._heard_by[audience] = None
        self._audiences = None

    def remove_audience(self, audience: Audience) -> None:
        """Forgets an audience."""
        self._heard_by.pop(audience, None)
        self._audiences = None

    def is_wanted(self, record: object) -> bool:
        """Whether any client's filter lets a record pass; saves encoding one for nobody."""
        audiences = self._audiences
        for audience in self.audiences if audiences is None else audiences:
            wants = audience.wants
            if wants is None or wants(record):
                return True
        return False

    def publish(self, payload: bytes, record: object = None) -> None:
        """Sends an event to every client of the topic, at the end of this loop turn.

        Args:
            payload: UTF-8 text, framed as it is; not checked.
            record: what the clients' filters look at; without one every client gets the event.

        Raises:
            ValueError: `payload` is longer than a client may have waiting.
        """
        self.published += 1
        audiences = self._audiences
        if audiences is None:
            audiences = self.audiences
        if not audiences:
            return
        if len(payload) > self._max_payload_bytes:
            raise ValueError(
                f"payload of {len(payload)} bytes on {self.key}: at most {self._max_payload_bytes}"
            )
        frame = encode_frame(Opcode.TEXT, payload)
        for audience in audiences:
            wants = audience.wants
            if wants is None or record is None or wants(record):
                audience.append(frame, self)

    def tell_missed(self, count: int) -> None:
        """Tells every client that the server itself lost at most `count` events."""
        self.publish(self.notice(count))

    def notice(self, count: int) -> bytes:
        """What a client is told that missed `count` events."""
        return self._notice(self.key, count)

    def stats(self) -> TopicStats:
        """Counters now."""
        return TopicStats(
            key=self.key,
            policy=self.policy,
            subscribers=self.subscribers,
            published=self.published,
            dropped=self.dropped,
            conflated=self.conflated,
        )
