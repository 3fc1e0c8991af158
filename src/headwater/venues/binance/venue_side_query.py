"""Reads the parameters of a REST request as Binance does, with its error codes and words.

Facts: the shared notes on Binance, section 2 (codes) and 3 (parameters).
"""

from collections.abc import Sequence

from headwater.core.errors import PlatformError
from headwater.core.intervals import Interval
from headwater.venues.binance.symbols import INTERVALS
from headwater.venues.binance.venue_side_text import SymbolText, SymbolTexts

UNKNOWN = -1000
TOO_MANY_REQUESTS = -1003
MISSING_PARAMETER = -1102
BAD_INTERVAL = -1120
BAD_SYMBOL = -1121
SPAN_TOO_LONG = -1127
BAD_PARAMETER = -1130
BAD_KEY_FORMAT = -2014
REJECTED_KEY = -2015
BAD_PATH = -5000

_MAX_DIGITS = 19


class Refusal(PlatformError):
    """A request that the venue answers with an error body.

    Args:
        status: HTTP status.
        code: the venue's code.
        message: the venue's words.
    """

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


class Query:
    """The parameters of one request.

    Args:
        pairs: decoded names and values; of a repeated name the last counts.
        texts: symbols of the market.
        has_key: whether an API key was sent.
    """

    def __init__(
        self, pairs: Sequence[tuple[str, str]], texts: SymbolTexts, *, has_key: bool
    ) -> None:
        self._values = {name: value for name, value in pairs if value}
        self._texts = texts
        self.has_key = has_key

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def text(self, name: str) -> str:
        """A mandatory parameter.

        Raises:
            Refusal: missing or empty.
        """
        value = self._values.get(name)
        if value is None:
            raise Refusal(
                400,
                MISSING_PARAMETER,
                f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.",
            )
        return value

    def symbol(self, name: str = "symbol") -> SymbolText:
        """A mandatory symbol or pair.

        Raises:
            Refusal: missing or not listed.
        """
        text = self._texts.native(self.text(name))
        if text is None:
            raise Refusal(400, BAD_SYMBOL, "Invalid symbol.")
        return text

    def optional_symbol(self) -> SymbolText | None:
        """The symbol, None when none was asked for.

        Raises:
            Refusal: not listed.
        """
        return self.symbol() if "symbol" in self._values else None

    def interval(self, name: str = "interval") -> Interval:
        """A mandatory interval.

        Raises:
            Refusal: missing, or none of the venue's (`1s` is not valid for futures).
        """
        interval = INTERVALS.get(self.text(name))
        if interval is None:
            raise Refusal(400, BAD_INTERVAL, "Invalid interval.")
        return interval

    def integer(self, name: str) -> int | None:
        """An optional whole number ≥ 0, None when it was not sent.

        Raises:
            Refusal: not a whole number.
        """
        value = self._values.get(name)
        if value is None:
            return None
        if not value.isascii() or not value.isdigit() or len(value) > _MAX_DIGITS:
            raise invalid(name)
        return int(value)

    def limit(self, default: int, highest: int) -> int:
        """The number of rows asked for, 1 … `highest`.

        Raises:
            Refusal: out of range or not a number.
        """
        limit = self.integer("limit")
        if limit is None:
            return default
        if not 1 <= limit <= highest:
            raise invalid("limit")
        return limit

    def span(self) -> tuple[int | None, int | None]:
        """`startTime` and `endTime`, ms since the epoch, None for what was not sent.

        Raises:
            Refusal: not numbers, or the end before the start.
        """
        start, end = self.integer("startTime"), self.integer("endTime")
        if start is not None and end is not None and end < start:
            raise invalid("endTime")
        return start, end


def invalid(name: str) -> Refusal:
    """The refusal of a value that is not valid."""
    return Refusal(400, BAD_PARAMETER, f"Data sent for parameter '{name}' is not valid.")
