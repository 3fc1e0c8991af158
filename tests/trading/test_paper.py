"""Whole runs: whatever is ordered in whatever market, the books stay right to the last digit."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from tests.trading.paper_desk import D, Desk, contract

from headwater.analytics.margin import build_tiers
from headwater.core.enums import Side
from headwater.core.errors import RequestError
from headwater.core.order_kinds import (
    TRANSITIONS,
    MarginMode,
    OrderReason,
    OrderState,
    OrderType,
    TimeInForce,
)
from headwater.core.orders import BracketRequest, Fill, OrderEvent, OrderRequest
from headwater.trading.paper import PaperVenue
from headwater.trading.paper_assumptions import (
    FillAssumptions,
    LimitFill,
    LiquidationPrice,
    MarketTiming,
)
from headwater.trading.paper_contract import FeeSchedule
from headwater.trading.paper_order import WorkingOrder

CASH = D(1000)
FEES = FeeSchedule(maker=D("-0.0001"), taker=D("0.0005"), liquidation=D("0.005"))
TIERS = build_tiers([(0.0, 0.01, 20.0), (5000.0, 0.05, 5.0)])
KINDS = [one for one in OrderType if one is not OrderType.TRAILING_STOP]

ASSUMPTIONS = [
    FillAssumptions(volume_fraction=D("0.5"), limit_fill=LimitFill.QUEUE, queue_ahead=D("0.5")),
    FillAssumptions(),
    FillAssumptions(
        timing=MarketTiming.SAME_CLOSE,
        limit_fill=LimitFill.TOUCH,
        liquidation_price=LiquidationPrice.TRIGGER,
    ),
]

prices = st.integers(900, 1100).map(lambda ticks: D(ticks) / 10)
quantities = st.one_of(st.integers(1, 4000), st.integers(30_000, 60_000)).map(
    lambda lots: D(lots) / 1000
)


class Runs(RuleBasedStateMachine):
    """Random commands and bars and trades on two contracts, one isolated and one cross."""

    def __init__(self) -> None:
        super().__init__()
        self.contracts = [
            contract(fees=FEES, leverage=D(5), tiers=TIERS, min_notional=D(5)),
            contract(
                "ETHUSDT", fees=FEES, leverage=D(10), tiers=TIERS, margin_mode=MarginMode.ISOLATED
            ),
        ]
        self.assumptions = ASSUMPTIONS[0]
        self.venue = PaperVenue(self.contracts, CASH, assumptions=self.assumptions)
        self.at_ms = 0
        self.handles: list[WorkingOrder] = []
        self.seen: dict[WorkingOrder, OrderState] = {}
        self.fills: list[Fill] = []
        self.range = (D(0), D(0))
        self.signed: dict[str, Decimal] = {"BTCUSDT": D(0), "ETHUSDT": D(0)}
        self.last_sequence = 0
        self.funding = D(0)

    @initialize(assumptions=st.sampled_from(ASSUMPTIONS))
    def assume(self, assumptions: FillAssumptions) -> None:
        self.assumptions = assumptions
        self.venue = PaperVenue(self.contracts, CASH, assumptions=assumptions)

    def _market(self, first: bool) -> Any:
        return self.venue.market("binance", "BTCUSDT" if first else "ETHUSDT")

    def _request(self, first: bool, kind: OrderType, is_buy: bool, **fields: Any) -> OrderRequest:
        return OrderRequest(
            exchange="binance",
            symbol="BTCUSDT" if first else "ETHUSDT",
            side=Side.BUY if is_buy else Side.SELL,
            order_type=kind,
            **fields,
        )

    @rule(
        first=st.booleans(),
        kind=st.sampled_from(KINDS),
        is_buy=st.booleans(),
        quantity=quantities,
        price=prices,
        trigger=prices,
        tif=st.sampled_from(TimeInForce),
        post_only=st.booleans(),
        reduce_only=st.booleans(),
        group=st.sampled_from([None, None, "a", "b"]),
    )
    def order(
        self,
        first: bool,
        kind: OrderType,
        is_buy: bool,
        quantity: Decimal,
        price: Decimal,
        trigger: Decimal,
        tif: TimeInForce,
        post_only: bool,
        reduce_only: bool,
        group: str | None,
    ) -> None:
        is_limit = kind in (OrderType.LIMIT, OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT_LIMIT)
        fields: dict[str, Any] = {"quantity": quantity, "reduce_only": reduce_only}
        if is_limit:
            fields["price"] = price
        if kind not in (OrderType.LIMIT, OrderType.MARKET):
            fields["trigger_price"] = trigger
        if is_limit or kind is OrderType.MARKET:
            fields["time_in_force"] = tif
        if is_limit and tif is TimeInForce.GTC:
            fields["post_only"] = post_only
        request = self._request(first, kind, is_buy, oco_group=group, **fields)
        self.handles.append(self.venue.submit(request))

    @rule(
        first=st.booleans(),
        is_buy=st.booleans(),
        quantity=quantities,
        price=prices,
        distance=st.integers(1, 50),
        entry=st.sampled_from([OrderType.MARKET, OrderType.LIMIT]),
    )
    def bracket(
        self,
        first: bool,
        is_buy: bool,
        quantity: Decimal,
        price: Decimal,
        distance: int,
        entry: OrderType,
    ) -> None:
        fields: dict[str, Any] = {"price": price} if entry is OrderType.LIMIT else {}
        fraction = D(distance) / 1000
        placed = self.venue.submit_bracket(
            BracketRequest(
                entry=self._request(first, entry, is_buy, quantity=quantity, **fields),
                stop=self._request(first, OrderType.STOP, not is_buy),
                target=self._request(first, OrderType.LIMIT, not is_buy),
                stop_fraction=fraction,
                target_fraction=fraction,
            )
        )
        self.handles += [one for one in placed if one is not None]

    @rule(first=st.booleans(), is_buy=st.booleans(), distance=st.integers(1, 30))
    def trail(self, first: bool, is_buy: bool, distance: int) -> None:
        self.handles.append(
            self.venue.submit(
                self._request(
                    first,
                    OrderType.TRAILING_STOP,
                    is_buy,
                    quantity=D(1),
                    trailing_distance=D(distance) / 10,
                    reduce_only=True,
                )
            )
        )

    @precondition(lambda self: self.handles)
    @rule(place=st.integers(0, 100))
    def cancel(self, place: int) -> None:
        self.venue.cancel(self.handles[place % len(self.handles)])

    @precondition(lambda self: self.handles)
    @rule(place=st.integers(0, 100), quantity=quantities, price=prices)
    def amend(self, place: int, quantity: Decimal, price: Decimal) -> None:
        order = self.handles[place % len(self.handles)]
        is_limit = order.kind is OrderType.LIMIT
        try:
            self.venue.amend(order, quantity=quantity, price=price if is_limit else None)
        except RequestError as error:
            assert error.field in {"order", "quantity"}

    @rule(
        first=st.booleans(),
        steps=st.lists(st.integers(-40, 40), min_size=4, max_size=4),
        volume=st.integers(0, 8),
    )
    def bar(self, first: bool, steps: list[int], volume: int) -> None:
        market = self._market(first)
        base = round((market.last or 100.0) * 10)
        points = [max(200, base + step) / 10 for step in steps]
        self.at_ms += 60_000
        self._look()
        low, high = min(points), max(points)
        self.venue.on_bar(market, self.at_ms, points[0], high, low, points[3], float(volume))
        self.range = (D(str(low)), D(str(high)))
        self._look(is_market=True)

    @rule(
        first=st.booleans(),
        step=st.integers(-20, 20),
        quantity=st.integers(1, 3000),
        is_buy=st.sampled_from([None, True, False]),
    )
    def trade(self, first: bool, step: int, quantity: int, is_buy: bool | None) -> None:
        market = self._market(first)
        price = max(200, round((market.last or 100.0) * 10) + step) / 10
        self.at_ms += 1
        self.venue.on_trade(market, price, quantity / 1000, is_buy, self.at_ms)

    @rule(first=st.booleans(), rate=st.integers(-30, 30))
    def fund(self, first: bool, rate: int) -> None:
        market = self._market(first)
        before = self.venue.cash
        quantity = self.venue.position(market).quantity
        paid = self.venue.on_funding(market, D(rate) / 10_000, D("100.3"), self.at_ms)
        assert paid == -quantity * D("100.3") * D(rate) / 10_000
        assert self.venue.cash - before == paid

    @rule()
    def resume(self) -> None:
        """Cut the run here: nothing may be lost."""
        self._look()
        copy = PaperVenue.restore(
            self.venue.snapshot(), self.contracts, assumptions=self.assumptions
        )
        assert copy.snapshot() == self.venue.snapshot()
        assert copy.pending() == self.venue.pending()
        names = [one.number for one in self.handles]
        self.venue = copy
        known = {one.number: one for one in (*copy._state.finished, *copy._state.live.values())}
        self.handles = [known[number] for number in names if number in known]
        self.seen = {}

    def _look(self, is_market: bool = False) -> None:
        low, high = self.range
        for event in self.venue.take_events():
            self.last_sequence += 1
            assert event.sequence == self.last_sequence
            assert event.text
            if not isinstance(event, OrderEvent) or event.fill is None:
                continue
            fill = event.fill
            self.signed[fill.symbol] += fill.quantity if fill.side is Side.BUY else -fill.quantity
            self.fills.append(fill)
            if is_market and fill.reason is not OrderReason.LIQUIDATION:
                # A maker over a gap fills at its own price, which the open passed.
                assert fill.liquidity == "maker" or low <= fill.price <= high

    @invariant()
    def the_books_are_right(self) -> None:
        self._look()
        venue = self.venue
        first, second = (venue.position(self._market(one)) for one in (True, False))
        realised = first.realised_pnl + second.realised_pnl
        fees = first.fees + second.fees
        assert venue.cash == CASH + realised - fees + first.funding + second.funding
        assert venue.equity == venue.cash + first.unrealised_pnl + second.unrealised_pnl
        assert fees == sum((fill.fee for fill in self.fills), D(0))
        assert realised == sum((fill.realised_pnl for fill in self.fills), D(0))
        assert self.signed == {"BTCUSDT": first.quantity, "ETHUSDT": second.quantity}

    @invariant()
    def no_order_leaves_the_table(self) -> None:
        for order in self.handles:
            assert 0 <= order.filled <= order.lots
            old = self.seen.get(order)
            if old is not None and old is not order.state:
                assert _reachable(old, order.state), (old, order.state)
            self.seen[order] = order.state

    @invariant()
    def reservations_are_those_of_the_live_orders(self) -> None:
        state = self.venue._state
        for market in state.markets:
            live = [one for one in state.live.values() if one.market is market]
            buys = sum(one.reserved for one in live if one.is_buy)
            sells = sum(one.reserved for one in live if not one.is_buy)
            assert (market.buy_lots, market.sell_lots) == (buys, sells)
            units = sum(one.reserved * one.ticks for one in live if one.is_buy)
            assert market.buy_units == units
            keys = [key[2].number for key in (*market.below, *market.above)]
            assert set(keys) <= {one.number for one in live}
            for one in live:
                if one.reduce_only and one.state is not OrderState.WAITING and one.lots:
                    assert one.lots - one.filled <= abs(market.pos)
        assert state.reserved == sum(market.reserve for market in state.markets)
        assert state.margin_total == sum(market.margin for market in state.markets)


def _reachable(old: OrderState, new: OrderState) -> bool:
    """Whether the table leads there, over states that an event passed through unseen."""
    seen = {old}
    for _ in OrderState:
        seen |= {nxt for state in seen for nxt in TRANSITIONS[state]}
    return new in seen


def test_random_orders_never_corrupt_the_books() -> None:
    run_state_machine_as_test(
        Runs,
        settings=settings(
            max_examples=60,
            stateful_step_count=50,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_many_random_orders_never_corrupt_the_books() -> None:
    run_state_machine_as_test(
        Runs,
        settings=settings(
            max_examples=2_000,
            stateful_step_count=50,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_unknown_contracts_and_orders_are_named() -> None:
    desk = Desk()
    with pytest.raises(RequestError, match="one of binance:BTCUSDT"):
        desk.venue.market("okx", "BTCUSDT")
    with pytest.raises(RequestError, match="client_order_id='nobody'"):
        desk.venue.cancel("nobody")
    with pytest.raises(RequestError, match="each"):
        PaperVenue([contract(), contract()], D(1))
    with pytest.raises(RequestError, match="cash"):
        PaperVenue([contract()], D(-1))


def test_orders_are_found_by_either_name_while_they_work_and_after() -> None:
    desk = Desk()
    named = desk.order("buy", "limit", "1", price="90", client_order_id="mine")
    desk.trade(100)
    plain = desk.venue.place_limit(desk.market, True, 900, 1000)
    assert desk.venue.order("mine").price == D(90)
    assert desk.venue.order(plain.client_order_id).quantity == 1
    assert desk.venue.cancel("mine")
    assert not desk.venue.cancel(named)
    assert desk.venue.cancel(plain)
    assert desk.venue.order(plain.client_order_id).state is OrderState.CANCELLED
    assert desk.events()[-2:] == [("cancel_rejected", "already_final"), ("cancelled", "requested")]


def test_cancel_all_leaves_nothing() -> None:
    desk = Desk()
    for price in ("90", "91"):
        desk.order("buy", "limit", "1", price=price)
    assert desk.venue.cancel_all(desk.market) == 2
    assert desk.venue.pending() == []
    assert desk.venue.free_margin == D(10_000)


def test_equity_fraction_buys_all_that_the_fill_price_allows() -> None:
    """The quantity is equity / (price × (1 + fee)), rounded down to the step."""
    desk = Desk(fees=FeeSchedule(maker=D(0), taker=D("0.001")), quantity_step=D("1E-12"))
    desk.venue.submit(desk.request("buy", "market"), equity_fraction=D(1))
    desk.bar(123, 123, 123, 123)
    wanted = D(10_000) / (D(123) * D("1.001"))
    assert abs(desk.quantity - wanted) <= D("1E-12")
    assert desk.quantity * 123 * D("1.001") <= 10_000
    # Out again: cash is what the prices and fees leave, exactly.
    quantity = desk.quantity
    desk.order("sell", "market", str(quantity), reduce_only=True)
    desk.bar(130, 130, 130, 130)
    assert desk.venue.cash == 10_000 + quantity * 7 - quantity * 253 * D("0.001")


def test_quote_quantity_spends_what_was_asked_fee_included() -> None:
    desk = Desk(fees=FeeSchedule(maker=D(0), taker=D("0.001")))
    desk.order("buy", "market", quote_quantity="1000")
    desk.bar(100, 100, 100, 100)
    assert desk.quantity == D("9.990")  # 1000 / 100.1 = 9.990009…


def test_an_equity_fraction_beside_a_quantity_is_refused() -> None:
    desk = Desk()
    for request in (desk.request("buy", "market", "1"), desk.request("buy", "limit", price="1")):
        with pytest.raises(RequestError):
            desk.venue.submit(request, equity_fraction=D(1))
    with pytest.raises(RequestError):
        desk.venue.submit(desk.request("buy", "market"), equity_fraction=D(0))
