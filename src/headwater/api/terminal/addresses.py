"""What the address of a terminal socket says: which socket, which symbol, which parameters.

Both spellings of an address mean the same: `/api/v1/ws/orderbook?symbol=BTCUSDT` and
`/api/v1/ws/orderbook/BTCUSDT`. A symbol may have slashes (`BTC/USDT:USDT`). Every parameter is
known to its socket and given once; whatever is wrong is a `RequestError` that names it.
"""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Final
from urllib.parse import parse_qsl

import msgspec

from headwater.core.errors import RequestError
from headwater.core.intervals import Interval

PREFIX: Final = "/api/v1/ws/"
"""How the paths of these sockets begin."""

QUERY_FIELDS_MAX: Final = 16
"""Most parameters of a query."""

TIMEFRAME: Final = "timeframe"
"""Name of the parameter that may also be the last segment of a path."""

_DIGITS_MAX: Final = 20
_LENGTH: Final = re.compile(r"[0-9]{1,3}[A-Za-z]")
_POWER_MAX: Final = 20
_NUMBER: Final = re.compile(r"[0-9]*\.?[0-9]*(?:[eE][+-]?[0-9]{1,2})?")


class TerminalAddress(msgspec.Struct, frozen=True, kw_only=True):
    """An address, taken apart.

    Attributes:
        symbol: as it was spelled.
        fields: the other parameters, by name.
    """

    symbol: str
    fields: Mapping[str, str]

    def whole(self, name: str, default: int, least: int, most: int) -> int:
        """A whole number.

        Raises:
            RequestError: it is none, or out of range.
        """
        text = self.fields.get(name)
        if text is None:
            return default
        if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS_MAX):
            raise RequestError(name, text, f"a whole number from {least} to {most}")
        return in_range(name, int(text), least, most)

    def decimal(self, name: str) -> Decimal | None:
        """A positive decimal number of at most 20 characters; None when it is not given.

        Raises:
            RequestError: it is none.
        """
        text = self.fields.get(name)
        return None if text is None else positive(name, text)

    def interval(
        self, name: str, allowed: Sequence[Interval], default: Interval | None = None
    ) -> Interval | None:
        """A length of time.

        Raises:
            RequestError: it is none of `allowed`.
        """
        text = self.fields.get(name)
        if text is None:
            return default
        for one in allowed:
            if text == one.value:
                return one
        raise RequestError(name, text, f"one of {', '.join(allowed)}")

    def choice(self, name: str, allowed: Sequence[str], default: str) -> str:
        """One of several words.

        Raises:
            RequestError: it is none of `allowed`.
        """
        text = self.fields.get(name, default)
        if text not in allowed:
            raise RequestError(name, text, f"one of {', '.join(allowed)}")
        return text


def in_range(name: str, value: int, least: int, most: int) -> int:
    """The value.

    Raises:
        RequestError: it is out of range.
    """
    if not least <= value <= most:
        raise RequestError(name, value, f"a whole number from {least} to {most}")
    return value


def positive(name: str, text: str) -> Decimal:
    """A positive decimal number of at most 20 characters, from 1e-20 to 1e20.

    A power of ten is allowed, as JavaScript spells small numbers so.

    Raises:
        RequestError: it is none.
    """
    allowed = f"a number above 0 of at most {_DIGITS_MAX} digits"
    try:
        # Decimal takes more: underscores, spaces, and powers that take minutes to write out.
        fits = len(text) <= _DIGITS_MAX and _NUMBER.fullmatch(text) is not None
        value = Decimal(text if fits else "NaN")
    except InvalidOperation as error:
        raise RequestError(name, text, allowed) from error
    if not value.is_finite() or value <= 0 or abs(value.adjusted()) > _POWER_MAX:
        raise RequestError(name, text, allowed)
    return value


def read_address(rest: str, query: str, known: Sequence[str]) -> TerminalAddress:
    """Takes an address apart.

    Args:
        rest: what follows the socket's name in the path, percent-decoded: empty, or `/` and the
            symbol, and where the socket knows `timeframe` perhaps `/` and a length of time, which
            need not be one that it offers.
        query: not decoded, without the `?`.
        known: names of parameters besides `symbol`.

    Raises:
        RequestError: no symbol, or a parameter that is unknown or given twice.
    """
    fields = _query_fields(query, ("symbol", *known))
    path, tail = split_path(rest) if TIMEFRAME in known else (rest.strip("/"), "")
    if tail:
        if TIMEFRAME in fields:
            raise RequestError(TIMEFRAME, fields[TIMEFRAME], f"given once; the path has {tail}")
        fields[TIMEFRAME] = tail
    if path and "symbol" in fields:
        raise RequestError("symbol", fields["symbol"], f"given once; the path has {path[:40]}")
    symbol = fields.pop("symbol", path)
    if not symbol:
        raise RequestError("symbol", symbol, "has to be given, in the path or as ?symbol=")
    return TerminalAddress(symbol=symbol, fields=fields)


def split_path(rest: str) -> tuple[str, str]:
    """The symbol and the length of time in what follows a socket's name; empty where there is none.

    Args:
        rest: empty, or `/` and the symbol, perhaps `/` and what looks like a length of time, such
            as `5m` or `7m`: no symbol ends so, for what follows a slash in one is an asset.
    """
    path = rest.strip("/")
    head, slash, tail = path.rpartition("/")
    return (head, tail) if slash and _LENGTH.fullmatch(tail) else (path, "")


def _query_fields(query: str, known: Sequence[str]) -> dict[str, str]:
    """The parameters of a query."""
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=QUERY_FIELDS_MAX)
    except ValueError as error:
        raise RequestError("query", query, f"at most {QUERY_FIELDS_MAX} parameters") from error
    fields: dict[str, str] = {}
    for name, value in pairs:
        if name not in known:
            raise RequestError(name, value, f"no such parameter; use {', '.join(known)}")
        if name in fields:
            raise RequestError(name, value, "given once")
        fields[name] = value
    return fields
