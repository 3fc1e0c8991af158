"""Round trips: from the fills of an account to positions with their entry and exit.

A round trip begins when a flat contract is traded and ends when it is flat again; what adds to it
or takes from it in between moves its average prices. A fill that turns a position ends one and
begins another.
"""

from collections.abc import Iterable

import msgspec

from headwater.backtest.outcome import ExitReason
from headwater.core.order_kinds import AccountEventKind, OrderReason
from headwater.trading.paper_contract import ATTO
from headwater.trading.paper_market import PaperMarket
from headwater.trading.paper_state import Entry

__all__ = ["RoundTrip", "round_trips"]

_REASONS = {
    OrderReason.STOP_TRIGGERED: ExitReason.STOP_LOSS,
    OrderReason.TRAIL_TRIGGERED: ExitReason.STOP_LOSS,
    OrderReason.TARGET_TRIGGERED: ExitReason.TAKE_PROFIT,
    OrderReason.LIQUIDATION: ExitReason.LIQUIDATION,
}


class RoundTrip(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A position from its first fill to its last.

    Attributes:
        exchange: venue id.
        symbol: canonical symbol.
        is_long: bought, else sold short.
        entry_ms: time of the first fill.
        exit_ms: time of the last one; None while it is open.
        entry_number: number of the first fill's event.
        exit_number: likewise of the last; 0 while it is open.
        entry_price: average of what was added, quote currency.
        exit_price: average of what was taken away; None before any.
        quantity: base units added in all, > 0.
        entry_fee: fees of what was added, quote currency.
        exit_fee: fees of what was taken away.
        funding: received (negative: paid) while it was open.
        exit_reason: why it ended; None while it is open.
    """

    exchange: str
    symbol: str
    is_long: bool
    entry_ms: int
    exit_ms: int | None
    entry_number: int
    exit_number: int
    entry_price: float
    exit_price: float | None
    quantity: float
    entry_fee: float
    exit_fee: float
    funding: float
    exit_reason: ExitReason | None

    @property
    def pnl(self) -> float | None:
        """Profit after fees and funding, quote currency; None while it is open."""
        if self.exit_price is None or self.exit_ms is None:
            return None
        moved = self.exit_price - self.entry_price
        gained = self.quantity * (moved if self.is_long else -moved)
        return gained - self.entry_fee - self.exit_fee + self.funding


class _Open:
    """A round trip that is under way, in whole ticks and steps."""

    __slots__ = (
        "entry_fee", "entry_lots", "entry_ms", "entry_number", "entry_units", "exit_fee",
        "exit_lots", "exit_units", "funding", "is_long", "market",
    )  # fmt: skip

    def __init__(self, market: PaperMarket, at_ms: int, number: int, *, is_long: bool) -> None:
        self.market = market
        self.is_long = is_long
        self.entry_ms = at_ms
        self.entry_number = number
        self.entry_lots = self.entry_units = self.entry_fee = 0
        self.exit_lots = self.exit_units = self.exit_fee = self.funding = 0

    def record(
        self, exit_ms: int | None = None, number: int = 0, reason: ExitReason | None = None
    ) -> RoundTrip:
        market, scale = self.market, self.market.scale
        exit_price = None
        if self.exit_lots:
            exit_price = _price(market, self.exit_units, self.exit_lots)
        return RoundTrip(
            exchange=market.exchange,
            symbol=market.symbol,
            is_long=self.is_long,
            entry_ms=self.entry_ms,
            exit_ms=exit_ms,
            entry_number=self.entry_number,
            exit_number=number,
            entry_price=_price(market, self.entry_units, self.entry_lots),
            exit_price=exit_price,
            quantity=scale.float_quantity(self.entry_lots),
            entry_fee=self.entry_fee / ATTO,
            exit_fee=self.exit_fee / ATTO,
            funding=self.funding / ATTO,
            exit_reason=reason,
        )


def round_trips(entries: Iterable[tuple[int, Entry]]) -> list[RoundTrip]:
    """The round trips of all contracts, by the time of their entry; open ones last.

    Args:
        entries: (number, entry) from a flat account on, oldest first.

    Returns:
        At a turn, the ended one has the reason `reversal`.
    """
    held: dict[int, _Open] = {}
    done: list[RoundTrip] = []
    for number, entry in entries:
        if len(entry) == 5:
            _, kind, market, amount, _ = entry
            if kind is AccountEventKind.FUNDING and market is not None and market.index in held:
                held[market.index].funding += amount
            continue
        if len(entry) == 6:
            continue
        at_ms, _, reason, order, _, _, facts = entry
        if facts is None or isinstance(facts, str):
            continue
        _, ticks, lots, fee, _, _ = facts
        market = order.market
        trip = held.get(market.index)
        if trip is not None and trip.is_long != order.is_buy:
            open_lots = trip.entry_lots - trip.exit_lots
            closing = min(open_lots, lots)
            share = fee * closing // lots
            trip.exit_lots += closing
            trip.exit_units += closing * ticks
            trip.exit_fee += share
            lots -= closing
            fee -= share
            if closing == open_lots:
                del held[market.index]
                why = _REASONS.get(reason, ExitReason.REVERSAL if lots else ExitReason.SIGNAL)
                done.append(trip.record(at_ms, number, why))
            if not lots:
                continue
            trip = None
        if trip is None:
            _mark_turn(done, market, at_ms, is_long=order.is_buy)
            trip = held[market.index] = _Open(market, at_ms, number, is_long=order.is_buy)
        trip.entry_lots += lots
        trip.entry_units += lots * ticks
        trip.entry_fee += fee
    done.sort(key=lambda one: one.entry_number)
    done += [one.record() for one in sorted(held.values(), key=lambda one: one.entry_number)]
    return done


def _mark_turn(done: list[RoundTrip], market: PaperMarket, at_ms: int, *, is_long: bool) -> None:
    """Calls the exit before an opposite entry of the same moment a reversal."""
    if not done:
        return
    last = done[-1]
    if (
        last.exit_ms == at_ms
        and last.is_long != is_long
        and last.exit_reason is ExitReason.SIGNAL
        and (last.exchange, last.symbol) == (market.exchange, market.symbol)
    ):
        done[-1] = msgspec.structs.replace(last, exit_reason=ExitReason.REVERSAL)


def _price(market: PaperMarket, units: int, lots: int) -> float:
    """Average price of ticks × steps over steps."""
    return units * market.tick_n / (lots * market.tick_d)
