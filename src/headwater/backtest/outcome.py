"""What a drive found: trades, equity and everything that did not go through.

Inside, trades are parallel columns, because a run has thousands and most callers read none of them
one by one; `Trade` records are made when somebody looks.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

import msgspec
import numpy as np

from headwater.analytics.arrays import BoolArray, FloatArray, IndexArray

__all__ = ["ExitReason", "Outcome", "Pending", "Refusal", "Trade", "TradeColumns"]


class ExitReason(StrEnum):
    """Why a position was closed."""

    SIGNAL = "signal"
    REVERSAL = "reversal"
    STOP_LOSS = "stop_loss"
    TAKE_PROFIT = "take_profit"
    LIQUIDATION = "liquidation"


class Trade(msgspec.Struct, frozen=True, kw_only=True, gc=False):
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


@dataclass(slots=True)
class TradeColumns:
    """The trades as parallel columns, oldest first; the last may be open.

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

    is_long: list[bool] = field(default_factory=list)
    entry_bar: list[int] = field(default_factory=list)
    exit_bar: list[int] = field(default_factory=list)
    entry_price: list[float] = field(default_factory=list)
    exit_price: list[float] = field(default_factory=list)
    quantity: list[float] = field(default_factory=list)
    entry_fee: list[float] = field(default_factory=list)
    exit_fee: list[float] = field(default_factory=list)
    funding: list[float] = field(default_factory=list)
    exit_reason: list[ExitReason | None] = field(default_factory=list)

    def __len__(self) -> int:
        """How many trades, the open one included."""
        return len(self.entry_bar)

    def pnl(self) -> FloatArray:
        """Shape (closed trades,): profit after fees and funding, quote currency."""
        closed = len(self) - (1 if self.exit_bar and self.exit_bar[-1] < 0 else 0)
        side = np.where(np.array(self.is_long[:closed], dtype=np.bool_), 1.0, -1.0)
        moved = np.array(self.exit_price[:closed]) - np.array(self.entry_price[:closed])
        gained = side * np.array(self.quantity[:closed]) * moved
        gained -= np.array(self.entry_fee[:closed]) + np.array(self.exit_fee[:closed])
        pnl: FloatArray = gained + np.array(self.funding[:closed])
        return pnl

    def records(self) -> Iterator[Trade]:
        """The trades one by one."""
        gains: list[float | None] = self.pnl().tolist()
        exit_bars: list[int | None] = [*self.exit_bar]
        exit_prices: list[float | None] = [*self.exit_price]
        if len(gains) < len(self):
            gains.append(None)
            exit_bars[-1] = exit_prices[-1] = None
        columns = zip(
            self.is_long, self.entry_bar, exit_bars, self.entry_price, exit_prices, self.quantity,
            gains, self.entry_fee, self.exit_fee, self.funding, self.exit_reason,
            strict=True,
        )  # fmt: skip
        for is_long, entered, left, entry, exit_, size, pnl, paid, fee, funding, reason in columns:
            yield Trade(
                side="long" if is_long else "short",
                entry_bar=entered,
                exit_bar=left,
                entry_price=entry,
                exit_price=exit_,
                quantity=size,
                pnl=pnl,
                fees=paid + fee,
                funding=funding,
                exit_reason=reason,
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

    @property
    def entry_bars(self) -> IndexArray:
        """Shape (trades,): numbers of the entries' bars."""
        return np.array(self.trades.entry_bar, dtype=np.int64)
