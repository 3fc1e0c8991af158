"""What a terminal socket says of itself: its parameters, its messages, its examples.

Each socket is declared once, beside its code. The resolver reads addresses by the declaration, the
documents (`asyncapi_terminal`) and the generated clients are made from it, and tests execute its
examples; so none of them can know a parameter or a message that the others do not.
"""

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final, TypeAlias

import msgspec

from headwater.api.schemas.base import View
from headwater.api.schemas.terminal.common import PACE_DEFAULT_MS, PACE_MAX_MS, PACE_MIN_MS
from headwater.api.terminal.addresses import PREFIX, TerminalAddress, read_address
from headwater.api.terminal.symbols import DEFAULT_EXCHANGE
from headwater.core.errors import RequestError
from headwater.core.intervals import Interval

_NUMBER: Final = re.compile(r"[0-9]{1,13}(\.[0-9]{1,8})?([eE][0-9]{1,2})?")


class WholeParameter(msgspec.Struct, frozen=True, kw_only=True):
    """A whole number.

    Attributes:
        name: in the query.
        words: what it is, with its unit.
        default: when it is not given.
        least: inclusive.
        most: inclusive.
    """

    name: str
    words: str
    default: int
    least: int
    most: int

    def read(self, address: TerminalAddress) -> int:
        """Its value.

        Raises:
            RequestError: it is no whole number in the range.
        """
        return address.whole(self.name, self.default, self.least, self.most)

    def schema(self) -> dict[str, Any]:
        """Its JSON schema."""
        bounds = {"minimum": self.least, "maximum": self.most}
        return {"type": "integer", **bounds, "default": self.default, "description": self.words}


class DecimalParameter(msgspec.Struct, frozen=True, kw_only=True):
    """A number above 0, decimal-exact, of at most 20 characters; left out it is up to the socket.

    Attributes:
        name: in the query.
        words: what it is, with its unit and what holds when it is not given.
    """

    name: str
    words: str

    def read(self, address: TerminalAddress) -> Decimal | None:
        """Its value; None when it is not given.

        Raises:
            RequestError: it is no such number.
        """
        return address.decimal(self.name)

    def schema(self) -> dict[str, Any]:
        """Its JSON schema."""
        return {"type": "number", "exclusiveMinimum": 0, "description": self.words}


class NumberParameter(msgspec.Struct, frozen=True, kw_only=True):
    """A plain number, such as 250000, 2.5e5 or 0.5.

    Attributes:
        name: in the query.
        words: what it is, with its unit.
        default: when it is not given.
        least: inclusive, at least 0.
        most: inclusive.
    """

    name: str
    words: str
    default: float
    least: float
    most: float

    def read(self, address: TerminalAddress) -> float:
        """Its value.

        Raises:
            RequestError: it is no number in the range.
        """
        text = address.fields.get(self.name)
        if text is None:
            return self.default
        value = float(text) if _NUMBER.fullmatch(text) else -1.0
        if not self.least <= value <= self.most:
            allowed = f"a number from {self.least:.0f} to {self.most:.0f}"
            raise RequestError(self.name, text, allowed)
        return value

    def schema(self) -> dict[str, Any]:
        """Its JSON schema."""
        bounds = {"minimum": self.least, "maximum": self.most}
        return {"type": "number", **bounds, "default": self.default, "description": self.words}


class ChoiceParameter(msgspec.Struct, frozen=True, kw_only=True):
    """One of several words.

    Attributes:
        name: in the query.
        words: what it is.
        allowed: what it may be.
        default: when it is not given, one of `allowed`.
    """

    name: str
    words: str
    allowed: tuple[str, ...]
    default: str

    def read(self, address: TerminalAddress) -> str:
        """Its value.

        Raises:
            RequestError: it is none of `allowed`.
        """
        return address.choice(self.name, self.allowed, self.default)

    def schema(self) -> dict[str, Any]:
        """Its JSON schema."""
        return {
            "type": "string",
            "enum": list(self.allowed),
            "default": self.default,
            "description": self.words,
        }


class IntervalParameter(msgspec.Struct, frozen=True, kw_only=True):
    """A length of time.

    Attributes:
        name: in the query.
        words: what it is.
        allowed: what it may be, shortest first.
        default: when it is not given; None where leaving it out means something.
    """

    name: str
    words: str
    allowed: tuple[Interval, ...]
    default: Interval | None = None

    def read(self, address: TerminalAddress) -> Interval | None:
        """Its value; `default` when it is not given.

        Raises:
            RequestError: it is none of `allowed`.
        """
        return address.interval(self.name, self.allowed, self.default)

    def schema(self) -> dict[str, Any]:
        """Its JSON schema."""
        schema: dict[str, Any] = {"type": "string", "enum": [one.value for one in self.allowed]}
        if self.default is not None:
            schema["default"] = self.default.value
        return {**schema, "description": self.words}


class TextParameter(msgspec.Struct, frozen=True, kw_only=True):
    """Words that are looked up, such as a venue.

    Attributes:
        name: in the query.
        words: what it is.
        default: when it is not given.
    """

    name: str
    words: str
    default: str

    def read(self, address: TerminalAddress) -> str:
        """Its value, as it was spelled."""
        return address.fields.get(self.name, self.default)

    def schema(self) -> dict[str, Any]:
        """Its JSON schema."""
        return {"type": "string", "default": self.default, "description": self.words}


TerminalParameter: TypeAlias = (
    WholeParameter
    | DecimalParameter
    | NumberParameter
    | ChoiceParameter
    | IntervalParameter
    | TextParameter
)
"""What a query may say."""

EXCHANGE: Final = TextParameter(name="exchange", words="Venue id.", default=DEFAULT_EXCHANGE)
"""Which venue; every socket of a symbol knows it."""

PACE: Final = WholeParameter(
    name="pace_ms",
    words="Shortest time between two messages of data, ms.",
    default=PACE_DEFAULT_MS,
    least=PACE_MIN_MS,
    most=PACE_MAX_MS,
)
"""How often those sockets tell that send whole views."""

CHART_WIDTH: Final = WholeParameter(
    name="container_width",
    words="Width of the chart, pixels: decides with how many candles or buckets it begins.",
    default=800,
    least=300,
    most=3_000,
)
"""How wide a chart is."""


class TerminalSocket(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of terminal socket.

    Attributes:
        name: begins its path behind `/api/v1/ws/`.
        description: what it sends and how it goes on, for people.
        takes_symbol: whether it is about one symbol, in the path or as `?symbol=`.
        parameters: what else its query may say.
        requests: messages that it reads, `ping` among them; empty where it reads any text.
        answers: messages that it sends, `error` among them; empty where it sends any text.
        addresses: examples of what may follow `/api/v1/ws/`, in each spelling. They work on every
            platform whose default venue lists BTCUSDT.
        said: examples of requests, as they are sent.
    """

    name: str
    description: str
    takes_symbol: bool = True
    parameters: tuple[TerminalParameter, ...] = ()
    requests: tuple[type[View], ...] = ()
    answers: tuple[type[View], ...] = ()
    addresses: tuple[str, ...]
    said: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """Where to connect."""
        return f"{PREFIX}{self.name}"

    @property
    def known(self) -> Sequence[str]:
        """Names of its parameters besides `symbol`."""
        return tuple(one.name for one in self.parameters)

    def read(self, rest: str, query: str) -> TerminalAddress:
        """Takes an address of this socket apart.

        Args:
            rest: what follows the socket's name in the path.
            query: not decoded, without the `?`.

        Raises:
            RequestError: no symbol, or a parameter that is unknown or given twice.
        """
        return read_address(rest, query, self.known)
