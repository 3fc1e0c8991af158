"""Reads what a client of a terminal socket says: text in, a typed request or an error out.

Nothing here raises, whatever the text.
"""

import re
from collections.abc import Sequence
from typing import Any, Final, Generic, TypeVar, Union, cast

import msgspec

from headwater.api.errors import problem_of, wrong_field
from headwater.api.schemas.base import View
from headwater.api.schemas.terminal.common import TerminalErrorCode, TerminalErrorView
from headwater.core.errors import (
    NotSupported,
    PlatformError,
    RequestError,
    StorageError,
    UnknownSymbol,
    VenueError,
    WireError,
)

R = TypeVar("R", bound=View)

_PLACE: Final = re.compile(r"(?P<words>.*?)(?: - at `\$\.?(?P<path>[^`]*)`)?", re.DOTALL)
_FIELD: Final = re.compile(r"Object (?:missing required|contains unknown) field `(?P<name>.*)`")
_WORDS_MAX: Final = 300
_MESSAGE_MAX: Final = 500


class TooMany(PlatformError):
    """This server, or this client, has as many of something as it may; fewer will do later."""

    retryable = True


class RequestReader(Generic[R]):
    """Reads the requests of one kind of socket.

    Args:
        kinds: classes of the requests, each with a `type`.
    """

    def __init__(self, kinds: Sequence[type[R]]) -> None:
        self.types: Final = tuple(str(kind.__struct_config__.tag) for kind in kinds)
        """What `type` may be."""
        union: Any = Union[tuple(kinds)]  # noqa: UP007 - made of a list
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(union)

    def read(self, text: str, now_ms: int) -> R | TerminalErrorView:
        """The request, or what is wrong: the field, its value and what is allowed.

        Args:
            text: what the client sent.
            now_ms: wall time, for the error.
        """
        try:
            return cast("R", self._decoder.decode(text))
        except msgspec.ValidationError as error:
            return self._refusal(text, error, now_ms)
        except (msgspec.DecodeError, RecursionError) as error:
            return self._error("message", text, str(error), now_ms)

    def _refusal(self, text: str, error: msgspec.ValidationError, now_ms: int) -> TerminalErrorView:
        """What is wrong with JSON that is no request."""
        found = _PLACE.fullmatch(str(error))
        path, words = (found["path"] or "", found["words"]) if found else ("", str(error))
        field = _FIELD.fullmatch(words)
        name = field["name"] if field is not None else path or "message"
        try:
            message: Any = msgspec.json.decode(text)
        except (msgspec.MsgspecError, RecursionError):
            message = None
        value = message.get(name, "") if isinstance(message, dict) else text
        return self._error(name, value, words, now_ms)

    def _error(self, name: str, value: object, words: str, now_ms: int) -> TerminalErrorView:
        allowed = f'a JSON object with "type": {", ".join(self.types)}'
        shown = wrong_field(name, value, allowed, words)
        ending = f"; {allowed}" if name in ("message", "type") else ""
        message = f"{shown.field}={(shown.value or '')[:80]!r}: {words[:_WORDS_MAX]}{ending}"
        return TerminalErrorView(
            code="BAD_MESSAGE", message=_sendable(message), field=shown.field, timestamp=now_ms
        )


def error_view(error: PlatformError, now_ms: int) -> TerminalErrorView:
    """What a client is told of an error.

    Args:
        error: what happened.
        now_ms: wall time.
    """
    code: TerminalErrorCode = "INTERNAL_ERROR"
    if isinstance(error, TooMany):
        return TerminalErrorView(
            code="TOO_MANY_STREAMS", message=_sendable(str(error)), timestamp=now_ms
        )
    if isinstance(error, UnknownSymbol):
        code = "UNKNOWN_SYMBOL"
    elif isinstance(error, NotSupported):
        code = "NOT_SUPPORTED"
    elif isinstance(error, RequestError):
        code = "UNKNOWN_EXCHANGE" if error.field == "exchange" else "BAD_PARAMETER"
    elif isinstance(error, VenueError | WireError | StorageError):
        code = "VENUE_ERROR"
    problem = problem_of(error)
    field = problem.errors[0].field if problem.errors else msgspec.UNSET
    return TerminalErrorView(
        code=code,
        message=_sendable(problem.detail),
        field=field,
        timestamp=now_ms,
        suggestions=problem.suggestions or msgspec.UNSET,
    )


def _sendable(text: str) -> str:
    """Text that can be encoded, not too long: a client's own may hold half a character."""
    return text[:_MESSAGE_MAX].encode("utf-8", "backslashreplace").decode()
