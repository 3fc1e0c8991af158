"""Checks of a database, and checksums of its tables.

A checksum is the sum, modulo 2^128, of a BLAKE2b hash of every row in a form that does not depend
on the kind of database. Sums do not depend on the order either, so that a copy can be compared
without sorting. They find accidents, not forgeries.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from headwater.core.enums import StoredTable
from headwater.storage.base import Database, Row
from headwater.storage.sessions import ReadSession
from headwater.storage.tables import TABLES
from headwater.storage.upgrade import newest_version, version_of

_DIGEST_BYTES: Final = 16
_MODULUS: Final = 1 << (8 * _DIGEST_BYTES)

_encode = msgspec.msgpack.Encoder().encode


class TableSum(msgspec.Struct, frozen=True, kw_only=True):
    """What a table holds.

    Attributes:
        rows: how many.
        checksum: 32 hexadecimal digits.
    """

    rows: int
    checksum: str


class RunningSum:
    """The checksum of rows that pass by."""

    def __init__(self) -> None:
        self._rows = 0
        self._sum = 0

    def add(self, rows: Iterable[Row]) -> None:
        """Takes rows; their values in the order of the table's columns."""
        blake, encode = hashlib.blake2b, _encode
        for row in rows:
            digest = blake(encode(row), digest_size=_DIGEST_BYTES).digest()
            self._sum += int.from_bytes(digest, "big")
            self._rows += 1
        self._sum %= _MODULUS

    @property
    def result(self) -> TableSum:
        """The sum of what passed so far."""
        return TableSum(rows=self._rows, checksum=f"{self._sum:0{2 * _DIGEST_BYTES}x}")


class CheckReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a check found.

    Attributes:
        version: of the tables, None when there are none.
        version_wanted: the one this program works with.
        problems: what is wrong, in words; empty when all is well.
        tables: what each table holds; empty when the version is another one.
    """

    version: str | None
    version_wanted: str
    problems: Sequence[str]
    tables: dict[StoredTable, TableSum]

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


def check(database: Database) -> CheckReport:
    """Looks at a database as it is, also while it is written: version, pages, every row.

    Raises:
        StorageError: it is not there or cannot be read at all.
    """
    with ReadSession(database) as session:
        problems: list[str] = []
        with session.snapshot() as state:
            version = version_of(session.connection)
            problems += database.damage(session.connection)
            if version != newest_version():
                problems.append(
                    f"the tables have version {version or 'none'}, this program works with "
                    f"{newest_version()}: run `headwater db upgrade`"
                )
                return _report(version, problems, {})
            sums = {}
            for name, spec in TABLES.items():
                running = RunningSum()
                for page in state.pages(spec):
                    running.add(page)
                sums[name] = running.result
            problems += _impossible(session.connection)
    return _report(version, problems, sums)


def _report(
    version: str | None, problems: Sequence[str], sums: dict[StoredTable, TableSum]
) -> CheckReport:
    return CheckReport(
        version=version, version_wanted=newest_version(), problems=tuple(problems), tables=sums
    )


def _impossible(connection: sa.Connection) -> Sequence[str]:
    """Rows that no market has: the program writes none, so something else did."""
    rules: Sequence[tuple[StoredTable, Any]] = [
        (StoredTable.CANDLES, lambda c: (c.high < c.low) | (c.open <= 0) | (c.volume < 0)),
        (StoredTable.MARK_CANDLES, lambda c: (c.high < c.low) | (c.low <= 0)),
        (StoredTable.TRADES, lambda c: (c.price <= 0) | (c.quantity <= 0)),
        (StoredTable.LIQUIDATIONS, lambda c: (c.price <= 0) | (c.quantity <= 0)),
        (StoredTable.OPEN_INTEREST, lambda c: c.open_interest < 0),
    ]
    found = []
    for name, wrong in rules:
        table = TABLES[name].table
        chosen = sa.select(sa.func.count()).select_from(table).where(wrong(table.columns))
        count = connection.execute(chosen).scalar_one()
        if count:
            found.append(f"{name.value}: {count} rows with values that no market has")
    return found
