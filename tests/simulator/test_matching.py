"""Laws of the matching engine, checked against a slow and obvious model."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.core.enums import Side
from headwater.simulator.matching import (
    MAX_OPEN_ORDERS_PER_OWNER,
    MatchingEngine,
    TooManyOrders,
)
from headwater.simulator.orders import TimeInForce

Action = tuple[str, bool, int, int | None, TimeInForce, int]

ACTIONS: st.SearchStrategy[list[Action]] = st.lists(
    st.tuples(
        st.sampled_from(["submit", "submit", "submit", "cancel"]),
        st.booleans(),
        st.integers(1, 9),
        st.one_of(st.none(), st.integers(95, 105)),
        st.sampled_from(list(TimeInForce)),
        st.integers(0, 30),
    ),
    max_size=60,
)


class ModelOrder:
    """An order of the model book."""

    def __init__(self, order_id: int, is_buy: bool, price: int, left: int) -> None:
        self.order_id, self.is_buy, self.price, self.left = order_id, is_buy, price, left


class ModelBook:
    """Price-time priority written the long way round: one list, sorted for every order."""

    def __init__(self) -> None:
        self.orders: list[ModelOrder] = []
        self.fills: list[tuple[int, int, int, int]] = []

    def submit(
        self, order_id: int, is_buy: bool, lots: int, price: int | None, rule: TimeInForce
    ) -> int:
        others = [o for o in self.orders if o.is_buy is not is_buy]
        others.sort(key=lambda o: (o.price if is_buy else -o.price, o.order_id))
        meets = [
            o for o in others if price is None or (o.price <= price if is_buy else o.price >= price)
        ]
        if (rule is TimeInForce.POST_ONLY and price is not None and meets) or (
            rule is TimeInForce.FOK and sum(o.left for o in meets) < lots
        ):
            return 0
        if rule is TimeInForce.POST_ONLY and price is None and meets:
            return 0
        left = lots
        for maker in meets:
            amount = min(left, maker.left)
            if not amount:
                break
            maker.left -= amount
            left -= amount
            self.fills.append((order_id, maker.order_id, maker.price, amount))
        self.orders = [o for o in self.orders if o.left]
        if left and price is not None and rule in (TimeInForce.GTC, TimeInForce.POST_ONLY):
            self.orders.append(ModelOrder(order_id, is_buy, price, left))
        return lots - left

    def levels(self, is_buy: bool) -> list[tuple[int, int]]:
        prices = sorted({o.price for o in self.orders if o.is_buy is is_buy}, reverse=is_buy)
        return [
            (p, sum(o.left for o in self.orders if o.price == p and o.is_buy is is_buy))
            for p in prices
        ]


@settings(max_examples=150, deadline=None)
@given(ACTIONS)
def test_every_fill_and_level_is_the_models(actions: Sequence[Action]) -> None:
    """Same fills in the same order (FIFO), same book, never crossed, ids without holes."""
    engine, model = MatchingEngine("X", first_fill_id=7), ModelBook()
    placed_lots = withdrawn = dropped = 0
    ids: list[int] = []
    for kind, is_buy, lots, price, rule, pick in actions:
        if kind == "cancel":
            if ids:
                order_id = ids[pick % len(ids)]
                withdrawn += engine.cancel(order_id)
                model.orders = [o for o in model.orders if o.order_id != order_id]
            continue
        placed = engine.submit("somebody", is_buy, lots, price, rule)
        ids.append(placed.order_id)
        placed_lots += lots
        dropped += lots - placed.filled - placed.resting
        assert placed.filled == model.submit(placed.order_id, is_buy, lots, price, rule)
        best_bid, best_ask = engine.bids.best, engine.asks.best
        assert best_bid is None or best_ask is None or best_bid < best_ask
    assert engine.bids.top(1000) == model.levels(is_buy=True)
    assert engine.asks.top(1000) == model.levels(is_buy=False)
    told = [(e.taker_order_id, e.maker_order_id, e.price_ticks, e.lots) for e in engine.executions]
    assert told == model.fills
    assert [e.fill_id for e in engine.executions] == list(range(7, 7 + len(told)))
    traded = sum(lots for *_, lots in told)
    resting = sum(order.remaining for order in engine.orders.values())
    assert placed_lots == 2 * traded + withdrawn + dropped + resting
    assert sum(made.lots for made in engine.prints) == traded


@settings(max_examples=100, deadline=None)
@given(ACTIONS, st.integers(1, 7))
def test_deltas_replayed_on_a_snapshot_give_the_book(actions: Sequence[Action], every: int) -> None:
    """Absolute levels, chained numbers: whoever applies all deltas has the engine's book."""
    engine = MatchingEngine("X", update_id=41)
    kept: dict[bool, dict[int, int]] = {True: {}, False: {}}
    last = 41
    for index, (kind, is_buy, lots, price, rule, pick) in enumerate(actions):
        if kind == "cancel":
            engine.cancel(pick + 1)
        else:
            engine.submit("makers", is_buy, lots, price, rule)
        if index % every and index != len(actions) - 1:
            continue
        changes = engine.drain_changes()
        if changes is None:
            continue
        assert (changes.previous, changes.first) == (last, last + 1)
        assert changes.last == engine.update_id >= changes.first
        last = changes.last
        for is_bid, levels in ((True, changes.bids), (False, changes.asks)):
            for level_price, level_lots in levels:
                if level_lots:
                    kept[is_bid][level_price] = level_lots
                else:
                    kept[is_bid].pop(level_price, None)
    assert sorted(kept[True].items(), reverse=True) == engine.bids.top(1000)
    assert sorted(kept[False].items()) == engine.asks.top(1000)
    assert engine.drain_changes() is None


def test_a_sweep_prints_once_per_price_with_contiguous_fills() -> None:
    """Two orders at one price are one print; the next price is the next print."""
    engine = MatchingEngine("X")
    for price, lots in ((101, 2), (101, 3), (102, 4)):
        engine.submit("maker", False, lots, price)
    placed = engine.submit("taker", True, 7, 102, TimeInForce.IOC)
    assert (placed.filled, placed.cost, placed.resting) == (7, 5 * 101 + 2 * 102, 0)
    prints = [(m.price, m.lots, m.first_fill_id, m.last_fill_id) for m in engine.prints]
    assert prints == [(101, 5, 1, 2), (102, 2, 3, 3)]
    assert {e.taker_side for e in engine.executions} == {Side.BUY}


def test_background_fills_are_only_printed() -> None:
    """Makers and crowd among themselves leave no execution; one outsider is enough for one."""
    engine = MatchingEngine("X")
    engine.submit("makers", False, 5, 100)
    engine.submit("crowd", True, 2, 100)
    assert engine.executions == []
    engine.submit("somebody", True, 1, 100)
    assert [e.taker_owner for e in engine.executions] == ["somebody"]


def test_an_owner_rests_only_so_many_orders() -> None:
    """The bound holds for outsiders, counts fills and cancels, and spares the makers."""
    engine = MatchingEngine("X")
    for _ in range(MAX_OPEN_ORDERS_PER_OWNER + 10):
        engine.submit("makers", True, 1, 90)
    for _ in range(MAX_OPEN_ORDERS_PER_OWNER):
        engine.submit("somebody", True, 1, 95)
    with pytest.raises(TooManyOrders):
        engine.submit("somebody", True, 1, 95)
    assert engine.submit("somebody", True, 1, 95, TimeInForce.IOC).resting == 0
    assert len(engine.open_orders("somebody")) == MAX_OPEN_ORDERS_PER_OWNER
    engine.submit("crowd", False, 1, 95)
    assert engine.submit("somebody", True, 1, 95).resting == 1


@pytest.mark.parametrize(("lots", "price"), [(0, 5), (-1, 5), (1, 0), (1, -3)])
def test_nonsense_is_refused(lots: int, price: int) -> None:
    """Quantities and prices are positive."""
    with pytest.raises(ValueError, match="must be > 0"):
        MatchingEngine("X").submit("somebody", True, lots, price)
