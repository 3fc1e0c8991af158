"""What passes between generic code and a venue: REST calls, subscriptions, events."""

from collections.abc import Generator
from enum import Enum
from typing import TypeAlias, TypeVar

import msgspec

from headwater.core.enums import Channel
from headwater.core.http_messages import HttpReply, HttpRequest
from headwater.core.intervals import Interval
from headwater.core.records import Liquidation, Record, Trade

T = TypeVar("T")


RestCall: TypeAlias = Generator[HttpRequest, HttpReply, T]
"""A REST call: yields requests, is sent their replies, returns the parsed result.

A reply with an error status never reaches the generator: whoever drives it asks
`Venue.error_of` first and throws the error into the generator.
"""


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """One live stream that somebody wants.

    Attributes:
        channel: kind of data.
        native_symbol: the venue's symbol; None for the whole market.
        interval: of candles, else None.
    """

    channel: Channel
    native_symbol: str | None
    interval: Interval | None = None


class Ack(msgspec.Struct, frozen=True, kw_only=True):
    """The venue's answer to a subscribe or unsubscribe request, or to a heartbeat.

    Attributes:
        request_id: id of the request, None for a pong or where the venue names none.
        error: why it was refused, None when it was accepted.
        subscriptions: the part of the request it answers, for venues that answer one by one;
            empty for the whole request.
        may_be_partial: whether the error may be of one part alone; the others may be good.
    """

    request_id: int | None
    error: str | None = None
    subscriptions: tuple[Subscription, ...] = ()
    may_be_partial: bool = False


class Ignored(msgspec.Struct, frozen=True, kw_only=True):
    """A message that is understood and of no interest.

    Attributes:
        what: the venue's name of the message kind.
        reason: why it is skipped.
    """

    what: str
    reason: str


class Past(msgspec.Struct, frozen=True):
    """An event of before the subscription, which came with its first data.

    A stream cannot know whether the event is new to anybody: it is to whoever lost an earlier
    connection, and to nobody else. The receiver decides.

    Attributes:
        record: the event.
    """

    record: Liquidation


class Closing(msgspec.Struct, frozen=True):
    """The venue will close this connection soon: another one should take its place before.

    Attributes:
        reason: the venue's words.
    """

    reason: str


StreamEvent: TypeAlias = Record | Ack | Ignored | Past | Closing


class TradeRun(list[Trade]):
    """Several trades of one symbol and one message, in the venue's order; at least one.

    A stream that returns one lets them be taken together, not one by one.
    """


class TapeEvents(msgspec.Struct, frozen=True, kw_only=True):
    """What a recorded message means.

    Attributes:
        channel: the venue's own name of its stream or endpoint (`depth@100ms`, `rest_depth`).
        events: as from `MarketStream.feed`; never empty.
    """

    channel: str
    events: tuple[StreamEvent, ...]


class StreamRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A message to send on a connection.

    Attributes:
        request_id: what its acknowledgement will carry.
        payload: text frame to send.
        subscriptions: what it asks for or gives up.
        gives_up: whether it gives them up; no data are due for such a request.
    """

    request_id: int
    payload: str
    subscriptions: tuple[Subscription, ...]
    gives_up: bool = False


class Verdict(Enum):
    """What a book rule says of a delta."""

    ACCEPT = "accept"
    IGNORE = "ignore"
    GAP = "gap"
