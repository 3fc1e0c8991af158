"""OKX's HTTP statuses and codes → our error kinds.

Most errors come with HTTP 200 and a code that is a text. A read that failed on the way did not
happen and is retryable; of an order the same answer may mean that it was executed.

Source: https://www.okx.com/docs-v5/en/#error-code
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
from headwater.venues.common import plain_text
from headwater.venues.okx.symbols import EXCHANGE
from headwater.venues.okx.wire_rest import Status

RATE_WAIT_S: Final = 2.0
"""Wait after a limit: the window of every endpoint."""

CODES: Final[Mapping[str, type[VenueError]]] = {
    "50001": VenueUnavailable,
    "50004": VenueTimeout,
    "50011": RateLimited,
    "50013": VenueUnavailable,
    "50026": VenueUnavailable,
    "50061": RateLimited,
    "50101": AuthRejected,
    "50102": AuthRejected,
    "50111": AuthRejected,
    "50112": AuthRejected,
    "50113": AuthRejected,
}
"""Codes that are no plain rejection; every other one but "0" is."""
UNKNOWN_OUTCOME: Final = frozenset({"50004", "50026"})
"""Codes after which an order may have been executed."""

_TEXT_CUT: Final = 160
_decode_status = msgspec.json.Decoder(Status, strict=False).decode


def error_of(reply: HttpReply, *, is_order: bool = False) -> VenueError | None:
    """The error that a reply stands for.

    Args:
        reply: any answer, also an HTML page of a proxy.
        is_order: whether the request would have changed something.

    Returns:
        None for a success, else an error of the kind that tells the caller what to do.
    """
    told = _status_of(reply.body)
    is_fine = 200 <= reply.status < 300
    if told is not None and told.code not in ("", "0"):
        return _error_of_code(told, reply, is_order=is_order)
    if is_fine:
        return None
    status = reply.status
    message = (told.message if told else plain_text(reply.body, _TEXT_CUT))[
        :_TEXT_CUT
    ] or f"HTTP {status}"
    if status in (418, 429):
        return RateLimited(
            EXCHANGE, message, http_status=status, retry_after_s=_retry_after_s(reply)
        )
    kind: type[VenueError] = VenueUnavailable
    if status in (401, 403):
        kind = AuthRejected
    elif 400 <= status < 500 and status != 408:
        kind = VenueRejected
    elif is_order:
        kind = OutcomeUnknown
    return kind(EXCHANGE, message, http_status=status)


def used_weights(reply: HttpReply) -> Mapping[str, int]:  # noqa: ARG001 - the contract
    """Nothing: the venue sends no usage headers."""
    return {}


def _error_of_code(told: Status, reply: HttpReply, *, is_order: bool) -> VenueError:
    kind = CODES.get(told.code, VenueRejected)
    if kind is VenueRejected and reply.status == 429:
        kind = RateLimited
    elif kind is VenueRejected and reply.status >= 500:
        # A code that we do not know says nothing of what became of an order.
        kind = OutcomeUnknown if is_order else VenueUnavailable
    if is_order and told.code in UNKNOWN_OUTCOME:
        kind = OutcomeUnknown
    wait_s = _retry_after_s(reply) if kind is RateLimited else None
    message = told.message[:_TEXT_CUT] or f"code {told.code}"
    return kind(EXCHANGE, message, code=told.code, http_status=reply.status, retry_after_s=wait_s)


def _status_of(body: bytes) -> Status | None:
    try:
        return _decode_status(body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None


def _retry_after_s(reply: HttpReply) -> float:
    text = reply.headers.get("retry-after", "").strip()
    known = text.isascii() and text.isdigit() and len(text) < 10
    return max(float(text), RATE_WAIT_S) if known else RATE_WAIT_S
