"""Views of the socket that serves many topics: what a client says, and what it is told.

A request names its `op`, an answer its `type`. Nothing here knows what topics there are.
"""

from typing import Annotated, Any, Final

import msgspec

from headwater.api.schemas.base import IsoTime, View
from headwater.api.schemas.platform import Problem

ID_CHARS_MAX: Final = 64
"""Longest `id` of a request."""

TOPIC_CHARS_MAX: Final = 4096
"""Longest text of a topic; a list of 100 symbols takes about 1,200."""

TOPICS_PER_REQUEST_MAX: Final = 200
"""Most topics that one request may name."""

SAFE_INTEGER_MAX: Final = 2**53 - 1
"""Greatest whole number that every reader of JSON keeps exactly."""

RequestId = (
    Annotated[str, msgspec.Meta(max_length=ID_CHARS_MAX)]
    | Annotated[int, msgspec.Meta(ge=-SAFE_INTEGER_MAX, le=SAFE_INTEGER_MAX)]
)
"""What a client gave its request, to know the answer by."""

TopicText = Annotated[str, msgspec.Meta(min_length=1, max_length=TOPIC_CHARS_MAX)]
"""A topic as a client writes it."""

MessageNumber = Annotated[int, msgspec.Meta(ge=0, le=SAFE_INTEGER_MAX)]
"""Number of a message of a topic."""


class TopicWish(View, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A topic, from where the client left it.

    Attributes:
        topic: path and query of a stream, without `/ws/`.
        after: number of the last message the client has; left out, it starts with a snapshot.
    """

    topic: TopicText
    after: MessageNumber | None = None


TopicItem = TopicText | TopicWish
"""How a request to subscribe names a topic."""

TopicItems = Annotated[
    tuple[TopicItem, ...], msgspec.Meta(min_length=1, max_length=TOPICS_PER_REQUEST_MAX)
]
TopicTexts = Annotated[
    tuple[TopicText, ...], msgspec.Meta(min_length=1, max_length=TOPICS_PER_REQUEST_MAX)
]


class Request(View, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="op"):
    """What every request has.

    Attributes:
        id: comes back in the answers; text of at most 64 characters, or a whole number.
    """

    id: RequestId | None = None


class SubscribeRequest(Request, frozen=True, kw_only=True, tag="subscribe"):
    """Asks for topics; each is answered once, by `subscribed` or by `error`.

    Attributes:
        topics: texts such as `binance/BTCUSDT/trades`, or objects that also say `after`.
    """

    topics: TopicItems


class UnsubscribeRequest(Request, frozen=True, kw_only=True, tag="unsubscribe"):
    """Gives topics up; nothing of them comes after `unsubscribed`.

    Attributes:
        topics: in any spelling that `subscribe` understands.
    """

    topics: TopicTexts


class PingRequest(Request, frozen=True, kw_only=True, tag="ping"):
    """Asks whether the server is there."""


class ListRequest(Request, frozen=True, kw_only=True, tag="list"):
    """Asks which topics this socket has."""


class Answer(View, frozen=True, kw_only=True, omit_defaults=True, tag_field="type"):
    """What every answer has.

    Attributes:
        id: of the request; left out when that had none.
    """

    id: RequestId | None = None


class TopicState(View, frozen=True, kw_only=True):
    """A topic of this socket.

    Attributes:
        topic: its one name, which its messages carry.
        seq: number of its newest message.
    """

    topic: str
    seq: int


class SubscribedTopic(TopicState, frozen=True, kw_only=True, omit_defaults=True):
    """A topic that begins now.

    Attributes:
        topic: its one name, which its messages carry.
        seq: number of its newest message.
        resumed: true when the messages after `after` follow, or nothing new has to be told; false
            when a snapshot comes first.
        asked: the client's own text, left out when it is the name.
    """

    resumed: bool
    asked: str | None = None


class SubscribedView(Answer, frozen=True, kw_only=True, tag="subscribed"):
    """Topics have begun. A large request is answered by several of these, each with some topics.

    Attributes:
        topics: those that have begun.
    """

    topics: tuple[SubscribedTopic, ...]


class UnsubscribedView(Answer, frozen=True, kw_only=True, tag="unsubscribed"):
    """Topics have ended.

    Attributes:
        topics: their names.
    """

    topics: tuple[str, ...]


class PongView(Answer, frozen=True, kw_only=True, tag="pong"):
    """The server is there.

    Attributes:
        time: now, UTC.
    """

    time: IsoTime


class TopicsView(Answer, frozen=True, kw_only=True, tag="topics"):
    """The topics of this socket.

    Attributes:
        topics: in the order in which they were asked for.
    """

    topics: tuple[TopicState, ...]


class ErrorView(Answer, frozen=True, kw_only=True, tag="error"):
    """A request, or one topic of it, cannot be served. The socket stays open.

    Attributes:
        topic: the client's own text, when one topic is at fault.
        problem: what is wrong: the field, its value and what is allowed.
    """

    topic: str | None = None
    problem: Problem


class SnapshotView(View, frozen=True, kw_only=True, tag_field="type", tag="snapshot"):
    """Where a topic begins.

    Attributes:
        topic: its name.
        seq: number of the newest message in it; the next update has the next number.
        data: of a state (book, ticker, mark price, candle) its newest message; of events the
            newest of them, oldest first, perhaps none.
    """

    topic: str
    seq: int
    data: Any


class UpdateView(View, frozen=True, kw_only=True, tag_field="type", tag="update"):
    """One message of a topic.

    Attributes:
        topic: its name.
        seq: its number, the same for all clients, rising by one.
        data: the message as the topic's own path `/ws/...` sends it.
    """

    topic: str
    seq: int
    data: Any


REQUESTS: Final[tuple[type[Request], ...]] = (
    SubscribeRequest,
    UnsubscribeRequest,
    PingRequest,
    ListRequest,
)
"""Everything a client may say."""

ANSWERS: Final[tuple[type[View], ...]] = (
    SubscribedView,
    UnsubscribedView,
    PongView,
    TopicsView,
    ErrorView,
    SnapshotView,
    UpdateView,
)
"""Everything a client is told, besides the `dropped` notice."""
