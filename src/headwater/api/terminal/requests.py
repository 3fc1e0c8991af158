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
        self._allowed: Final = {str(kind.__struct_config__.tag): _fields_of(kind) for kind in kinds}

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
        if not isinstance(message, dict):
            return self._error(name, text, words, now_ms)
        allowed = ""
        if name != "type":
            fields = self._allowed.get(str(message.get("type")), {})
            unknown = f"takes {', '.join(fields)}" if fields else "takes nothing else"
            allowed = fields.get(name, "" if "[" in name or "." in name else unknown)
        return self._error(name, message.get(name, ""), words, now_ms, allowed)

    def _error(
        self, name: str, value: object, words: str, now_ms: int, allowed: str = ""
    ) -> TerminalErrorView:
        if name in ("message", "type"):
            allowed = f'a JSON object with "type": {", ".join(self.types)}'
        shown = wrong_field(name, value, allowed, words)
        ending = f"; {allowed}" if allowed else ""
        message = f"{shown.field}={(shown.value or '')[:80]!r}: {words[:_WORDS_MAX]}{ending}"
        return TerminalErrorView(
            code="BAD_MESSAGE", message=_sendable(message), field=shown.field, timestamp=now_ms
        )


def _fields_of(kind: type[View]) -> dict[str, str]:
    """What each field of a request may be, in words, by its name on the wire."""
    found = msgspec.inspect.type_info(kind)
    assert isinstance(found, msgspec.inspect.StructType), "requests are structs"
    return {one.encode_name: _words_of(one.type) for one in found.fields}


def _words_of(of: msgspec.inspect.Type) -> str:
    """What a value may be, in words; empty where the error of the decoder says it all."""
    if isinstance(of, msgspec.inspect.UnionType):
        return " or ".join(filter(None, map(_words_of, of.types)))
    if isinstance(of, msgspec.inspect.LiteralType):
        return f"one of {', '.join(map(str, of.values))}"
    if isinstance(of, msgspec.inspect.IntType):
        return f"a whole number from {of.ge} to {of.le}"
    if isinstance(of, msgspec.inspect.DecimalType):
        return "a number, or its digits as text"
    return ""


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
