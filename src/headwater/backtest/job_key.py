"""Keys of requests: a caller who does not know whether a job was taken in asks again with the same.

The id of a job is made of its key, so the database's primary key decides which of several equal
requests makes the job: of two processes, or of one before and after a crash, only one does. A key
lives in the row of its job and as long.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from headwater.core.errors import Conflict, RequestError
from headwater.storage.backtests import StoredBacktest

__all__ = ["KEY_CHARS", "KEY_FIELD", "JobKey"]

KEY_FIELD: Final = "Idempotency-Key"
"""What the key is called by who sends it: a header."""

KEY_CHARS: Final = 64
"""Longest key."""

_ID_DIGITS: Final = 31
_TOLD_MAX: Final = 3
_SHOWN_CHARS: Final = 60


class JobKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key with what is asked for under it.

    Attributes:
        key: chosen by the caller.
        asked: what is asked for, as JSON text: the same for the same request, whatever the service
            makes of it by now. A configured strategy may have been changed since.
    """

    key: str
    asked: str

    @classmethod
    def of(cls, key: str, asked: Mapping[str, Any]) -> "JobKey":
        """A key that may be one.

        Args:
            key: 1 to `KEY_CHARS` visible ASCII characters.
            asked: what is asked for, by name.

        Raises:
            RequestError: the key is none.
        """
        if not 1 <= len(key) <= KEY_CHARS or not all("!" <= one <= "~" for one in key):
            raise RequestError(KEY_FIELD, key, f"1 to {KEY_CHARS} visible ASCII characters")
        return cls(key=key, asked=_text(asked))

    @property
    def backtest_id(self) -> str:
        """The id of the job of this key; no id that is drawn begins with its letter."""
        return f"k{hashlib.sha256(self.key.encode()).hexdigest()[:_ID_DIGITS]}"

    def check(self, job: StoredBacktest) -> None:
        """Accepts the job of this key, if the same was asked for.

        Raises:
            Conflict: something else was; names the key, the job and what differs.
        """
        if job.asked != self.asked:
            raise Conflict(
                KEY_FIELD,
                self.key,
                f"a key of its own: back-test {job.backtest_id} has this one and was asked for "
                f"something else ({self._difference(job.asked or '{}')})",
            )

    def _difference(self, stored: str) -> str:
        """The first fields that differ, with both values."""
        before, now = msgspec.json.decode(stored), msgspec.json.decode(self.asked)
        # As texts, like the whole: 10 and 10.0 are equal, and were not asked for alike.
        names = [
            one for one in sorted({*before, *now}) if _text(before.get(one)) != _text(now.get(one))
        ]
        told = [
            f"{name}: {_shown(before.get(name))} there, {_shown(now.get(name))} here"
            for name in names[:_TOLD_MAX]
        ]
        more = len(names) - len(told)
        return "; ".join([*told, f"{more} more"] if more else told)


def _shown(value: object) -> str:
    if value is None:
        return "nothing"
    text = _text(value)
    return text if len(text) <= _SHOWN_CHARS else f"{text[: _SHOWN_CHARS - 1]}…"


def _text(value: object) -> str:
    """As JSON with its fields in order."""
    return msgspec.json.encode(value, order="deterministic").decode()
