"""Messages that every socket of the terminal API knows: `ping`, `pong`, `error`, `heartbeat`."""

from typing import Annotated, Final, Literal

from msgspec import UNSET, Meta, UnsetType

from headwater.api.schemas.base import View

TerminalErrorCode = Literal[
    "BAD_MESSAGE",
    "BAD_PARAMETER",
    "UNKNOWN_SYMBOL",
    "UNKNOWN_EXCHANGE",
    "NOT_SUPPORTED",
    "RATE_LIMITED",
    "VENUE_ERROR",
    "TOO_MANY_STREAMS",
    "TOO_SLOW",
    "INTERNAL_ERROR",
]
"""What kind of error it is."""

Moment = Annotated[int, Meta(ge=0)]
"""Milliseconds since 1970."""

Second = Annotated[int, Meta(ge=0)]
"""Whole seconds since 1970."""


PACE_MIN_MS: Final = 50
"""The shortest pace that a client may ask for: time between two messages of data."""

PACE_MAX_MS: Final = 10_000
"""The longest one."""

PACE_DEFAULT_MS: Final = 100
"""That of a client who names none."""


def camel_case(name: str) -> str:
    """The name on the wire: `volume_24h_formatted` is `volume24hFormatted`.

    Only first letters are raised: msgspec's own rule would make `volume24HFormatted` of it.
    """
    first, *others = name.split("_")
    return first + "".join(part[:1].upper() + part[1:] for part in others)


class TerminalView(View, frozen=True, kw_only=True, gc=False, rename=camel_case):
    """Something that the terminal API sends or takes: its names are camelCase, by this one rule."""


class TerminalPingRequest(
    TerminalView, frozen=True, kw_only=True, gc=False, tag="ping", tag_field="type"
):
    """Asks for a `pong`; other fields are ignored."""


class TerminalPongView(
    TerminalView, frozen=True, kw_only=True, gc=False, tag="pong", tag_field="type"
):
    """The answer to a `ping`.

    Attributes:
        timestamp: when it was answered, ms since 1970.
    """

    timestamp: Moment


class TerminalErrorView(
    TerminalView, frozen=True, kw_only=True, gc=False, tag="error", tag_field="type"
):
    """Something that was asked for cannot be had.

    Attributes:
        code: what kind of error it is.
        message: what is wrong, its value and what is allowed, for people.
        field: name of what is wrong, where it is one field.
        timestamp: when, ms since 1970.
        suggestions: near spellings of an unknown symbol or exchange, at most three.
    """

    code: TerminalErrorCode
    message: str
    timestamp: Moment
    field: str | UnsetType = UNSET
    suggestions: tuple[str, ...] | UnsetType = UNSET


class TerminalHeartbeatView(
    TerminalView, frozen=True, kw_only=True, gc=False, tag="heartbeat", tag_field="type"
):
    """Sent when nothing else was for 30 s: the socket lives, there is just no news.

    Attributes:
        timestamp: when, ms since 1970.
    """

    timestamp: Moment
