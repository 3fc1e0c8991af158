"""What the stream hub and the application agree on: requests, decisions, limits, counters.

The application gives the hub one `StreamResolver`; everything about venues, symbols and
permissions is decided there. Nothing here opens, reads or writes a socket.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol, TypeAlias

import msgspec

from headwater.bus.topics import SlowPolicy
from headwater.core.errors import ConfigError

KIB: Final = 1024
"""Bytes in a kibibyte."""


class StreamLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Every bound of the hub. A client that reaches one is told why it is refused or closed.

    Attributes:
        max_clients: sockets at a time, those still being resolved included; beyond it 503.
        max_clients_per_ip: the same for one address; beyond it 429.
        max_topics: topics at a time.
        max_topics_per_client: topics of one client that may choose them while connected.
        max_frame_bytes: longest frame a client may send; beyond it close 1009.
        max_message_bytes: longest message a client may send in fragments; beyond it close 1009.
        max_inbound_frames_per_s: frames a client may send in one second; beyond it close 1008.
        buffer_bytes: most that may wait in memory for one client, socket buffer and held events
            together; what happens at the bound is the topic's `SlowPolicy`.
        chunk_bytes: most of it that is written at once, and the most that gathers in one loop
            turn before it leaves. No more than an eighth of `buffer_bytes`.
        kernel_unsent_bytes: most the kernel may hold unsent for one client (Linux
            TCP_NOTSENT_LOWAT), so that a slow client is noticed early.
        slow_close_s: a client that does not take one chunk in this time is closed with 1013.
        ping_interval_s: silence after which, and how often, a client is pinged.
        ping_timeout_s: a client that sends nothing for this long after a ping is closed, 1011.
        resolve_timeout_s: time the application has to decide on a request, and once more to
            load its initial messages; beyond it close 1011.
        close_timeout_s: time a client has to answer a close before its socket is cut.
        sweep_interval_s: how exact the four times above are.
    """

    max_clients: int = 10_000
    max_clients_per_ip: int = 10_000
    max_topics: int = 100_000
    max_topics_per_client: int = 200
    max_frame_bytes: int = 64 * KIB
    max_message_bytes: int = 64 * KIB
    max_inbound_frames_per_s: int = 100
    buffer_bytes: int = 1024 * KIB
    chunk_bytes: int = 64 * KIB
    kernel_unsent_bytes: int = 256 * KIB
    slow_close_s: float = 10.0
    ping_interval_s: float = 20.0
    ping_timeout_s: float = 20.0
    resolve_timeout_s: float = 10.0
    close_timeout_s: float = 5.0
    sweep_interval_s: float = 1.0

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            if getattr(self, name) <= 0:
                raise ConfigError(name, f"is {getattr(self, name)}", "more than 0")
        if self.chunk_bytes > self.buffer_bytes // 8:
            problem = f"is {self.chunk_bytes}"
            raise ConfigError("chunk_bytes", problem, f"at most {self.buffer_bytes // 8}")

    @property
    def max_payload_bytes(self) -> int:
        """Longest message a topic may carry: half of what may wait for a client."""
        return self.buffer_bytes // 2


class StreamRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A client asks for a stream.

    Attributes:
        path: percent-decoded.
        query: not decoded, without the `?`; empty when there is none.
        headers: names in lower case, in the order sent.
        client_host: the peer's address, or the one a trusted proxy names; empty when unknown.
        scheme: `http` or `https`, of the connection to this process.
    """

    path: str
    query: str
    headers: tuple[tuple[bytes, bytes], ...]
    client_host: str
    scheme: str

    def header(self, name: bytes) -> bytes | None:
        """The first value of `name` (lower case), None when the client did not send it."""
        return next((value for key, value in self.headers if key == name), None)


class StreamHandle(Protocol):
    """What the application may do with a connected client. Harmless once its socket has ended."""

    @property
    def close_code(self) -> int | None:
        """The first close code that either side gave; None when neither has given one."""

    @property
    def is_behind(self) -> bool:
        """Whether messages wait for the client (until `on_drained`), or it has ended."""

    def send(self, payloads: Sequence[bytes]) -> None:
        """Sends text messages to this client alone, after every event published before.

        A client for whom so much cannot wait is closed with 1013.
        """

    def listen(self, topics: Sequence[str]) -> None:
        """From now on the client hears these topics and no others, without a filter.

        It has been given what was published before on the topics it had, and gets what is
        published from here on of those it has now; what waits for it of a topic that it gave up
        is discarded.

        Args:
            topics: keys of existing topics.
        """

    def begin_close(self, code: int, reason: str = "") -> None:
        """Closes the socket after what was sent; events that wait for a slow client are lost.

        Args:
            code: close code.
            reason: words of the close frame, cut to 123 bytes.
        """


class StreamAccepted(msgspec.Struct, frozen=True, kw_only=True):
    """The application grants a stream.

    The client has joined its topics when `load_initial` is called: what is published meanwhile
    waits and follows the initial messages, so an initial state may repeat in the first events
    but nothing is missing between them.

    Attributes:
        topics: keys of existing topics; one client gets one copy of each event.
        initial: messages sent first, together at most half of `StreamLimits.buffer_bytes`.
        load_initial: makes further messages, sent after `initial` and before any event.
        wants: which records the client gets, by the record given to `HubTopic.publish`; None
            for all. Asked once per event for all clients whose filters are equal, so make it a
            hashable value such as a frozen struct with `__call__`. Must not raise.
        on_message: answers a client's text message with messages for this client alone. None
            when the client has nothing to say: its messages are read and ignored.
        on_open: given the client once it has joined its topics, before its initial messages.
        on_drained: called whenever the client has taken all that waited for it, the initial
            messages included.
        if_silent: messages for a client that did not answer a ping in time; it is closed when it
            is silent for `ping_timeout_s` more. Without any such a client is closed at once.
        on_close: called exactly once when the socket has ended, whatever the cause.
    """

    topics: tuple[str, ...]
    initial: tuple[bytes, ...] = ()
    load_initial: Callable[[], Awaitable[Sequence[bytes]]] | None = None
    wants: Callable[[object], bool] | None = None
    on_message: Callable[[str], Sequence[bytes]] | None = None
    on_open: Callable[[StreamHandle], None] | None = None
    on_drained: Callable[[], None] | None = None
    if_silent: tuple[bytes, ...] = ()
    on_close: Callable[[], None] | None = None

    def __post_init__(self) -> None:
        hash(self.wants)  # a filter that cannot be shared is found where it is made


class StreamRefused(msgspec.Struct, frozen=True, kw_only=True):
    """The application refuses a stream: before the handshake, or right after it.

    Attributes:
        http_status: 400–599 to refuse the handshake.
        body: problem details of that answer.
        close_code: close code to accept the handshake and close at once.
        reason: words of the close frame, cut to 123 bytes.
        messages: sent between the handshake and the close.
    """

    http_status: int | None = None
    body: bytes = b""
    close_code: int | None = None
    reason: str = ""
    messages: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if (self.http_status is None) == (self.close_code is None):
            raise ValueError("give one of http_status and close_code")


StreamResolver: TypeAlias = Callable[[StreamRequest], Awaitable[StreamAccepted | StreamRefused]]
"""Decides on a request. When the client leaves meanwhile it is not cancelled: its decision is
awaited, within `resolve_timeout_s`, and its `on_close` is called."""


class TopicStats(msgspec.Struct, frozen=True, kw_only=True):
    """Counters of one topic.

    Attributes:
        key: the topic.
        policy: what happens to its slow clients.
        subscribers: clients joined now.
        published: events published so far.
        dropped: events slow clients missed and were told of.
        conflated: states slow clients missed because a newer one replaced them.
    """

    key: str
    policy: SlowPolicy
    subscribers: int
    published: int
    dropped: int
    conflated: int


class HubStats(msgspec.Struct, frozen=True, kw_only=True):
    """Counters of the hub; all but the first three only grow.

    Attributes:
        clients: sockets now.
        slow_clients: those whose events are held back.
        buffered_bytes: memory held for the slow ones now.
        delivered: events handed to sockets.
        bytes_written: bytes handed to sockets by the hub.
        closed_slow: clients closed with 1013.
        refused: requests and clients turned away, by reason.
        topics: by topic.
    """

    clients: int
    slow_clients: int
    buffered_bytes: int
    delivered: int
    bytes_written: int
    closed_slow: int
    refused: dict[str, int]
    topics: tuple[TopicStats, ...]


class HubCounters:
    """The counters behind `HubStats`, shared by the parts of one hub."""

    __slots__ = ("bytes_written", "closed_slow", "delivered", "refused", "writes")

    def __init__(self) -> None:
        self.writes = 0
        self.delivered = 0
        self.bytes_written = 0
        self.closed_slow = 0
        self.refused: dict[str, int] = {}

    def refuse(self, reason: str) -> None:
        """Counts one refusal under `reason`, one of a small set of words."""
        self.refused[reason] = self.refused.get(reason, 0) + 1
