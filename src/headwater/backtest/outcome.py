"""What a drive found: trades, equity and everything that did not go through.

Inside, trades are parallel columns, because a run has thousands and most callers read none of them
one by one; `Trade` records are made when somebody looks.
"""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import msgspec
import numpy as np

from headwater.analytics.arrays import BoolArray, FloatArray, IndexArray

__all__ = ["ExitReason", "Outcome", "Pending", "Refusal", "Trade", "TradeColumns", "TradeLog"]

_SIDES: Final = ("short", "long")


class ExitReason(StrEnum):
    """Why a position was closed."""

    SIGNAL = "signal"
    REVERSAL = "reversal"
    STOP_LOSS = "stop_loss"
    TAKE_PROFIT = "take_profit"
    LIQUIDATION = "liquidation"


class Trade(msgspec.Struct, frozen=True, gc=False):
    """A position from its entry to its exit.

    Attributes:
        side: `long` or `short`.
        entry_bar: number of the bar in which it was filled.
        exit_bar: likewise of the exit; None while it is open.
        entry_price: quote currency, slippage included.
        exit_price: likewise; None while it is open.
        quantity: base units, > 0.
        pnl: profit after both fees and funding, quote currency; None while it is open.
        fees: paid so far, quote currency.
        funding: funding received (negative: paid), quote currency.
        exit_reason: why it was closed; None while it is open.
    """

    side: str
    entry_bar: int
    exit_bar: int | None
    entry_price: float
    exit_price: float | None
    quantity: float
    pnl: float | None
    fees: float
    funding: float
    exit_reason: ExitReason | None


class Pending(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A decision that has no bar left to be filled in.

    Attributes:
        bar: number of the bar at whose close it was made.
        action: `enter_long`, `enter_short`, `exit`, or a reversal: `reverse_long`, `reverse_short`.
    """

    bar: int
    action: str


class Refusal(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An order that was not placed.

    Attributes:
        bar: number of the bar in which it would have been filled.
        action: as `Pending.action`.
        reason: in words, with the figures.
    """

    bar: int
    action: str
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class TradeColumns:
    """The trades as parallel columns of shape (trades,), oldest first; the last may be open.

    Attributes:
        is_long: bought, else sold short.
        entry_bar: number of the entry's bar.
        exit_bar: number of the exit's bar; −1 while it is open.
        entry_price: quote currency, slippage included.
        exit_price: likewise; NaN while it is open.
        quantity: base units, > 0.
        entry_fee: quote currency.
        exit_fee: likewise; 0 while it is open.
        funding: received, quote currency.
        exit_reason: None while it is open.
    """

    is_long: BoolArray
    entry_bar: IndexArray
    exit_bar: IndexArray
    entry_price: FloatArray
    exit_price: FloatArray
    quantity: FloatArray
    entry_fee: FloatArray
    exit_fee: FloatArray
    funding: FloatArray
    exit_reason: list[ExitReason | None]

    def __len__(self) -> int:
        """How many trades, the open one included."""
        return len(self.entry_bar)

    def pnl(self) -> FloatArray:
        """Shape (closed trades,): profit after fees and funding, quote currency."""
        closed = len(self) - (1 if len(self) and self.exit_bar[-1] < 0 else 0)
        side = np.where(self.is_long[:closed], 1.0, -1.0)
        moved = self.exit_price[:closed] - self.entry_price[:closed]
        gained = side * self.quantity[:closed] * moved
        gained -= self.entry_fee[:closed] + self.exit_fee[:closed]
        pnl: FloatArray = gained + self.funding[:closed]
        return pnl

    def records(self) -> Iterator[Trade]:
        """The trades one by one."""
        gains: list[float | None] = self.pnl().tolist()
        exit_bars: list[int | None] = self.exit_bar.tolist()
        exit_prices: list[float | None] = self.exit_price.tolist()
        if len(gains) < len(self):
            gains.append(None)
            exit_bars[-1] = exit_prices[-1] = None
        # By place, not by name: a call by ten names takes half as long again.
        return map(
            Trade,
            map(_SIDES.__getitem__, self.is_long.tolist()),
            self.entry_bar.tolist(),
            exit_bars,
            self.entry_price.tolist(),
            exit_prices,
            self.quantity.tolist(),
            gains,
            (self.entry_fee + self.exit_fee).tolist(),
            self.funding.tolist(),
            self.exit_reason,
        )


class TradeLog:
    """The trades of a run that is under way; the last may be open.

    Its columns grow as plain numbers side by side. Lists of objects, scattered over what a long run
    has touched, would be collected again slowly at its end.

    Attributes: as those of `TradeColumns`.
    """

    __slots__ = (
        "entry_bar", "entry_fee", "entry_price", "exit_bar", "exit_fee", "exit_price",
        "exit_reason", "funding", "is_long", "quantity",
    )  # fmt: skip

    def __init__(self) -> None:
        self.is_long = array("b")
        self.entry_bar = array("q")
        self.exit_bar = array("q")
        self.entry_price = array("d")
        self.exit_price = array("d")
        self.quantity = array("d")
        self.entry_fee = array("d")
        self.exit_fee = array("d")
        self.funding = array("d")
        self.exit_reason: list[ExitReason | None] = []

    def columns(self) -> TradeColumns:
        """The trades so far."""
        return TradeColumns(
            is_long=np.array(self.is_long).astype(np.bool_),
            entry_bar=np.array(self.entry_bar),
            exit_bar=np.array(self.exit_bar),
            entry_price=np.array(self.entry_price),
            exit_price=np.array(self.exit_price),
            quantity=np.array(self.quantity),
            entry_fee=np.array(self.entry_fee),
            exit_fee=np.array(self.exit_fee),
            funding=np.array(self.funding),
            exit_reason=[*self.exit_reason],
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one run over N bars came to.

    Attributes:
        initial_capital: quote currency.
        equity: shape (bars that were run,): cash and position marked at each close, fees in the bar
            of their fill. Shorter than the bars when the account was ruined: the run stops there.
        held: shape as `equity`: base units held at each close, negative for short.
        trades: as columns.
        pending: decisions without a bar to be filled in.
        refused: orders that were not placed.
        ambiguous_bars: shape (any,): bars in which both stop and target were reached, so that the
            rule "stop first" decided.
        insolvent_bar: the bar at whose close (or exit) nothing was left; else None.
    """

    initial_capital: float
    equity: FloatArray
    held: FloatArray
    trades: TradeColumns
    pending: tuple[Pending, ...] = ()
    refused: tuple[Refusal, ...] = ()
    ambiguous_bars: tuple[int, ...] = ()
    insolvent_bar: int | None = None

    @property
    def final_equity(self) -> float:
        """Equity at the last close that was run; the capital when there was none."""
        return float(self.equity[-1]) if len(self.equity) else self.initial_capital

    @property
    def exposed(self) -> BoolArray:
        """Shape as `equity`: whether there was a position at the close."""
        exposed: BoolArray = self.held != 0.0
        return exposed
