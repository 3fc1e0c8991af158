"""The journal of a paper run: every event heard and everything that happened to orders, as lines.

One JSON object a line, each with its `kind`: a header first, what was heard and what came of it in
the order in which it happened, and an end. A line is in the system's hands within the batch of
records that made it, and on the disk within `SYNC_S` and at the end: a crash of the process loses
nothing, a crash of the machine at most so long. A torn last line is passed over when it is read.
"""

import os
from collections.abc import Iterator
from math import inf
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec

from headwater.core.errors import PlatformError, RequestError
from headwater.core.margin_tiers import MarginTier
from headwater.core.orders import AccountEvent, OrderEvent
from headwater.strategies.bars import Bar
from headwater.trading.paper_assumptions import FillAssumptions
from headwater.trading.paper_contract import PaperContract

__all__ = [
    "SYNC_S",
    "AccountLine",
    "HeardBar",
    "HeardFunding",
    "HeardLiquidation",
    "HeardTrade",
    "HeardValue",
    "JournalEnd",
    "JournalError",
    "JournalHeader",
    "JournalLine",
    "JournalTier",
    "JournalWriter",
    "OrderLine",
    "read_journal",
]

SYNC_S: Final = 1.0
"""Longest time for which written lines may be lost when the machine fails."""

FORMAT: Final = 1
_LINE_MAX: Final = 64_000_000


class JournalError(PlatformError):
    """A journal cannot be written: the disk is full, gone or not ours.

    Args:
        path: of the journal.
        problem: as the system says it.
    """

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"journal {path}: {problem}")
        self.path = path
        self.problem = problem


class JournalTier(msgspec.Struct, frozen=True, kw_only=True):
    """A margin tier as JSON can hold it, which knows no infinity.

    Attributes:
        notional_floor: as of `MarginTier`, as the others.
        notional_cap: quote currency; of the last tier the largest position there may be. None: it
            ends where the next one begins, the last one nowhere.
        maintenance_rate: share of the notional.
        maintenance_deduction: quote currency.
        leverage_max: ≥ 1.
    """

    notional_floor: float
    maintenance_rate: float
    maintenance_deduction: float
    leverage_max: float
    notional_cap: float | None = None

    @classmethod
    def of(cls, tier: MarginTier) -> "JournalTier":
        """The same tier; its edges in base units, by which nothing is decided here, are left."""
        return cls(
            notional_floor=tier.notional_floor,
            notional_cap=None if tier.notional_cap == inf else tier.notional_cap,
            maintenance_rate=tier.maintenance_rate,
            maintenance_deduction=tier.maintenance_deduction,
            leverage_max=tier.leverage_max,
        )


class JournalHeader(msgspec.Struct, frozen=True, kw_only=True, tag="header", tag_field="kind"):
    """What the run rests on: enough to run it again.

    Attributes:
        format: of the journal.
        strategy: as the user named it: a name or path.py:Class.
        parameters: as given; what is not here has its default.
        interval_ms: length of the bars.
        contracts: with fees, leverage and margin mode, without tiers; lines name them by their
            number here.
        tiers: margin tiers of each contract; none at all, or none of one: nothing is demanded but
            what the position loses.
        cash: at the start.
        currency: settlement currency.
        fills: how orders fill.
        past: bars of each contract that had closed before the start.
        is_simulated: whether the market was a simulated exchange.
    """

    format: int = FORMAT
    strategy: str
    parameters: dict[str, Any]
    interval_ms: int
    contracts: tuple[PaperContract, ...]
    cash: str
    currency: str
    fills: FillAssumptions
    past: tuple[tuple[Bar, ...], ...]
    is_simulated: bool = False
    tiers: tuple[tuple[JournalTier, ...], ...] = ()

    def traded(self) -> tuple[PaperContract, ...]:
        """The contracts with their tiers."""
        if not self.tiers:
            return self.contracts
        return tuple(
            msgspec.structs.replace(contract, tiers=_tiers(rows))
            for contract, rows in zip(self.contracts, self.tiers, strict=True)
        )


def _tiers(rows: tuple[JournalTier, ...]) -> tuple[MarginTier, ...]:
    ends = [*(row.notional_floor for row in rows[1:]), inf]
    return tuple(
        MarginTier(
            notional_floor=row.notional_floor,
            notional_cap=end if row.notional_cap is None else row.notional_cap,
            maintenance_rate=row.maintenance_rate,
            maintenance_deduction=row.maintenance_deduction,
            leverage_max=row.leverage_max,
        )
        for row, end in zip(rows, ends, strict=False)
    )


class HeardTrade(msgspec.Struct, frozen=True, kw_only=True, tag="trade", tag_field="kind"):
    """A public trade.

    Attributes:
        at_ms: when it was heard, on the run's own clock (`paper_run.Stamps`).
        lane: number of the contract.
        price: quote currency.
        quantity: base units.
        is_buy: whether the taker bought.
    """

    at_ms: int
    lane: int
    price: float
    quantity: float
    is_buy: bool


class HeardBar(msgspec.Struct, frozen=True, kw_only=True, tag="bar", tag_field="kind"):
    """A bar that closed; `at_ms` and `lane` as of a trade."""

    at_ms: int
    lane: int
    bar: Bar


class HeardFunding(msgspec.Struct, frozen=True, kw_only=True, tag="funding", tag_field="kind"):
    """A funding settlement.

    Attributes:
        at_ms: as of a trade.
        lane: likewise.
        rate: fraction per interval.
        mark_price: it was settled at.
    """

    at_ms: int
    lane: int
    rate: float
    mark_price: float


class HeardLiquidation(
    msgspec.Struct, frozen=True, kw_only=True, tag="liquidation", tag_field="kind"
):
    """A forced close of somebody.

    Attributes:
        at_ms: as of a trade.
        lane: likewise.
        price: quote currency.
        quantity: base units.
        is_long: whether a long position was closed.
    """

    at_ms: int
    lane: int
    price: float
    quantity: float
    is_long: bool


class HeardValue(msgspec.Struct, frozen=True, kw_only=True, tag="value", tag_field="kind"):
    """A mark price or an open interest.

    Attributes:
        at_ms: as of a trade.
        lane: likewise.
        name: `mark` or `open_interest`.
        value: quote currency or base units.
    """

    at_ms: int
    lane: int
    name: str
    value: float


class OrderLine(msgspec.Struct, frozen=True, kw_only=True, tag="order", tag_field="kind"):
    """A decision or what became of it: an event of an order, with its fill."""

    event: OrderEvent


class AccountLine(msgspec.Struct, frozen=True, kw_only=True, tag="account", tag_field="kind"):
    """Funding, liquidation or insolvency of the account."""

    event: AccountEvent


class JournalEnd(msgspec.Struct, frozen=True, kw_only=True, tag="end", tag_field="kind"):
    """How the run ended.

    Attributes:
        at_ms: time of the last event.
        reason: in words.
        equity: at the last prices.
        heard: events heard.
        dropped: records that the run was too slow to hear.
        late: bars that came out of order and were passed over.
    """

    at_ms: int
    reason: str
    equity: str
    heard: int
    dropped: int = 0
    late: int = 0


JournalLine = (
    JournalHeader
    | HeardTrade
    | HeardBar
    | HeardFunding
    | HeardLiquidation
    | HeardValue
    | OrderLine
    | AccountLine
    | JournalEnd
)


class JournalWriter:
    """Appends lines to a new file.

    Args:
        path: must not exist.

    Raises:
        RequestError: it exists.
        JournalError: it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._encoder = msgspec.json.Encoder(decimal_format="string")
        self._lines: list[bytes] = []
        try:
            self._file: BinaryIO = path.open("xb")
        except FileExistsError:
            raise RequestError("journal", str(path), "a file that does not exist yet") from None
        except OSError as error:
            raise JournalError(path, error.strerror or str(error)) from error

    def add(self, line: JournalLine) -> None:
        """Takes a line; `flush` writes it."""
        self._lines.append(self._encoder.encode(line))

    def flush(self, *, sync: bool = False) -> None:
        """Hands the lines to the system, and waits for the disk when `sync`.

        Raises:
            JournalError: the disk is full or gone; what was written before stays.
        """
        try:
            if self._lines:
                self._file.write(b"\n".join(self._lines) + b"\n")
                self._lines.clear()
            self._file.flush()
            if sync:
                os.fsync(self._file.fileno())
        except OSError as error:
            raise JournalError(self._path, error.strerror or str(error)) from error

    def close(self) -> None:
        """Writes what is left and closes the file.

        Raises:
            JournalError: as of `flush`.
        """
        try:
            self.flush(sync=True)
        finally:
            try:
                self._file.close()
            except OSError:
                self._lines.clear()  # `flush` has said what is wrong


def read_journal(path: Path) -> Iterator[JournalLine]:
    """The lines of a journal; a torn last one is passed over.

    Raises:
        RequestError: no such file, no journal, or a line that cannot be read; names the line.
    """
    decoder = msgspec.json.Decoder(JournalLine)
    try:
        file = path.open("rb")
    except OSError as error:
        raise RequestError("journal", str(path), "a journal of `headwater paper`") from error
    with file:
        number = 0
        while line := file.readline(_LINE_MAX):
            number += 1
            try:
                read = decoder.decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                if not line.endswith(b"\n") and number > 1:
                    return
                raise RequestError(
                    "journal", f"line {number}: {error}", "a journal of `headwater paper`"
                ) from error
            if (number == 1) != isinstance(read, JournalHeader):
                raise RequestError("journal", f"line {number}", "one header, in the first line")
            if isinstance(read, JournalHeader):
                _check(read)
            yield read


def _check(header: JournalHeader) -> None:
    if header.format != FORMAT:
        raise RequestError("journal.format", header.format, f"{FORMAT}")
    if header.tiers and len(header.tiers) != len(header.contracts):
        raise RequestError(
            "journal.tiers", len(header.tiers), f"of {len(header.contracts)} contracts"
        )
