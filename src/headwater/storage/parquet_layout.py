"""How records lie in columns: one layout per kind, made of the record's own annotations.

A column has the name of its field. Whole numbers are 64-bit, measurements doubles (bit for bit),
enumerations and decimals their text, levels of a book lists of [price, quantity]. A field that
holds a number or a text (a trade's id) is its text beside a flag that says which, as in the
database. None is null.
"""

import types
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any, ClassVar, Final, Union, get_args, get_origin, get_type_hints

import msgspec
import polars as pl

from headwater.core import records
from headwater.core.errors import RequestError, StorageRefused
from headwater.core.instruments import Instrument
from headwater.core.records import Record

RAW_SYMBOL: Final = "all"
"""Stands for the symbol of raw messages: which instruments one speaks of is not known."""

_NUMBER_FLAG: Final = "_is_number"
_LEVELS: Final = pl.List(pl.List(pl.Float64))


class RawMessage(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A message as the venue sent it.

    Attributes:
        exchange: venue id.
        received_ns: our wall time of its arrival, ns since the epoch.
        taken_ns: what messages are ordered by: the time of arrival, but never less than that of
            the message that the feed took before, which a slow reply may have overtaken.
        endpoint: name of the venue's WebSocket endpoint, or `rest`.
        url: of the connection or the request; None where unknown.
        payload: its bytes.
    """

    kind: ClassVar[str] = "raw"

    exchange: str
    received_ns: int
    taken_ns: int
    endpoint: str
    url: str | None
    payload: bytes


TapeRecord = Record | RawMessage
"""What a tape holds."""


class _Column(msgspec.Struct, frozen=True):
    """One field as one column; `to_cell` and `of_cell` are None where the value is the cell.

    `absent` is what a null means: the field's default where the field came after the first tapes
    and may not be None, else None.
    """

    name: str
    dtype: Any
    to_cell: Callable[[Any], Any] | None = None
    of_cell: Callable[[Any], Any] | None = None
    absent: Any = None


class Layout:
    """The columns of one kind of record.

    Args:
        kind: a record's class, or any struct whose fields are of the types above.
    """

    def __init__(self, kind: type[Any]) -> None:
        self.kind = kind
        hints = get_type_hints(kind)
        fields = msgspec.structs.fields(kind)
        self._columns = [
            msgspec.structs.replace(
                _column(field.name, hints[field.name]),
                absent=None if field.default is msgspec.NODEFAULT else field.default,
            )
            for field in fields
        ]
        self._numbered = [
            name for name in kind.__struct_fields__ if _kinds_of(hints[name])[0] == {int, str}
        ]
        self.schema: Mapping[str, Any] = MappingProxyType(
            {column.name: column.dtype for column in self._columns}
            | {name + _NUMBER_FLAG: pl.Boolean for name in self._numbered}
        )

    def frame(self, rows: Sequence[Any]) -> pl.DataFrame:
        """The columns of some records, in their order.

        Raises:
            StorageRefused: a value fits no column: a whole number beyond 64 bits, half a
                character.
        """
        made = []
        try:
            for column in self._columns:
                name, to_cell = column.name, column.to_cell
                values = [getattr(row, name) for row in rows]
                if to_cell is not None:
                    values = [None if value is None else to_cell(value) for value in values]
                made.append(pl.Series(name, values, dtype=column.dtype, strict=True))
            for name in self._numbered:
                flags = [getattr(row, name).__class__ is int for row in rows]
                made.append(pl.Series(name + _NUMBER_FLAG, flags, dtype=pl.Boolean))
        except (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError) as error:
            raise StorageRefused(f"tape of {self.kind.__name__}", str(error)) from error
        return pl.DataFrame(made)

    def rows(self, frame: pl.DataFrame) -> list[Any]:
        """The records of some columns; the opposite of `frame`."""
        columns = []
        for column in self._columns:
            values = frame.get_column(column.name).to_list()
            of_cell = column.of_cell
            if of_cell is not None:
                values = [None if value is None else of_cell(value) for value in values]
            if column.absent is not None:
                values = [column.absent if value is None else value for value in values]
            if column.name in self._numbered:
                flags = frame.get_column(column.name + _NUMBER_FLAG).to_list()
                values = [
                    int(value) if flag else value for value, flag in zip(values, flags, strict=True)
                ]
            columns.append(values)
        names, make = self.kind.__struct_fields__, self.kind
        return [
            make(**dict(zip(names, values, strict=True))) for values in zip(*columns, strict=True)
        ]


def _column(name: str, hint: Any) -> _Column:
    """The column of a field.

    Raises:
        TypeError: no column holds such values.
    """
    kinds, optional = _kinds_of(hint)
    del optional
    if kinds == {int, str}:
        return _Column(name, pl.String, str)
    if len(kinds) == 1:
        (kind,) = kinds
        plain = {int: pl.Int64, bool: pl.Boolean, str: pl.String, bytes: pl.Binary}
        if kind in plain:
            return _Column(name, plain[kind])
        if kind is float:
            # A venue's whole number may stand where a measurement is meant.
            return _Column(name, pl.Float64, float)
        if kind is Decimal:
            return _Column(name, pl.String, str, Decimal)
        if isinstance(kind, type) and issubclass(kind, StrEnum):
            members = {member.value: member for member in kind}
            return _Column(name, pl.String, _value_of, members.__getitem__)
        if get_origin(kind) is tuple:
            inner = get_args(kind)[0]
            if inner is float:
                return _Column(name, pl.List(pl.Float64), list, tuple)
            if inner == records.Level:
                return _Column(name, _LEVELS, _nested, _pairs)
    raise TypeError(f"{name}: no column holds {hint}")


def _kinds_of(hint: Any) -> tuple[set[Any], bool]:
    """The types that a hint allows besides None, and whether it allows None."""
    if get_origin(hint) in (Union, types.UnionType):
        allowed = set(get_args(hint))
        return allowed - {types.NoneType}, types.NoneType in allowed
    return {hint}, False


def _value_of(member: StrEnum) -> str:
    return str(member.value)


def _nested(levels: Sequence[records.Level]) -> list[list[float]]:
    return [[float(price), float(quantity)] for price, quantity in levels]


def _pairs(levels: Sequence[Sequence[float]]) -> tuple[records.Level, ...]:
    return tuple((price, quantity) for price, quantity in levels)


_KINDS: Final[tuple[type[TapeRecord], ...]] = (
    RawMessage,
    Instrument,
    *(
        one
        for one in vars(records).values()
        if isinstance(one, type) and issubclass(one, Record) and one is not Record
    ),
)

LAYOUTS: Final[Mapping[str, Layout]] = MappingProxyType({one.kind: Layout(one) for one in _KINDS})
"""The layout of each kind of record by its name (`trade`, `book_delta`, …, `raw`)."""


def layout_of(kind: str) -> Layout:
    """The layout of a kind.

    Raises:
        RequestError: there is no such kind.
    """
    found = LAYOUTS.get(kind)
    if found is None:
        raise RequestError("kind", kind, ", ".join(LAYOUTS))
    return found


def symbol_of(record: TapeRecord) -> str:
    """The symbol whose part a record belongs to."""
    return RAW_SYMBOL if isinstance(record, RawMessage) else record.symbol


def time_ms_of(record: TapeRecord) -> int:
    """The time that a tape is ordered by, ms since the epoch, UTC.

    Of records the venue's; of raw messages that at which the feed took them.
    """
    if isinstance(record, RawMessage):
        return record.taken_ns // 1_000_000
    return record.timestamp_ms
