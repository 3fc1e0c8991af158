"""One client of a terminal socket: hears what it says, sends it what it asked for.

The session begins its client in one step: the first messages are sent and the topic is listened to
in the same call, so nothing is lost or doubled between the two. What is sent after the socket has
ended goes nowhere and harms nobody. Whatever is said, the socket stays open; only more than
`REQUESTS_PER_S` requests in a second are not answered.
"""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, ClassVar, Final, TypeVar

from headwater.api.schemas.base import View, encode
from headwater.api.schemas.terminal.common import (
    TerminalErrorView,
    TerminalHeartbeatView,
    TerminalPingRequest,
    TerminalPongView,
)
from headwater.api.stream_contract import StreamAccepted, StreamHandle
from headwater.api.terminal.desk import INTERNAL_CLOSE, TOPIC_PREFIX, FeedDesk, SharedFeed
from headwater.api.terminal.requests import RequestReader, error_view
from headwater.core.errors import PlatformError

HEARTBEAT_S: Final = 30.0
"""Silence after which a socket that sends heartbeats sends one (requirement O-W4)."""

REQUESTS_PER_S: Final = 10
"""Requests of one client in a second that are answered."""

F = TypeVar("F", bound=SharedFeed)

_logger = logging.getLogger(__name__)


class TerminalSession(ABC):
    """What one client has. `accepted` is the decision to give to the hub.

    Subclasses join their feeds in the constructor, with `join`, and are refused by what it raises.

    Attributes:
        requests: reads what clients of this kind of socket say; `ping` is among it.
        has_heartbeat: whether a heartbeat is sent after `heartbeat_s` of silence.
        heartbeat_s: how long.

    Args:
        desk: the feeds.
    """

    requests: ClassVar[RequestReader[View]]
    has_heartbeat: ClassVar[bool] = False
    heartbeat_s: ClassVar[float] = HEARTBEAT_S

    def __init__(self, desk: FeedDesk) -> None:
        self.desk = desk
        self._handle: StreamHandle | None = None
        self._feeds: list[SharedFeed] = []
        self._second = -1
        self._answered = 0
        self._heartbeat: asyncio.TimerHandle | None = None
        self._sent_at = 0.0
        self._is_beginning = False
        self._closed = False
        self._tasks: set[asyncio.Task[None]] = set()
        self.accepted = StreamAccepted(
            topics=(), on_open=self._open, on_message=self.hear, on_close=self.close
        )

    @property
    def is_open(self) -> bool:
        """Whether the client is connected and begun."""
        return self._handle is not None

    def hear(self, text: str) -> Sequence[bytes]:
        """Does what a message of the client says.

        Returns:
            Answers that are left to be sent.
        """
        now_ms = self.desk.clock.now_ms()
        second = int(self.desk.clock.monotonic())
        if second != self._second:
            self._second, self._answered = second, 0
        self._answered += 1
        if self._answered > REQUESTS_PER_S:
            words = f"more than {REQUESTS_PER_S} requests in a second; this one was ignored"
            return [encode(TerminalErrorView(code="RATE_LIMITED", message=words, timestamp=now_ms))]
        request = self.requests.read(text, now_ms)
        if isinstance(request, TerminalErrorView):
            return [encode(request)]
        if isinstance(request, TerminalPingRequest):
            return [encode(TerminalPongView(timestamp=now_ms))]
        try:
            answers = self.answer(request)
        except PlatformError as error:
            answers = (error_view(error, now_ms),)
        except Exception:
            _logger.exception("a terminal socket's request failed")
            self.end(self.desk.internal_error(), INTERNAL_CLOSE)
            return ()
        return [encode(answer) for answer in answers]

    @abstractmethod
    def start(self, feed: SharedFeed) -> None:
        """A feed has begun, or begins anew: send what there is, and hear what follows.

        Args:
            feed: one of those that were joined.
        """

    def begin(self) -> None:
        """The client is connected: it is started by its first feed, now or when that has begun.

        Raises:
            PlatformError: it cannot be begun; the client is told, and closed with 1011.
        """
        self._feeds[0].greet(self)

    def answer(self, request: View) -> Sequence[View]:
        """Does what a request other than `ping` says.

        Returns:
            Answers to be sent.

        Raises:
            PlatformError: it cannot be done; the client is told, and the socket stays open.
        """
        raise AssertionError(f"no such request here: {type(request).__name__}")

    def tell(self, payload: bytes) -> None:
        """Sends a message to this client, as `send` does."""
        self.send([payload])

    def send(self, payloads: Sequence[bytes]) -> None:
        """Sends messages to this client; to nobody once its socket has ended."""
        if self._handle is not None:
            self._handle.send(payloads)
            self.heard()

    def listen(self, topics: Sequence[str]) -> None:
        """From now on the client hears these topics and no others."""
        if self._handle is not None:
            self._handle.listen(topics)

    def heard(self) -> None:
        """Notes that the client has been sent something: no heartbeat is due for a while."""
        self._sent_at = self.desk.clock.monotonic()

    def end(self, error: TerminalErrorView, close_code: int) -> None:
        """Tells the client what is wrong and closes its socket."""
        if self._is_beginning:  # what waits for a client that has not begun would be lost
            asyncio.get_running_loop().call_soon(self.end, error, close_code)
        elif self._handle is not None:
            self._handle.send([encode(error)])
            self._handle.begin_close(close_code, error.message)

    def work(self, job: Coroutine[Any, Any, None], name: str) -> None:
        """Runs something that takes time; it is cancelled when the socket ends.

        Args:
            job: what is to be done; a `PlatformError` is told to the client, whose socket stays
                open, and any other error closes it with 1011.
            name: for logs.
        """
        if self._closed:
            job.close()
            return
        task = asyncio.get_running_loop().create_task(
            self._guarded(job), name=f"{TOPIC_PREFIX}session {name}"
        )
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        # One that is cancelled before its first step never waits for its job.
        task.add_done_callback(lambda _: job.close())

    def join(self, key: str, make: Callable[[], F], kind: type[F]) -> F:
        """Views a feed until `close` leaves it; see `FeedDesk.join`.

        Raises:
            TooManyFeeds: there is no room for another one.
            PlatformError: the venue refuses.
        """
        feed = self.desk.join(key, make, kind, self)
        self._feeds.append(feed)
        return feed

    def close(self) -> None:
        """Gives everything back; harmless when repeated."""
        self._handle = None
        self._closed = True
        if self._heartbeat is not None:
            self._heartbeat.cancel()
            self._heartbeat = None
        for task in tuple(self._tasks):
            task.cancel()
        feeds, self._feeds = self._feeds, []
        for feed in feeds:
            self.desk.leave(feed, self)

    def silent_since_s(self) -> float:
        """When the client was last sent something, in the clock's monotonic seconds."""
        return self._sent_at

    async def _guarded(self, job: Coroutine[Any, Any, None]) -> None:
        try:
            await job
        except PlatformError as error:
            self.send([encode(error_view(error, self.desk.clock.now_ms()))])
        except Exception:
            _logger.exception("a terminal socket's work failed")
            self.end(self.desk.internal_error(), INTERNAL_CLOSE)

    def _open(self, handle: StreamHandle) -> None:
        self._handle = handle
        self.heard()
        self._is_beginning = True
        try:
            self.begin()
        except PlatformError as error:
            self.end(error_view(error, self.desk.clock.now_ms()), INTERNAL_CLOSE)
        except Exception:
            _logger.exception("a terminal socket could not be begun")
            self.end(self.desk.internal_error(), INTERNAL_CLOSE)
        finally:
            self._is_beginning = False
        if self.has_heartbeat:
            self._arm(self.heartbeat_s)

    def _arm(self, delay_s: float) -> None:
        self._heartbeat = asyncio.get_running_loop().call_later(delay_s, self._beat)

    def _beat(self) -> None:
        """Sends a heartbeat when one is due, and looks again when the next may be."""
        left_s = self.silent_since_s() + self.heartbeat_s - self.desk.clock.monotonic()
        if left_s <= 0:
            self.send([encode(TerminalHeartbeatView(timestamp=self.desk.clock.now_ms()))])
            left_s = self.heartbeat_s
        self._arm(left_s)
