"""Binance's HTTP statuses and error codes → our error kinds, as one table.

A read that failed on the way simply did not happen, so it is retryable. Of an order the same
answer may mean that it was executed: `is_order` turns those into `OutcomeUnknown`.

Source: https://developers.binance.com/docs/derivatives/usds-margined-futures/error-code and
https://developers.binance.com/docs/derivatives/usds-margined-futures/general-info
"""

import re
from collections.abc import Mapping
from enum import Enum
from typing import Final

import msgspec

from headwater.core.errors import (
    AuthRejected,
    OutcomeUnknown,
    RateLimited,
    VenueError,
    VenueRejected,
    VenueTimeout,
    VenueUnavailable,
)
from headwater.core.http_messages import HttpReply
from headwater.venues.binance.symbols import EXCHANGE
from headwater.venues.binance.wire_rest import ErrorBody

RETRY_AFTER_S: Final[Mapping[int, float]] = {429: 60.0, 403: 60.0, 418: 120.0}
"""Seconds to wait by status where the reply does not say: one window, or the shortest ban."""
RETRY_AFTER_MAX_S: Final = 3 * 24 * 3600.0
"""The longest ban that the venue imposes."""
_TEXT_CUT: Final = 160
_USED_WEIGHT_HEADER: Final = "x-mbx-used-weight-1m"
_BANNED_UNTIL: Final = re.compile(r"banned until (\d{10,16})")

_decode_body = msgspec.json.Decoder(ErrorBody, strict=False).decode


class _Kind(Enum):
    """What an answer means."""

    RATE = "rate"
    AUTH = "auth"
    REJECTED = "rejected"
    FAILED = "failed"
    UNKNOWN = "unknown"
    TIMEOUT = "timeout"


CODES: Final[Mapping[int, _Kind]] = {
    -1000: _Kind.UNKNOWN,
    -1001: _Kind.UNKNOWN,
    -1003: _Kind.RATE,
    -1006: _Kind.UNKNOWN,
    -1007: _Kind.TIMEOUT,
    -1008: _Kind.FAILED,
    -1015: _Kind.RATE,
    -1022: _Kind.AUTH,
    -1099: _Kind.AUTH,
    -2014: _Kind.AUTH,
    -2015: _Kind.AUTH,
    -4109: _Kind.AUTH,
}
"""Codes that are no plain rejection; every other code of a 4xx is one."""


def error_of(reply: HttpReply, *, is_order: bool = False) -> VenueError | None:
    """The error that a reply stands for.

    Args:
        reply: any answer, also an HTML page of a proxy.
        is_order: whether the request would have changed something.

    Returns:
        None for a success, else an error of the kind that tells the caller what to do.
    """
    if 200 <= reply.status < 300:
        return None
    body = _body_of(reply.body)
    kind = _kind_of(reply.status, body)
    message = body.msg[:_TEXT_CUT] or f"HTTP {reply.status}"
    if kind is _Kind.RATE:
        return RateLimited(
            EXCHANGE,
            message,
            code=body.code,
            http_status=reply.status,
            retry_after_s=_retry_after_s(reply, body.msg),
        )
    made = _class_of(kind, is_order=is_order)
    return made(EXCHANGE, message, code=body.code, http_status=reply.status)


def used_weights(reply: HttpReply) -> Mapping[str, int]:
    """Weight used in this minute by the header, by pool; empty when there is none."""
    text = reply.headers.get(_USED_WEIGHT_HEADER, "")
    return {"ip": int(text)} if text.isascii() and text.isdigit() and len(text) < 10 else {}


def _class_of(kind: _Kind, *, is_order: bool) -> type[VenueError]:
    if is_order and kind in (_Kind.UNKNOWN, _Kind.TIMEOUT):
        return OutcomeUnknown
    if kind is _Kind.TIMEOUT:
        return VenueTimeout
    if kind is _Kind.AUTH:
        return AuthRejected
    if kind is _Kind.REJECTED:
        return VenueRejected
    return VenueUnavailable


def _kind_of(status: int, body: ErrorBody) -> _Kind:
    """By status where it decides, else by code."""
    if status in (418, 429, 403):
        return _Kind.RATE
    if status == 408:
        return _Kind.TIMEOUT
    if status == 503 and body.msg.startswith("Service Unavailable"):
        return _Kind.FAILED  # of the three cases of 503 the one whose text decides
    if body.code is not None and body.code in CODES:
        return CODES[body.code]
    if 400 <= status < 500:
        return _Kind.REJECTED
    return _Kind.UNKNOWN


def _body_of(body: bytes) -> ErrorBody:
    """The error body; what is no JSON (a proxy's page) becomes a short text."""
    try:
        return _decode_body(body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        text = body[: 4 * _TEXT_CUT].decode("utf-8", "replace")
        return ErrorBody(msg=" ".join(re.sub(r"<[^>]*>", " ", text).split())[:_TEXT_CUT])


def _retry_after_s(reply: HttpReply, message: str) -> float:
    """Seconds to wait: the ban's end in the message or the header, else the status's own.

    Of both the longer: the ban's end is by the venue's clock, and ours may be ahead of it.
    """
    waits_s: list[float] = []
    header = reply.headers.get("retry-after", "").strip()
    if header.isascii() and header.isdigit() and len(header) < 10:
        waits_s.append(float(header))
    banned = _BANNED_UNTIL.search(message)
    if banned is not None:
        waits_s.append(int(banned[1]) / 1000 - reply.received_ns / 1_000_000_000)
    wait_s = max(waits_s, default=RETRY_AFTER_S.get(reply.status, 60.0))
    return min(max(wait_s, 0.0), RETRY_AFTER_MAX_S)
