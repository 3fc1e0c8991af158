"""Reads what a client of `/ws/heatmap` says: text in, a typed request or an error out.

Nothing here knows which symbols exist, and nothing raises, whatever the text.
"""

import re
from typing import Any, Final, get_args

import msgspec

from headwater.api.errors import wrong_field
from headwater.api.schemas.heatmap_socket import (
    HEATMAP_REQUESTS,
    PACE_MAX_S,
    SYMBOL_CHARS_MAX,
    SYMBOLS_MAX,
    ErrorCode,
    HeatmapErrorView,
    HeatmapPingRequest,
    HeatmapSubscribeRequest,
    HeatmapUnsubscribeRequest,
)

AnyHeatmapRequest = HeatmapSubscribeRequest | HeatmapUnsubscribeRequest | HeatmapPingRequest

ACTIONS: Final[tuple[str, ...]] = tuple(
    str(request.__struct_config__.tag) for request in HEATMAP_REQUESTS
)
"""What `action` may be."""

ERROR_CODES: Final[tuple[str, ...]] = get_args(ErrorCode)
"""What the `code` of an error may be."""

_decoder: Final = msgspec.json.Decoder(AnyHeatmapRequest)
_PLACE: Final = re.compile(r"(?P<words>.*?)(?: - at `\$\.?(?P<path>[^`]*)`)?", re.DOTALL)
_FIELD: Final = re.compile(r"Object (?:missing required|contains unknown) field `(?P<name>.*)`")
_ENTRY: Final = re.compile(r"symbols\[(?P<at>\d+)\]")
_ALLOWED: Final[dict[str, str]] = {
    "message": 'a JSON object with "action"',
    "action": ", ".join(ACTIONS),
    "symbols": f"a list of 1 to {SYMBOLS_MAX} symbols",
    "entry": f"text of 1 to {SYMBOL_CHARS_MAX} characters",
    "update_interval": f"a whole number of seconds from 1 to {PACE_MAX_S}",
}


def read_heatmap_request(text: str) -> AnyHeatmapRequest | HeatmapErrorView:
    """Reads one message of a client.

    Returns:
        The request, or what is wrong: the field, its value and what is allowed.
    """
    try:
        request: AnyHeatmapRequest = _decoder.decode(text)
    except msgspec.ValidationError as error:
        return _refusal(text, error)
    except (msgspec.DecodeError, RecursionError) as error:
        return _error("INVALID_MESSAGE", "message", text, str(error))
    return request


def _refusal(text: str, error: msgspec.ValidationError) -> HeatmapErrorView:
    """What is wrong with JSON that is no request."""
    found = _PLACE.fullmatch(str(error))
    path, words = (found["path"] or "", found["words"]) if found is not None else ("", str(error))
    field = _FIELD.fullmatch(words)
    if field is not None:
        path = field["name"]
        if "unknown" in words:
            return _error("INVALID_MESSAGE", path, _value_at(text, path), words, "no such field")
    path = path or "message"
    code: ErrorCode = "INVALID_ACTION" if path == "action" else "INVALID_MESSAGE"
    return _error(code, path, _value_at(text, path), words)


def _value_at(text: str, path: str) -> object:
    """The value of a field of the message, or of an entry of `symbols`."""
    try:
        message: Any = msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError):
        return text
    if path == "message" or not isinstance(message, dict):
        return text
    entry = _ENTRY.fullmatch(path)
    return message["symbols"][int(entry["at"])] if entry is not None else message.get(path, "")


def _error(
    code: ErrorCode, field: str, value: object, words: str, right: str | None = None
) -> HeatmapErrorView:
    """An error with one field, cut and cleaned like those of the HTTP API."""
    place = "entry" if _ENTRY.fullmatch(field) else field
    allowed = right or _ALLOWED.get(place, _ALLOWED["message"])
    shown = wrong_field(field, value, allowed, words)
    message = f"{shown.field}={(shown.value or '')[:80]!r}: {words[:200]}; {allowed}"
    # msgspec's words may repeat half a character of the client's, which cannot be sent.
    return HeatmapErrorView(code=code, message=message.encode("utf-8", "backslashreplace").decode())
