"""One topic of the many-topic socket: its numbers, its recent messages, where a client begins.

A message is numbered when it is published, once for all clients, so two clients see equal numbers
and a client that comes back may go on from its last one while the message after it is still kept.

Where a client begins depends on the kind of data. Of a *state* (book, ticker, mark price, candle)
the newest message says everything: that is the snapshot; while there is none, or the newest is
old, clients wait for the next, loaded or live. *Events* begin with the newest of them.

Knows nothing of sockets, names and leases; see `topic_session` and `topic_board`.
"""

import logging
from collections import deque
from collections.abc import Callable
from itertools import islice
from typing import Final, Protocol

import msgspec

from headwater.api.stream_topics import HubTopic
from headwater.api.stream_wishes import StreamWish
from headwater.bus.topics import SlowPolicy
from headwater.core.records import BookSnapshot, Candle

RING_MESSAGES: Final = 256
"""Messages kept for clients that come back; beyond it the oldest go."""

RING_BYTES: Final = 128 * 1024
"""The same as an amount."""

RECENT_EVENTS: Final = 50
"""Most events in a snapshot."""

LOADED_MAX_AGE_S: Final = 10.0
"""A book or candle older than this is asked for again before a client begins with it: the venue may
have been lost meanwhile. Books come every 100 ms where anything happens."""

HEARD_MAX_AGE_S: Final = 60.0
"""The same for tickers and mark prices, which can only be awaited; quiet ones come every 10 s."""

_logger = logging.getLogger(__name__)


class ChannelListener(Protocol):
    """A client that waits for its beginning."""

    def begin(self, channel: "TopicChannel") -> None:
        """There is a snapshot now; the message it is made of was not given to this client."""


class TopicChannel:
    """A topic's life. An `Outlet` of the stream publisher.

    Args:
        wish: which stream.
        topic: of the hub; reaches those who have begun.
        first: number of the state before the first message, greater than any that this topic
            has ever had.
        monotonic: tells ages, in seconds.

    Attributes:
        key: the topic's name.
        policy: what happens to slow clients.
        seq: number of the newest message.
    """

    def __init__(
        self, wish: StreamWish, topic: HubTopic, first: int, monotonic: Callable[[], float]
    ) -> None:
        self.wish = wish
        self.topic = topic
        self.key = topic.key
        self.policy = topic.policy
        self.seq = first
        self._monotonic = monotonic
        self._is_state = self.policy is SlowPolicy.LATEST or wish.spec.record is Candle
        can_be_asked_for = wish.spec.record in (BookSnapshot, Candle)
        self._max_age_s = LOADED_MAX_AGE_S if can_be_asked_for else HEARD_MAX_AGE_S
        self._newest: bytes | None = None
        self._newest_at = 0.0
        self._opened_ms = 0
        self._ring: deque[bytes] = deque()
        self._ring_bytes = 0
        self._waiting: dict[ChannelListener, None] = {}
        name = msgspec.json.encode(self.key)
        self._update_head = b'{"type":"update","topic":%b,"seq":' % name
        self._snapshot_head = b'{"type":"snapshot","topic":%b,"seq":' % name

    # For the publisher

    def is_wanted(self, record: object) -> bool:
        """Whether the record passes the topic's filter."""
        wants = self.wish.wants
        return wants is None or wants(record)

    def publish(self, payload: bytes, record: object = None) -> None:
        """Numbers a message, keeps it and sends it to those who have begun.

        Args:
            payload: JSON.
            record: what it was made of; has passed the filter already.
        """
        self.seq += 1
        self._keep(payload)
        if self.topic.has_subscribers:
            self.topic.publish(_message(self._update_head, self.seq, payload))
        if self._is_state and not self._is_correction(record):
            self._set_state(payload)

    def tell_missed(self, count: int) -> None:
        """The server lost messages here, so nobody can go on from before; one number is left out.

        Args:
            count: at most so many.
        """
        self.seq += 1
        self._ring.clear()
        self._ring_bytes = 0
        self.topic.tell_missed(count)

    # For clients

    @property
    def has_snapshot(self) -> bool:
        """Whether a client can begin now."""
        if not self._is_state:
            return True
        if self._newest is None:
            return False
        return self._monotonic() - self._newest_at <= self._max_age_s

    def snapshot(self, room: int) -> bytes:
        """The message a client begins with; only when there is one.

        Args:
            room: at most so many bytes of events; a state is always whole.
        """
        if self._is_state:
            assert self._newest is not None, "nothing to begin with yet"
            return _message(self._snapshot_head, self.seq, self._newest)
        recent: deque[bytes] = deque()
        for payload in islice(reversed(self._ring), RECENT_EVENTS):
            room -= len(payload) + 1
            if room < 0:
                break
            recent.appendleft(payload)
        return _message(self._snapshot_head, self.seq, b"[%b]" % b",".join(recent))

    def is_kept(self, after: int) -> bool:
        """Whether every message after this number is still kept."""
        if self._is_state and self._newest is None:
            return False
        return self.seq - len(self._ring) <= after <= self.seq

    def since(self, after: int) -> list[bytes]:
        """The messages after a number, which `is_kept`, as they were sent."""
        first = after - (self.seq - len(self._ring))
        return [
            _message(self._update_head, after + 1 + place, payload)
            for place, payload in enumerate(list(self._ring)[first:])
        ]

    def wait(self, listener: ChannelListener) -> None:
        """Has the listener begin as soon as there is a snapshot."""
        self._waiting[listener] = None

    def stop_waiting(self, listener: ChannelListener) -> None:
        """Forgets a listener that waits; harmless when it does not."""
        self._waiting.pop(listener, None)

    # For the board

    def offer(self, payload: bytes) -> None:
        """A state that was asked for; it is taken unless a live one came meanwhile."""
        if not self.has_snapshot:
            self._set_state(payload)

    # Inside

    def _set_state(self, payload: bytes) -> None:
        """A client can begin with this; those who wait do."""
        self._newest, self._newest_at = payload, self._monotonic()
        if not self._waiting:
            return
        waiting, self._waiting = self._waiting, {}
        for listener in waiting:
            try:
                listener.begin(self)
            except Exception:
                _logger.exception("a client could not begin with %s", self.key)

    def _is_correction(self, record: object) -> bool:
        """Whether this is a candle of the past that late trades changed: no client begins there."""
        if not isinstance(record, Candle):
            return False
        opened_ms, self._opened_ms = self._opened_ms, max(self._opened_ms, record.timestamp_ms)
        return record.timestamp_ms < opened_ms

    def _keep(self, payload: bytes) -> None:
        """Remembers a message within the bounds."""
        ring = self._ring
        ring.append(payload)
        self._ring_bytes += len(payload)
        while len(ring) > RING_MESSAGES or (ring and self._ring_bytes > RING_BYTES):
            self._ring_bytes -= len(ring.popleft())


def _message(head: bytes, seq: int, data: bytes) -> bytes:
    """A message with its number."""
    return b'%b%d,"data":%b}' % (head, seq, data)
