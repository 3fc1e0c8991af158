"""One client of the many-topic socket: understands what it says and begins its topics.

A topic begins in one step: the client starts to listen at the very moment its snapshot (or what it
missed) is made, so nothing is lost or doubled between the two. Topics begin one bundle after the
other, each when the client has taken the one before, so that a request for many never overruns
its buffer. A client that waits for a first state is told `subscribed` at once and begins later.
"""

from collections import deque
from collections.abc import Sequence
from typing import Final

from headwater.api.errors import make_problem, problem_of, wrong_field
from headwater.api.schemas.base import encode, iso_of
from headwater.api.schemas.platform import Problem
from headwater.api.schemas.topics import (
    Answer,
    ErrorView,
    ListRequest,
    PongView,
    RequestId,
    SubscribedTopic,
    SubscribedView,
    SubscribeRequest,
    TopicState,
    TopicsView,
    TopicWish,
    UnsubscribedView,
    UnsubscribeRequest,
)
from headwater.api.stream_contract import StreamAccepted, StreamHandle
from headwater.api.stream_wishes import NoSuchStream
from headwater.api.topic_board import RETRY_AFTER_S, TooManyTopics, TopicBoard
from headwater.api.topic_channel import TopicChannel
from headwater.api.topic_requests import read_request
from headwater.core.clock import Clock
from headwater.core.errors import PlatformError, RequestError

ROOM_DIVISOR: Final = 4
"""What one topic begins with takes at most this part of what may wait for a client."""


class _Entry:
    """A topic of this client: waiting for its turn, for its state, or live."""

    __slots__ = ("after", "answered", "asked", "channel", "is_live", "request_id")

    def __init__(
        self, channel: TopicChannel, asked: str, after: int | None, request_id: RequestId | None
    ) -> None:
        self.channel = channel
        self.asked = asked
        self.after = after
        self.request_id = request_id
        self.answered = False
        self.is_live = False

    def answer(self, *, resumed: bool) -> SubscribedTopic:
        """What the client is told when the topic begins."""
        name = self.channel.key
        return SubscribedTopic(
            topic=name,
            seq=self.channel.seq,
            resumed=resumed,
            asked=None if self.asked == name else self.asked,
        )


class TopicSession:
    """What one client has. `accepted` is the decision to give to the hub.

    Args:
        board: the topics.
        clock: tells the time in `pong`.
    """

    def __init__(self, board: TopicBoard, clock: Clock) -> None:
        self._board = board
        self._clock = clock
        self._handle: StreamHandle | None = None
        self._entries: dict[str, _Entry] = {}
        self._queue: deque[_Entry] = deque()
        self.accepted = StreamAccepted(
            topics=(),
            on_open=self._open,
            on_message=self.hear,
            on_drained=self._advance,
            on_close=self._close,
        )

    def hear(self, text: str) -> Sequence[bytes]:
        """Does what a message of the client says.

        Returns:
            Answers that are left to be sent.
        """
        read = read_request(text)
        answers: list[Answer] = list(read.errors)
        request = read.request
        if isinstance(request, SubscribeRequest):
            for item in request.topics:
                answer = self._subscribe(item, request.id)
                if answer is not None:
                    answers.append(answer)
            self._advance()
        elif isinstance(request, UnsubscribeRequest):
            answers += self._unsubscribe(request)
        elif isinstance(request, ListRequest):
            states = [
                TopicState(topic=name, seq=entry.channel.seq)
                for name, entry in self._entries.items()
            ]
            answers.append(TopicsView(id=request.id, topics=tuple(states)))
        elif request is not None:
            answers.append(PongView(id=request.id, time=iso_of(self._clock.now_ms())))
        return [encode(answer) for answer in answers]

    def begin(self, channel: TopicChannel) -> None:
        """The state that the client waits for is there."""
        entry = self._entries.get(channel.key)
        if entry is not None:
            self._queue.append(entry)
            self._advance()

    # Inside

    def _open(self, handle: StreamHandle) -> None:
        self._handle = handle

    def _close(self) -> None:
        """Gives everything back."""
        entries, self._entries = self._entries, {}
        self._queue.clear()
        for entry in entries.values():
            self._board.leave(entry.channel, self)

    def _subscribe(self, item: str | TopicWish, request_id: RequestId | None) -> Answer | None:
        """Takes a topic and lets it queue for its beginning, which is its answer.

        Returns:
            The answer when there is nothing to begin: why it cannot be had, or that it has begun.
        """
        asked, after = (item, None) if isinstance(item, str) else (item.topic, item.after)
        try:
            wish = self._board.understand(asked)
            entry = self._entries.get(wish.name)
            if entry is not None:
                return _confirm(entry, asked, request_id)
            most = self._board.limits.max_topics_per_client
            if len(self._entries) >= most:
                raise RequestError("topics", len(self._entries) + 1, f"at most {most} topics")
            channel = self._board.join(wish, self)
            if after is not None and after > channel.seq:
                self._board.leave(channel, self)
                raise RequestError("after", after, f"at most {channel.seq}, the newest message")
        except PlatformError as error:
            return ErrorView(id=request_id, topic=asked, problem=_problem(error, asked))
        entry = _Entry(channel, asked, after, request_id)
        self._entries[channel.key] = entry
        self._queue.append(entry)
        return None

    def _unsubscribe(self, request: UnsubscribeRequest) -> list[Answer]:
        """Gives topics up."""
        names: list[str] = []
        errors: list[Answer] = []
        left: list[_Entry] = []
        for asked in request.topics:
            try:
                name = asked if asked in self._entries else self._board.understand(asked).name
                entry = self._entries.pop(name, None)
                if entry is None:
                    raise RequestError("topic", asked, "a topic of this socket; see list")
            except PlatformError as error:
                problem = _problem(error, asked)
                errors.append(ErrorView(id=request.id, topic=asked, problem=problem))
                continue
            names.append(name)
            left.append(entry)
            if entry in self._queue:
                self._queue.remove(entry)
        if any(entry.is_live for entry in left):
            self._listen()
        for entry in left:
            self._board.leave(entry.channel, self)
        if names:
            errors.insert(0, UnsubscribedView(id=request.id, topics=tuple(names)))
        return errors

    def _listen(self) -> None:
        """Hears exactly the topics that have begun."""
        if self._handle is not None:
            self._handle.listen([name for name, entry in self._entries.items() if entry.is_live])

    def _advance(self) -> None:
        """Begins what waits for its turn, for as long as the client takes it."""
        while self._queue and self._handle is not None and not self._handle.is_behind:
            self._begin_bundle(self._handle)

    def _begin_bundle(self, handle: StreamHandle) -> None:
        """Begins topics of one request; nothing is published from its first line to its last."""
        request_id = self._queue[0].request_id
        answers: list[SubscribedTopic] = []
        payloads: list[bytes] = []
        size, enough = 0, self._board.limits.chunk_bytes
        while self._queue and self._queue[0].request_id == request_id and size < enough:
            entry = self._queue.popleft()
            first, resumed = self._first_messages(entry)
            if not entry.answered:
                answers.append(entry.answer(resumed=resumed))
                entry.answered = True
            payloads += first
            size += sum(map(len, first))
        self._listen()
        if answers:
            payloads.insert(0, encode(SubscribedView(id=request_id, topics=tuple(answers))))
        handle.send(payloads)

    def _first_messages(self, entry: _Entry) -> tuple[list[bytes], bool]:
        """What a topic begins with, and whether it goes on where the client left it.

        Nothing when it has to wait for its state.
        """
        channel, after = entry.channel, entry.after
        room = self._board.limits.buffer_bytes // ROOM_DIVISOR
        if after is not None and not entry.answered and channel.is_kept(after):
            missed = channel.since(after)
            if sum(map(len, missed)) <= room:
                entry.is_live = True
                return missed, True
        if channel.has_snapshot:
            entry.is_live = True
            return [channel.snapshot(room)], False
        self._board.wait(channel, self)
        return [], False


def _confirm(entry: _Entry, asked: str, request_id: RequestId | None) -> Answer | None:
    """Answers a wish for a topic that the client has already: nothing changes.

    Returns:
        None for a topic named twice in one request: it is answered once.

    Raises:
        RequestError: another request for it has not been answered yet.
    """
    if entry.answered:
        again = _Entry(entry.channel, asked, None, request_id)
        return SubscribedView(id=request_id, topics=(again.answer(resumed=entry.is_live),))
    if entry.request_id != request_id:
        raise RequestError("topic", asked, "asked for already; the answer is to come")
    return None


def _problem(error: PlatformError, asked: str) -> Problem:
    """What the client is told of a topic it cannot have."""
    if isinstance(error, TooManyTopics):
        detail = "all topics of this server are taken"
        return make_problem(503, "too_many_topics", detail, retry_after=RETRY_AFTER_S)
    if isinstance(error, NoSuchStream):
        field = wrong_field("topic", asked, error.allowed)
        return make_problem(404, "not_found", f"there is no topic {asked[:80]!r}", errors=[field])
    return problem_of(error)
