"""The error tree. Callers decide by type and attributes, never by text.

    PlatformError
      ConfigError          a setting: its name, what is wrong, what is allowed
      RequestError         our caller asked for something impossible
        UnknownSymbol      no such instrument on the venue
        NotSupported       the venue does not offer it, with the reason
        UnknownRecord      there is nothing of that id
        Conflict           it exists, and its state does not allow this
      Overloaded           as much waits as may wait; retry_after_s says when
      VenueError           an exchange refused, failed or could not be reached
        VenueUnavailable   no answer, 5xx, or the circuit breaker is open
          VenueTimeout     no answer in time (of a read: nothing happened)
        RateLimited        429, 418 or our own budget; retry_after_s says when
        AuthRejected       key, signature or permission
        VenueRejected      the venue understood and said no
        OutcomeUnknown     it may or may not have happened: ask, never resend
      WireError            the bytes do not mean what the documents say
      StorageError         the database refused, is damaged or of another version
        StorageUnavailable disk full, lock or lost connection: later it may work again
        StorageRefused     a row that the database does not take, whenever it is tried

Expected events (gap, disconnect, end of data) are values, not errors.
"""

from collections.abc import Sequence

_PAYLOAD_CUT_BYTES = 200


class PlatformError(Exception):
    """Root of every error this package raises on purpose.

    Attributes:
        retryable: whether the same call may succeed later without a change.
    """

    retryable: bool = False


class ConfigError(PlatformError):
    """A setting is wrong.

    Args:
        setting: name of the setting as users write it.
        problem: what is wrong with its value.
        allowed: what would be right.
    """

    def __init__(self, setting: str, problem: str, allowed: str) -> None:
        super().__init__(f"{setting}: {problem}; allowed: {allowed}")
        self.setting = setting
        self.problem = problem
        self.allowed = allowed


class RequestError(PlatformError):
    """Our caller asked for something impossible.

    Args:
        field: the parameter that is wrong.
        value: what was given, as text.
        allowed: what would be right, in words.
    """

    def __init__(self, field: str, value: object, allowed: str) -> None:
        super().__init__(f"{field}={str(value)[:80]!r}: {allowed}")
        self.field = field
        self.value = str(value)[:80]
        self.allowed = allowed


class UnknownSymbol(RequestError):
    """The venue lists no such instrument.

    Args:
        exchange: venue id.
        symbol: what was asked for, cut to a sane length.
        suggestions: up to three near spellings.
    """

    def __init__(self, exchange: str, symbol: str, suggestions: Sequence[str] = ()) -> None:
        super().__init__("symbol", symbol, f"a symbol that {exchange} lists")
        self.exchange = exchange
        self.suggestions = tuple(suggestions)


class NotSupported(RequestError):
    """The venue does not offer what was asked for.

    Args:
        exchange: venue id.
        capability: what was asked for.
        reason: why it cannot be had, as the venue's folder declares it.
    """

    def __init__(self, exchange: str, capability: str, reason: str) -> None:
        super().__init__("capability", capability, reason)
        self.exchange = exchange
        self.capability = capability
        self.reason = reason


class UnknownRecord(RequestError):
    """There is nothing of that id.

    Args:
        field: the parameter that names it.
        value: the id.
        what: what there is none of.
    """

    def __init__(self, field: str, value: object, what: str) -> None:
        super().__init__(field, value, f"the id of a {what}")


class Conflict(RequestError):
    """It exists, and is not in a state that allows this now.

    Args:
        field: what is in the way.
        value: as it is.
        allowed: what it would have to be.
    """


class Overloaded(PlatformError):
    """As much waits as may wait; what was asked for was not taken.

    Args:
        problem: what is full, in words.
        retry_after_s: when to try again, seconds.
    """

    retryable = True

    def __init__(self, problem: str, retry_after_s: float) -> None:
        super().__init__(problem)
        self.retry_after_s = retry_after_s


class VenueError(PlatformError):
    """An exchange refused, failed or could not be reached.

    Args:
        exchange: venue id.
        message: the venue's words or what happened on the way.
        code: the venue's own error code, None when it gave none.
        http_status: status of its answer, None when there was none.
        retry_after_s: seconds until another try makes sense, None when unknown.
    """

    def __init__(
        self,
        exchange: str,
        message: str,
        *,
        code: int | str | None = None,
        http_status: int | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(f"{exchange}: {message}" + ("" if code is None else f" (code {code})"))
        self.exchange = exchange
        self.message = message
        self.code = code
        self.http_status = http_status
        self.retry_after_s = retry_after_s


class VenueUnavailable(VenueError):
    """No answer, a 5xx that means failure, or the circuit breaker is open."""

    retryable = True


class VenueTimeout(VenueUnavailable):
    """The venue did not answer a read in time."""


class RateLimited(VenueError):
    """The venue (429, 418) or our own budget for it says: later. See `retry_after_s`."""

    retryable = True


class AuthRejected(VenueError):
    """The venue does not accept the key, the signature or the permission."""


class VenueRejected(VenueError):
    """The venue understood the request and said no."""


class OutcomeUnknown(VenueError):
    """The request may or may not have taken effect: look it up, never resend it blindly."""


class WireError(PlatformError):
    """The bytes do not mean what the venue's documents say.

    Args:
        exchange: venue id.
        channel: stream, endpoint or message kind, as far as it could be told.
        problem: what is wrong.
        payload: the message; only its first 200 bytes are kept.
    """

    def __init__(self, exchange: str, channel: str, problem: str, payload: bytes | str) -> None:
        text = payload if isinstance(payload, str) else payload.decode("utf-8", "replace")
        self.exchange = exchange
        self.channel = channel
        self.problem = problem
        self.payload_cut = text[:_PAYLOAD_CUT_BYTES]
        super().__init__(f"{exchange} {channel}: {problem}: {self.payload_cut!r}")


class StorageError(PlatformError):
    """The database refused what was asked, is damaged, or is of another version than the code.

    Args:
        database: which one, as it may be shown: without a password.
        problem: in words.
    """

    def __init__(self, database: str, problem: str) -> None:
        super().__init__(f"database {database}: {problem}")
        self.database = database
        self.problem = problem


class StorageUnavailable(StorageError):
    """The disk is full, somebody holds a lock or the server is away; nothing was stored."""

    retryable = True


class StorageRefused(StorageError):
    """A row breaks a rule of its table or has a value that no column holds; nothing was stored."""
