"""The paper venue: without network, clock or chance, one for back-tests and paper trading.

It is given market events in the order of their times and commands between them, and keeps one
account over any number of contracts and venues. The same input gives the same result to the last
digit, in one run or cut in pieces (`snapshot`, `restore`). How each order fills, with what is
assumed and when that is wrong, stands rule by rule in `docs/guides/fills.md`.

It knows nothing of strategies, files or time other than that of the events.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Self

import msgspec

from headwater.core.errors import RequestError
from headwater.core.order_kinds import (
    OrderReason,
    OrderState,
    OrderType,
)
from headwater.core.orders import (
    AccountEvent,
    BracketRequest,
    Order,
    OrderEvent,
    OrderRequest,
    Position,
    check_bracket_request,
    check_order_request,
)
from headwater.trading.paper_admission import admit, make_order
from headwater.trading.paper_amend import amend_order
from headwater.trading.paper_assumptions import FillAssumptions, check_assumptions
from headwater.trading.paper_brackets import place_bracket
from headwater.trading.paper_contract import ATTO, PaperContract, money
from headwater.trading.paper_margin import equity, free_margin
from headwater.trading.paper_market import PaperMarket
from headwater.trading.paper_matching import stop_order
from headwater.trading.paper_order import WorkingOrder
from headwater.trading.paper_positions import position_record
from headwater.trading.paper_requotes import PaperRequotes
from headwater.trading.paper_snapshot import restore_state, snapshot_state
from headwater.trading.paper_state import FINAL, Entry, OrderEntry, PaperState

_CANCELLED = OrderState.CANCELLED
_REQUESTED = OrderReason.REQUESTED


class AmbiguousBar(msgspec.Struct, frozen=True, kw_only=True):
    """A bar whose range held both exits of a position, so that their order was assumed.

    Attributes:
        exchange: venue id.
        symbol: canonical symbol.
        at_ms: time of the bar.
    """

    exchange: str
    symbol: str
    at_ms: int


class PaperVenue(PaperRequotes):
    """One account on simulated markets.

    Args:
        contracts: one for each (exchange, symbol), with its fees, leverage and margin mode.
        cash: at the start, settlement currency, ≥ 0.
        currency: settlement currency of all contracts.
        assumptions: how orders fill.

    Raises:
        RequestError: a fact, setting or assumption out of its range, or a contract given twice.
    """

    def __init__(
        self,
        contracts: Sequence[PaperContract],
        cash: Decimal,
        currency: str = "USDT",
        assumptions: FillAssumptions | None = None,
    ) -> None:
        self.assumptions = check_assumptions(assumptions or FillAssumptions())
        if not (cash.is_finite() and cash >= 0):
            raise RequestError("cash", cash, "a finite amount of 0 or more")
        self.contracts = tuple(contracts)
        markets = [
            PaperMarket(index, contract, self.assumptions)
            for index, contract in enumerate(self.contracts)
        ]
        self._by_name = {(one.exchange, one.symbol): one for one in markets}
        if len(self._by_name) < len(markets):
            raise RequestError("contracts", len(markets), "each (exchange, symbol) once")
        super().__init__(PaperState(markets, cash, currency, self.assumptions))

    # Contracts and commands

    def market(self, exchange: str, symbol: str) -> PaperMarket:
        """The handle of a contract, which the methods below take.

        Raises:
            RequestError: not one of the contracts.
        """
        found = self._by_name.get((exchange, symbol))
        if found is None:
            listed = ", ".join(f"{one}:{other}" for one, other in self._by_name) or "none"
            raise RequestError("symbol", f"{exchange}:{symbol}", f"one of {listed}")
        return found

    def submit(
        self, request: OrderRequest, *, equity_fraction: Decimal | None = None
    ) -> WorkingOrder:
        """Places an order.

        Args:
            request: of one of the contracts.
            equity_fraction: of market orders without a quantity: size it at its fill so that
                notional and taker fee come to this share of the equity then.

        Returns:
            The live order; look at `state` for whether it was taken. Its events say why.

        Raises:
            RequestError: a request that no venue could understand.
        """
        market = self.market(request.exchange, request.symbol)
        _check_fraction(request, equity_fraction)
        check_order_request(request, is_sized=equity_fraction is None)
        order = make_order(self._state, market, request, equity_fraction)
        admit(self._state, order)
        return order

    def submit_bracket(
        self, bracket: BracketRequest, *, equity_fraction: Decimal | None = None
    ) -> tuple[WorkingOrder, WorkingOrder | None, WorkingOrder | None]:
        """Places an entry with its exits.

        Args:
            bracket: of one of the contracts.
            equity_fraction: as in `submit`, of the entry.

        Returns:
            Entry, stop and target (None for one not asked for).

        Raises:
            RequestError: a bracket that makes no sense.
        """
        market = self.market(bracket.entry.exchange, bracket.entry.symbol)
        _check_fraction(bracket.entry, equity_fraction)
        check_bracket_request(bracket, is_sized=equity_fraction is None)
        return place_bracket(self._state, market, bracket, equity_fraction)

    def cancel_all(self, market: PaperMarket | None = None) -> int:
        """Cancels all live orders, of one contract or of all; returns how many."""
        orders = [
            one for one in self._state.live.values() if market is None or one.market is market
        ]
        for order in orders:
            if order.state not in FINAL:
                stop_order(self._state, order, _CANCELLED, _REQUESTED)
        return len(orders)

    def amend(
        self,
        order: WorkingOrder | str,
        *,
        price: Decimal | None = None,
        quantity: Decimal | None = None,
        trigger_price: Decimal | None = None,
    ) -> bool:
        """Changes a live order, all or nothing; see `paper_amend.amend_order`.

        Returns:
            Whether it was changed; if not, an event says why and the order works on as it was.

        Raises:
            RequestError: unknown order, or a change that it cannot have.
        """
        state = self._state
        found = state.own(order) if isinstance(order, WorkingOrder) else self._find(order)
        if found.state in FINAL:
            raise RequestError("order", found.client_order_id, f"a live order: it is {found.state}")
        return amend_order(
            state, found, price=price, quantity=quantity, trigger_price=trigger_price
        )

    # What there is

    @property
    def now_ms(self) -> int:
        """Time of the last event; 0 before any."""
        return self._state.now

    @property
    def cash(self) -> Decimal:
        """Initial cash + realised − fees + funding, exactly."""
        return money(self._state.cash)

    @property
    def equity(self) -> Decimal:
        """Cash and the unrealised profit of all positions, exactly."""
        return money(equity(self._state))

    @property
    def free_margin(self) -> Decimal:
        """What new orders may set aside."""
        return money(free_margin(self._state))

    @property
    def is_insolvent(self) -> bool:
        """Whether equity ever reached 0."""
        return self._state.is_insolvent

    @property
    def event_count(self) -> int:
        """Events so far, taken or not: compare it to learn that something happened."""
        return self._state.logged

    @property
    def ambiguous_count(self) -> int:
        """Bars that held both exits of a position."""
        return self._state.ambiguous_count

    def ambiguous_bars(self) -> list[AmbiguousBar]:
        """Those bars, oldest first, at most `paper_state.AMBIGUOUS_MAX`."""
        markets = self._state.markets
        return [
            AmbiguousBar(exchange=markets[i].exchange, symbol=markets[i].symbol, at_ms=at_ms)
            for i, at_ms in self._state.ambiguous
        ]

    def take_events(self) -> list[OrderEvent | AccountEvent]:
        """Everything that happened since the last call, oldest first."""
        return self._state.take_events()

    def take_entries(
        self,
    ) -> tuple[list[Entry], list[tuple[int, OrderEntry]]]:
        """The same as bare entries, for who makes records of them later (`event_record`) or never.

        Returns:
            All of them, the number of the first being `event_count` − their count + 1; and again
            those that are executions, each with its number.
        """
        log, executions = self._state.log, self._state.executions
        taken = list(log), list(executions)
        log.clear()
        executions.clear()
        return taken

    @property
    def currency(self) -> str:
        """Settlement currency of all contracts."""
        return self._state.currency

    @property
    def equity_value(self) -> float:
        """The float nearest to `equity`, at a fraction of its cost."""
        state = self._state
        return (equity(state) if state.open else state.cash) / ATTO

    def position(self, market: PaperMarket) -> Position:
        """The position of one contract, flat or not."""
        return position_record(self._state, market)

    def positions(self) -> list[Position]:
        """The positions that are open."""
        state = self._state
        return [position_record(state, state.open[index]) for index in sorted(state.open)]

    def order(self, name: str) -> Order:
        """A live or recently finished order, by client order id.

        Raises:
            RequestError: none of that name.
        """
        return self._find(name).record()

    def pending(self) -> list[Order]:
        """All orders that are not final, oldest first."""
        return [order.record() for order in self._state.live.values()]

    # Cutting a run in pieces

    def snapshot(self) -> bytes:
        """All of its state but events not yet taken and finished orders, as JSON."""
        return snapshot_state(self._state)

    @classmethod
    def restore(
        cls,
        snapshot: bytes,
        contracts: Sequence[PaperContract],
        currency: str = "USDT",
        assumptions: FillAssumptions | None = None,
    ) -> Self:
        """A venue that goes on where the snapshot was taken.

        Args:
            snapshot: of `snapshot`.
            contracts: the same ones in the same order.
            currency: the same.
            assumptions: the same.

        Raises:
            RequestError: no snapshot, or one of other contracts.
        """
        venue = cls(contracts, Decimal(0), currency, assumptions)
        restore_state(venue._state, snapshot)
        return venue


def _check_fraction(request: OrderRequest, fraction: Decimal | None) -> None:
    if fraction is None:
        return
    if not (fraction.is_finite() and fraction > 0):
        raise RequestError("equity_fraction", fraction, "a finite fraction above 0")
    if request.order_type is not OrderType.MARKET or request.reduce_only:
        raise RequestError("equity_fraction", fraction, "only for market orders that may open")
    if request.quantity is not None or request.quote_quantity is not None:
        raise RequestError("quantity", request.quantity, "none beside equity_fraction")
