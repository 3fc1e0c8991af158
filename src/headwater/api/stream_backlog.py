"""What waits for one slow client, and what it misses: a plain structure, no sockets, no time.

The policy belongs to the topic. State topics keep only their newest frame; event topics drop
their oldest frames and the client is told how many, at the place of the hole; frames that must
not be lost end the connection when they do not fit. The order within a topic is kept; between
topics of a slow client it is not.
"""

from collections import deque
from collections.abc import Collection
from typing import Protocol

import msgspec

from headwater.api.websocket_frames import Opcode, encode_frame
from headwater.bus.topics import SlowPolicy


class DroppedNotice(msgspec.Struct, frozen=True, tag_field="type", tag="dropped"):
    """Tells a client that it was too slow: `{"type":"dropped","topic":"...","count":3}`.

    Attributes:
        topic: key of the topic.
        count: events it missed between the one before this message and the one after.
    """

    topic: str
    count: int


def dropped_notice(key: str, count: int) -> bytes:
    """The notice of a topic, as JSON."""
    return msgspec.json.encode(DroppedNotice(topic=key, count=count))


class Source(Protocol):
    """What a backlog knows of a topic."""

    key: str
    policy: SlowPolicy
    dropped: int
    conflated: int
    notice_bytes: int

    def notice(self, count: int) -> bytes:
        """Tells a client of `count` events it missed, in at most `notice_bytes` with its frame."""


class Backlog:
    """Frames that wait for one client; made when it becomes slow, taken from as it catches up."""

    __slots__ = ("_events", "_kept", "_latest", "_missed", "bytes_held")

    def __init__(self) -> None:
        self._kept: list[bytes] = []
        self._events: deque[tuple[Source, bytes]] = deque()
        self._latest: dict[Source, bytes] = {}
        self._missed: dict[Source, int] = {}
        self.bytes_held = 0
        """Memory held, never more than the room it was last given."""

    def keep(self, frame: bytes, room: int) -> bool:
        """Holds a frame that must not be lost.

        Args:
            frame: a whole frame.
            room: most bytes that may be held together.

        Returns:
            Whether it fits; if not, the client must be disconnected.
        """
        self._kept.append(frame)
        self.bytes_held += len(frame)
        return self._shrink(room)

    def hold(self, source: Source, frame: bytes, room: int) -> bool:
        """Holds an event of a topic, as the topic's policy says.

        Args:
            source: the topic.
            frame: a whole frame.
            room: most bytes that may be held together.

        Returns:
            Whether what must not be lost still fits; if not, the client must be disconnected.
        """
        if source.policy is SlowPolicy.DISCONNECT:
            return self.keep(frame, room)
        if source.policy is SlowPolicy.LATEST:
            replaced = self._latest.pop(source, None)
            if replaced is not None:
                source.conflated += 1
                self.bytes_held -= len(replaced)
            self._latest[source] = frame
        else:
            self._events.append((source, frame))
        self.bytes_held += len(frame)
        return self._shrink(room)

    def take(self, chunk_bytes: int) -> list[bytes]:
        """Removes frames in the order to send them.

        What must not be lost comes first: an answer may be the beginning of a topic. Notices of
        what was missed come before the events after it.

        Args:
            chunk_bytes: at most so many bytes of events, but at least one; all else is taken.

        Returns:
            Whole frames; empty when nothing is held.
        """
        frames = self._kept
        frames += (
            encode_frame(Opcode.TEXT, source.notice(count))
            for source, count in self._missed.items()
        )
        frames += self._latest.values()
        self._missed, self._kept, self._latest = {}, [], {}
        events, taken = self._events, 0
        while events and taken < chunk_bytes:
            frame = events.popleft()[1]
            frames.append(frame)
            taken += len(frame)
        self.bytes_held = sum(len(frame) for _, frame in events)
        return frames

    def keep_only(self, sources: Collection[Source]) -> None:
        """Discards the events of all other topics and what was to be told of them."""
        kept = [(source, frame) for source, frame in self._events if source in sources]
        self._events = deque(kept)
        self._latest = {source: f for source, f in self._latest.items() if source in sources}
        self._missed = {source: n for source, n in self._missed.items() if source in sources}
        self.bytes_held = (
            sum(len(frame) for _, frame in kept)
            + sum(map(len, self._latest.values()))
            + sum(map(len, self._kept))
            + sum(source.notice_bytes for source in self._missed)
        )

    @property
    def held(self) -> int:
        """Frames held, notices not counted."""
        return len(self._kept) + len(self._events) + len(self._latest)

    def _shrink(self, room: int) -> bool:
        """Drops the oldest events until `room` is kept; whether that was enough."""
        while self.bytes_held > room and self._events:
            source, frame = self._events.popleft()
            self.bytes_held -= len(frame)
            source.dropped += 1
            if source not in self._missed:
                self._missed[source] = 0
                self.bytes_held += source.notice_bytes
            self._missed[source] += 1
        return self.bytes_held <= room
