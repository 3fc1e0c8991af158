"""Reads what a client of the many-topic socket says: text in, a typed request and problems out.

A request that makes no sense as a whole is one problem; of a list of topics each wrong entry is a
problem of its own and the others stand. Nothing here knows which topics exist.
"""

import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from headwater.api.errors import make_problem, wrong_field
from headwater.api.schemas.platform import Problem
from headwater.api.schemas.topics import (
    ID_CHARS_MAX,
    REQUESTS,
    TOPIC_CHARS_MAX,
    TOPICS_PER_REQUEST_MAX,
    ErrorView,
    ListRequest,
    PingRequest,
    RequestId,
    SubscribeRequest,
    TopicItem,
    TopicText,
    UnsubscribeRequest,
)

AnyRequest = SubscribeRequest | UnsubscribeRequest | PingRequest | ListRequest

OPERATIONS: Final[tuple[str, ...]] = tuple(
    str(request.__struct_config__.tag) for request in REQUESTS
)
"""What `op` may be."""

_decoder: Final = msgspec.json.Decoder(AnyRequest)
_ITEM_KINDS: Final[dict[type, Any]] = {
    SubscribeRequest: TopicItem,
    UnsubscribeRequest: TopicText,
}
_PLACE: Final = re.compile(r"(?P<words>.*?)(?: - at `\$\.?(?P<path>[^`]*)`)?", re.DOTALL)
_MISSING: Final = re.compile(r"Object (?:missing required|contains unknown) field `(?P<name>.*)`")
_ALLOWED: Final[dict[str, str]] = {
    "message": 'a JSON object with "op"',
    "op": ", ".join(OPERATIONS),
    "id": f"text of at most {ID_CHARS_MAX} characters, or a whole number",
    "topics": f"a list of 1 to {TOPICS_PER_REQUEST_MAX} topics",
    "topic": f"text of 1 to {TOPIC_CHARS_MAX} characters",
    "after": "the number of a message of this topic",
}
_ENTRY_ALLOWED: Final = 'text, or {"topic": text, "after": number}'


class ReadRequest(msgspec.Struct, frozen=True):
    """What a message says.

    Attributes:
        request: None when there is nothing to be done.
        errors: answers to what is wrong with it.
    """

    request: AnyRequest | None
    errors: tuple[ErrorView, ...] = ()


def read_request(text: str) -> ReadRequest:
    """Reads one message of a client; never raises."""
    try:
        return ReadRequest(_decoder.decode(text))
    except msgspec.ValidationError as error:
        return _read_in_parts(text, error)
    except (msgspec.DecodeError, RecursionError) as error:
        return ReadRequest(None, (ErrorView(problem=_problem("message", text, str(error))),))


def _read_in_parts(text: str, error: msgspec.ValidationError) -> ReadRequest:
    """Finds what is wrong, and what can be done nevertheless."""
    try:
        message = msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError) as broken:
        return ReadRequest(None, (ErrorView(problem=_problem("message", text, str(broken))),))
    request_id = _id_of(message)
    items = message.get("topics") if isinstance(message, dict) else None
    if not isinstance(items, list) or not 0 < len(items) <= TOPICS_PER_REQUEST_MAX:
        return _whole_error(request_id, text, message, error)
    try:  # the rest of it must be right
        kind = type(msgspec.convert({**message, "topics": ["any"]}, AnyRequest))
    except msgspec.ValidationError as other:
        return _whole_error(request_id, text, message, other)
    good, errors = [], []
    for index, item in enumerate(items):
        try:
            good.append(msgspec.convert(item, _ITEM_KINDS[kind]))
        except msgspec.ValidationError as wrong:
            errors.append(_entry_error(request_id, index, item, wrong))
    request = kind(id=request_id, topics=tuple(good)) if good else None
    return ReadRequest(request, tuple(errors))


def _whole_error(
    request_id: RequestId | None, text: str, message: object, error: msgspec.ValidationError
) -> ReadRequest:
    """A request of which nothing can be done."""
    path, words = _place_of(error)
    value = message.get(path) if isinstance(message, dict) else text
    return ReadRequest(None, (ErrorView(id=request_id, problem=_problem(path, value, words)),))


def _entry_error(
    request_id: RequestId | None, index: int, item: object, error: msgspec.ValidationError
) -> ErrorView:
    """What is wrong with one entry of `topics`."""
    path, words = _place_of(error)
    where, topic, value, allowed = f"topics[{index}]", item, item, _ENTRY_ALLOWED
    if isinstance(item, dict) and path != "message":
        topic, value = item.get("topic"), item.get(path)
        where, allowed = f"{where}.{path}", _ALLOWED.get(path, allowed)
    shown = topic if isinstance(topic, str) and len(topic) <= TOPIC_CHARS_MAX else None
    return ErrorView(id=request_id, topic=shown, problem=_problem(where, value, words, allowed))


def _place_of(error: msgspec.ValidationError) -> tuple[str, str]:
    """Which field of the message msgspec complains of, and its words."""
    found = _PLACE.fullmatch(str(error))
    path, words = (found["path"] or "", found["words"]) if found is not None else ("", str(error))
    missing = _MISSING.fullmatch(words)
    if missing is not None:
        path = f"{path}.{missing['name']}" if path else missing["name"]
    return path or "message", words


def _id_of(message: object) -> RequestId | None:
    """The request's id, when it is one."""
    if not isinstance(message, dict):
        return None
    try:
        found: RequestId | None = msgspec.convert(message.get("id"), RequestId | None)
    except msgspec.ValidationError:
        return None
    return found


def _problem(
    field: str, value: object, words: str, allowed: str | Sequence[str] | None = None
) -> Problem:
    """A problem with one field."""
    right = allowed or _ALLOWED.get(field.partition("[")[0]) or "no such field"
    error = wrong_field(field, "" if value is None else value, right, words)
    return make_problem(422, "bad_message", f"{field}: {words}", errors=[error])
