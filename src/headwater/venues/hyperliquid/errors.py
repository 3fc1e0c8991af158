"""Hyperliquid's HTTP statuses → our error kinds. There are no codes, only words.

A malformed request is 422 with a text, too many are 429, an unknown coin is 500 with `null`.

Source: the notes on Hyperliquid, section 1; the documents list no errors of `/info`.
"""

from typing import Final

from headwater.core.errors import (
    AuthRejected,
    OutcomeUnknown,
    RateLimited,
    VenueError,
    VenueRejected,
    VenueUnavailable,
)
from headwater.core.http_messages import HttpReply
from headwater.venues.common import plain_text
from headwater.venues.hyperliquid.symbols import EXCHANGE

RATE_WAIT_S: Final = 10.0
"""Wait after 429, which names no end; the budget is one of a minute."""

_TEXT_CUT: Final = 160
_NOTHING: Final = b"null"


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
        return None
    message = plain_text(reply.body, _TEXT_CUT) or f"HTTP {status}"
    if status in (418, 429):
        wait_s = _retry_after_s(reply)
        return RateLimited(EXCHANGE, message, http_status=status, retry_after_s=wait_s)
    kind: type[VenueError] = VenueUnavailable
    if status in (401, 403):
        kind = AuthRejected
    elif 400 <= status < 500 and status != 408:
        kind = VenueRejected
    elif is_order:
        kind = OutcomeUnknown
    elif status == 500 and reply.body.strip() == _NOTHING:
        kind, message = VenueRejected, "unknown coin"
    return kind(EXCHANGE, message, http_status=status)


def _retry_after_s(reply: HttpReply) -> float:
    text = reply.headers.get("retry-after", "").strip()
    known = text.isascii() and text.isdigit() and len(text) < 10
    return max(float(text), 1.0) if known else RATE_WAIT_S
