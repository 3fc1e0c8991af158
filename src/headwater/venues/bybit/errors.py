"""Bybit's HTTP statuses and return codes → our error kinds.

Nearly every error is HTTP 200 with `retCode` other than 0. A read that failed on the way did not
happen and is retryable; of an order the same answer may mean that it was executed.

Source: https://bybit-exchange.github.io/docs/v5/error
"""

from collections.abc import Mapping
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
from headwater.venues.bybit.symbols import EXCHANGE
from headwater.venues.bybit.wire_rest import Status
from headwater.venues.common import plain_text

BAN_S: Final = 600.0
"""Wait after HTTP 403 "access too frequent": the ban lifts itself after 10 minutes."""
RATE_WAIT_S: Final = 1.0
"""Wait after a per-second limit whose end the reply does not name."""

_TEXT_CUT: Final = 160
_RESET_HEADER: Final = "x-bapi-limit-reset-timestamp"
_TOO_FREQUENT: Final = "too frequent"

CODES: Final[Mapping[int, type[VenueError]]] = {
    10000: VenueTimeout,
    10003: AuthRejected,
    10004: AuthRejected,
    10005: AuthRejected,
    10006: RateLimited,
    10009: AuthRejected,
    10010: AuthRejected,
    10016: VenueUnavailable,
    10018: RateLimited,
}
"""Codes that are no plain rejection; every other one but 0 is."""
UNKNOWN_OUTCOME: Final = frozenset({10000, 10016})
"""Codes after which an order may have been executed."""

_decode_status = msgspec.json.Decoder(Status, strict=False).decode


def error_of(reply: HttpReply, *, is_order: bool = False) -> VenueError | None:
    """The error that a reply stands for.

    Args:
        reply: any answer, also an HTML page of a proxy.
        is_order: whether the request would have changed something.

    Returns:
        None for a success, else an error of the kind that tells the caller what to do.
    """
    status = reply.status
    if 200 <= status < 300:
        try:
            told = _decode_status(reply.body)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return None  # whoever reads the reply says what is wrong with it
        return None if told.code == 0 else _error_of_code(told, reply, is_order=is_order)
    return _error_of_status(status, _text_of(reply.body), reply, is_order=is_order)


def used_weights(reply: HttpReply) -> Mapping[str, int]:  # noqa: ARG001 - for public reads
    """Nothing: the headers count limits of an account, and the address's limit is not told."""
    return {}


def _error_of_code(told: Status, reply: HttpReply, *, is_order: bool) -> VenueError:
    message = told.message[:_TEXT_CUT] or f"code {told.code}"
    kind = CODES.get(told.code, VenueRejected)
    if is_order and told.code in UNKNOWN_OUTCOME:
        kind = OutcomeUnknown
    wait_s = _until_reset_s(reply) if kind is RateLimited else None
    return kind(EXCHANGE, message, code=told.code, http_status=reply.status, retry_after_s=wait_s)


def _error_of_status(status: int, text: str, reply: HttpReply, *, is_order: bool) -> VenueError:
    message = text or f"HTTP {status}"
    if status in (418, 429) or (status == 403 and _is_ban(text)):
        wait_s = _retry_after_s(reply, BAN_S if status == 403 else RATE_WAIT_S)
        return RateLimited(EXCHANGE, message, http_status=status, retry_after_s=wait_s)
    kind: type[VenueError] = VenueUnavailable
    if status in (401, 403):
        kind = AuthRejected
    elif 400 <= status < 500 and status != 408:
        kind = VenueRejected
    elif is_order:
        kind = OutcomeUnknown
    return kind(EXCHANGE, message, http_status=status)


def _is_ban(text: str) -> bool:
    """Whether a 403 is the ban of an address; without words it is taken for one."""
    return not text or _TOO_FREQUENT in text.lower()


def _until_reset_s(reply: HttpReply) -> float:
    """Seconds until the limit begins anew, by the header, else one window."""
    text = reply.headers.get(_RESET_HEADER, "")
    if text.isascii() and text.isdigit() and len(text) < 16:
        left_s = int(text) / 1000 - reply.received_ns / 1_000_000_000
        return min(max(left_s, RATE_WAIT_S), BAN_S)
    return RATE_WAIT_S


def _retry_after_s(reply: HttpReply, usual_s: float) -> float:
    text = reply.headers.get("retry-after", "").strip()
    known = text.isascii() and text.isdigit() and len(text) < 10
    return max(float(text), usual_s) if known else usual_s


def _text_of(body: bytes) -> str:
    """A body of any kind as a short text: the message of JSON, else without its marks."""
    try:
        told = _decode_status(body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return plain_text(body, _TEXT_CUT)
    return told.message[:_TEXT_CUT]
