"""From ccxt's exceptions and HTTP statuses to our errors."""

from typing import Final

from headwater.core.errors import (
    AuthRejected,
    NotSupported,
    PlatformError,
    RateLimited,
    UnknownSymbol,
    VenueError,
    VenueRejected,
    VenueTimeout,
    VenueUnavailable,
    WireError,
)
from headwater.core.http_messages import HttpReply

_WORDS_MAX: Final = 300

_KINDS: Final[tuple[tuple[str, type[VenueError]], ...]] = (
    ("RateLimitExceeded", RateLimited),
    ("DDoSProtection", RateLimited),
    ("RequestTimeout", VenueTimeout),
    ("NetworkError", VenueUnavailable),
    ("AuthenticationError", AuthRejected),
    ("PermissionDenied", AuthRejected),
    ("ExchangeError", VenueRejected),
)
"""Class names of ccxt from the special to the general, and what each means here."""


def error_of(exchange: str, reply: HttpReply) -> VenueError | None:
    """The error of a reply as far as its status tells; ccxt reads what the body says.

    Args:
        exchange: venue id.
        reply: any reply.
    """
    status = reply.status
    if status in (418, 429):
        text = reply.headers.get("retry-after", "")
        wait_s = float(text) if text.isdecimal() else None
        return RateLimited(exchange, f"HTTP {status}", http_status=status, retry_after_s=wait_s)
    if status >= 500:
        return VenueUnavailable(exchange, f"HTTP {status}", http_status=status)
    return None


def translated(exchange: str, method: str, error: Exception) -> PlatformError:
    """Our error for what a method of ccxt raised.

    Args:
        exchange: venue id.
        method: unified name of the method.
        error: what it raised; anything that is no error of ccxt's means an unreadable reply.
    """
    names = {one.__name__ for one in type(error).__mro__}
    words = str(error)[:_WORDS_MAX]
    if "BadSymbol" in names:
        return UnknownSymbol(exchange, words)
    if "NotSupported" in names:
        return NotSupported(exchange, method, words)
    for name, kind in _KINDS:
        if name in names:
            return kind(exchange, words)
    return WireError(exchange, method, f"{type(error).__name__}: {words}", b"")
