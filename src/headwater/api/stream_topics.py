"""Topics and audiences: one event is framed once and handed to many sockets.

An *audience* is all clients with the same topics and the same filter. Events are put in the
list of each audience they concern and leave in one write per client at the end of the loop turn;
the joined bytes are one object shared by all members, so the work per client is one call.

Knows nothing of handshakes, time and limits on clients; see `stream_client` and `stream_hub`.
"""

from collections.abc import Callable, Hashable, Sequence
from typing import Protocol

from headwater.api.stream_contract import HubCounters, TopicStats
from headwater.api.websocket_frames import Opcode, encode_frame
from headwater.bus.topics import SlowPolicy

Wants = Callable[[object], bool]
AudienceKey = tuple[Hashable, ...]


class Member(Protocol):
    """What an audience needs of a client."""

    def hold(self, frames: Sequence[bytes], topics: Sequence["HubTopic"]) -> None:
        """Takes events while the client is slow; `topics[i]` is where `frames[i]` comes from."""


class AudienceOwner(Protocol):
    """What an audience needs of the hub."""

    counters: HubCounters

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
        "_calls",
        "_chunk_bytes",
        "_frames",
        "_owner",
        "_pending_bytes",
        "_slow",
        "_sources",
        "_writers",
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
        self._writers: dict[Member, Callable[[bytes], None]] = {}
        self._calls: tuple[Callable[[bytes], None], ...] | None = ()
        self._slow: dict[Member, None] = {}

    def __len__(self) -> int:
        return len(self._writers) + len(self._slow)

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
        calls = self._calls
        if calls is None:
            calls = self._calls = tuple(self._writers.values())
        for write in calls:
            write(data)
        counters = self._owner.counters
        counters.delivered += len(calls) * len(frames)
        counters.bytes_written += len(calls) * len(data)
        for member in slow:
            member.hold(frames, sources)

    def join(self, member: Member, write: Callable[[bytes], None]) -> None:
        """Lets `member` get what is published from now on, through `write`."""
        self.flush()
        self._slow.pop(member, None)
        self._writers[member] = write
        self._calls = None

    def hold_back(self, member: Member) -> None:
        """Hands the events of `member` to its `hold` until it joins again."""
        self.flush()
        self._writers.pop(member, None)
        self._slow[member] = None
        self._calls = None

    def leave(self, member: Member) -> None:
        """Forgets `member`; harmless when it is not one."""
        self._writers.pop(member, None)
        self._slow.pop(member, None)
        self._calls = None
        if not self._writers and not self._slow:
            self._owner.audience_empty(self)


class HubTopic:
    """One stream of events. Made by `StreamHub.topic`.

    Args:
        key: its name, as `StreamAccepted.topics` and the `dropped` message give it.
        policy: what happens to the events of a slow client.
        max_payload_bytes: longest message.
    """

    __slots__ = (
        "_max_payload_bytes",
        "audiences",
        "conflated",
        "dropped",
        "key",
        "policy",
        "published",
    )

    def __init__(self, key: str, policy: SlowPolicy, max_payload_bytes: int) -> None:
        self.key = key
        self.policy = policy
        self._max_payload_bytes = max_payload_bytes
        self.audiences: tuple[Audience, ...] = ()
        self.published = 0
        self.dropped = 0
        self.conflated = 0

    @property
    def has_subscribers(self) -> bool:
        """Whether anyone would get an event; saves encoding one for nobody."""
        return bool(self.audiences)

    @property
    def subscribers(self) -> int:
        """Clients joined now."""
        return sum(len(audience) for audience in self.audiences)

    def publish(self, payload: bytes, record: object = None) -> None:
        """Sends an event to every client of the topic, at the end of this loop turn.

        Args:
            payload: UTF-8 text, framed as it is; not checked.
            record: what the clients' filters look at; without one every client gets the event.

        Raises:
            ValueError: `payload` is longer than a client may have waiting.
        """
        self.published += 1
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
