"""The short ways of quoting leave the very account behind that the general ways leave."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.trading.paper_desk import D, Desk, contract

from headwater.analytics.margin import build_tiers
from headwater.core.enums import Side
from headwater.core.errors import RequestError
from headwater.core.order_kinds import MarginMode, OrderReason, OrderState, OrderType
from headwater.core.orders import OrderRequest
from headwater.trading.paper import PaperVenue
from headwater.trading.paper_assumptions import FillAssumptions, LimitFill, MarketTiming
from headwater.trading.paper_contract import FeeSchedule
from headwater.trading.paper_margin import free_margin, has_free_margin, update_reserve
from headwater.trading.paper_market import PaperMarket
from headwater.trading.paper_order import WorkingOrder
from headwater.trading.paper_quotes import cancel_order

NAMES = ("BTCUSDT", "ETHUSDT")
TIERS = build_tiers([(0.0, 0.01, 20.0), (3000.0, 0.02, 10.0), (6000.0, 0.05, 2.0)])


def venue_of(
    cash: int,
    leverage: int,
    mode: MarginMode,
    *,
    tiered: bool,
    fill: FillAssumptions,
    names: tuple[str, ...],
) -> PaperVenue:
    facts: dict[str, Any] = {
        "fees": FeeSchedule(maker=D("0.0002"), taker=D("0.0005")),
        "quantity_step": D(1),
        "min_notional": D(100),
        "min_quantity": D(2),
        "leverage": D(leverage),
        "margin_mode": mode,
        "tiers": TIERS if tiered else (),
        "max_leverage": D(20),
    }
    return PaperVenue([contract(name, **facts) for name in names], D(cash), assumptions=fill)


class Slow:
    """The same commands by the general ways."""

    def __init__(self, venue: PaperVenue) -> None:
        self.venue = venue

    def place_limit(
        self, market: PaperMarket, is_buy: bool, ticks: int, lots: int, post: bool, reduce: bool
    ) -> WorkingOrder:
        request = OrderRequest(
            exchange=market.exchange,
            symbol=market.symbol,
            side=Side.BUY if is_buy else Side.SELL,
            order_type=OrderType.LIMIT,
            quantity=market.scale.quantity(lots),
            price=market.scale.price(ticks),
            post_only=post,
            reduce_only=reduce,
        )
        return self.venue.submit(request)

    def replace_limit(
        self,
        old: WorkingOrder,
        market: PaperMarket,
        is_buy: bool,
        ticks: int,
        lots: int,
        post: bool,
    ) -> WorkingOrder:
        if old.state not in FINAL:
            self.cancel(old)
        return self.place_limit(market, is_buy, ticks, lots, post, reduce=False)

    def cancel(self, order: WorkingOrder) -> bool:
        return cancel_order(self.venue.account, order)


booleans = st.booleans()
far = st.integers(-12, 12)
leap = st.one_of(far, far, far, st.sampled_from([-350, 350]))
place = st.tuples(
    st.just("place"), booleans, booleans, far, st.integers(1, 12), booleans,
    st.sampled_from([False, False, False, True]),
)  # fmt: skip
replace = st.tuples(
    st.just("replace"), booleans, st.integers(0, 4), far, st.integers(1, 12), booleans,
    st.sampled_from(["same", "same", "same", "market", "side"]),
)  # fmt: skip
cancel = st.tuples(st.just("cancel"), st.integers(0, 6))
trade = st.tuples(
    st.just("trade"), booleans, leap, st.integers(1, 12), st.sampled_from([None, True, False])
)
quote = st.tuples(st.just("quote"), booleans, far, st.integers(0, 3), st.integers(0, 12))
bar = st.tuples(st.just("bar"), booleans, st.lists(far, min_size=4, max_size=4))
mark = st.tuples(st.just("mark"), booleans, far)
fund = st.tuples(st.just("fund"), booleans, st.integers(-30, 30))
other = st.tuples(
    st.just("other"), booleans, booleans, far, st.integers(2, 12),
    st.sampled_from([OrderType.MARKET, OrderType.STOP, OrderType.TRAILING_STOP, OrderType.LIMIT]),
    booleans,
)  # fmt: skip
amend = st.tuples(st.just("amend"), st.integers(0, 6), far, st.integers(1, 12))
steps = st.lists(
    st.tuples(
        st.one_of(place, place, place, replace, replace, cancel, cancel, trade, trade, quote, bar,
                  mark, fund, other, amend),
        booleans,
    ),
    min_size=10, max_size=60,
)  # fmt: skip
"""Each with whether the account is looked at behind it: a look settles what quoting put off."""

assumptions = st.builds(
    FillAssumptions,
    timing=st.sampled_from(MarketTiming),
    limit_fill=st.sampled_from(LimitFill),
    queue_ahead=st.sampled_from([D(0), D(2)]),
    volume_fraction=st.sampled_from([None, None, D("0.5")]),
)


def play(venue: PaperVenue, quoting: Any, step: Any, at_ms: int, handles: list[Any]) -> None:
    """One command or event; prices are ticks away from the last one."""
    kind, rest = step[0], step[1:]
    if kind in ("cancel", "amend"):
        if not handles:
            return
        order = handles[-1 - rest[0] % len(handles)]
        if kind == "cancel":
            quoting.cancel(order)
            return
        price = order.market.scale.price(max(1, order.ticks + rest[1]))
        is_limit = order.kind is OrderType.LIMIT
        try:
            venue.amend(order, quantity=D(rest[2]), price=price if is_limit else None)
        except RequestError:
            assert order.state in FINAL or order.plan is not None
        return
    market = venue.account.markets[rest[0] % len(venue.account.markets)]
    base = round((market.last or 100.0) * 10)
    at = max(200, base + (rest[1] if kind in ("trade", "quote", "mark") else 0)) / 10
    if kind == "place":
        is_buy, away, lots, post, reduce = rest[1:]
        handles.append(quoting.place_limit(market, is_buy, base + away, lots, post, reduce))
    elif kind == "replace" and handles:
        old = handles[-1 - rest[1] % len(handles)]
        away, lots, post, which = rest[2:]
        market = market if which == "market" else old.market
        is_buy = old.is_buy is not (which == "side")
        handles.append(quoting.replace_limit(old, market, is_buy, base + away, lots, post))
    elif kind == "replace":
        return
    elif kind == "other":
        handles.append(venue.submit(_other(market, base, *rest[1:])))
    elif kind == "trade":
        venue.on_trade(market, at, float(rest[2]), rest[3], at_ms)
    elif kind == "quote":
        size = float(rest[3])
        venue.on_quote(market, at, round(at * 10 + rest[2]) / 10, at_ms, size, size)
    elif kind == "mark":
        venue.on_mark(market, at, at_ms)
    elif kind == "fund":
        venue.on_funding(market, D(rest[1]) / 10_000, D("100.3"), at_ms)
    else:
        way = [max(200, base + one) / 10 for one in rest[1]]
        venue.on_bar(market, at_ms, way[0], max(way), min(way), way[3], 5.0)


FINAL = {OrderState.FILLED, OrderState.CANCELLED, OrderState.REJECTED, OrderState.EXPIRED}


def _other(
    market: PaperMarket, base: int, is_buy: bool, away: int, lots: int, kind: OrderType, name: bool
) -> OrderRequest:
    more: dict[str, Any] = {}
    price = market.scale.price(base + away)
    if kind is OrderType.LIMIT:
        more = {"price": price, "oco_group": "pair"}
    elif kind is OrderType.STOP:
        more = {"trigger_price": price}
    elif kind is OrderType.TRAILING_STOP:
        more = {"trailing_distance": D(1 + abs(away)) / 10}
    if name:
        more["client_order_id"] = f"n{lots}"
    side = Side.BUY if is_buy else Side.SELL
    quantity: Decimal = D(lots)
    return OrderRequest(
        exchange="binance", symbol=market.symbol, side=side, order_type=kind,
        quantity=quantity, **more,
    )  # fmt: skip


def check_same(
    held: tuple[int, int],
    todo: list[Any],
    cash: int,
    leverage: int,
    mode: MarginMode,
    tiered: bool,
    fill: FillAssumptions,
    names: tuple[str, ...],
) -> None:
    fast, slow = (
        venue_of(cash, leverage, mode, tiered=tiered, fill=fill, names=names) for _ in range(2)
    )
    handles: tuple[list[Any], list[Any]] = ([], [])
    first: list[Any] = []
    for place, lots in enumerate(held[: len(names)]):
        if lots:
            opening = ("other", bool(place), lots > 0, 0, abs(lots), OrderType.MARKET, False)
            first.append((opening, True))
        first.append((("trade", bool(place), 0, 12, None), True))
    for number, (step, is_looked_at) in enumerate([*first, *todo]):
        play(fast, fast, step, number, handles[0])
        play(slow, Slow(slow), step, number, handles[1])
        if is_looked_at:
            assert fast.snapshot() == slow.snapshot(), step
        assert fast.take_events() == slow.take_events(), step
        for one, twin in zip(fast.account.markets, slow.account.markets, strict=True):
            bounds = one.low, one.high
            assert bounds == (twin.low, twin.high), step
            one.refresh()
            assert bounds == (one.low, one.high), step
            for keys, twins in ((one.below, twin.below), (one.above, twin.above)):
                assert [key[:2] for key in keys] == [key[:2] for key in twins], step
            if is_looked_at:
                # What the short ways left out would not have changed it.
                assert update_reserve(fast.account, one) == 0, step
        if is_looked_at:
            assert has_free_margin(fast.account) == (free_margin(fast.account) >= 0), step
            assert free_margin(fast.account) == free_margin(slow.account), step


same_account = given(
    held=st.tuples(*[st.sampled_from([-4, 0, 4])] * 2),
    todo=steps,
    cash=st.sampled_from([400, 2_000, 100_000]),
    leverage=st.sampled_from([1, 3, 10]),
    mode=st.sampled_from(MarginMode),
    tiered=booleans,
    fill=assumptions,
    names=st.sampled_from([NAMES, NAMES[:1]]),
)


@same_account
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_both_ways_leave_the_same_account(**case: Any) -> None:
    check_same(**case)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@same_account
@settings(max_examples=5_000, deadline=None, suppress_health_check=list(HealthCheck))
def test_both_ways_leave_the_same_account_for_long(**case: Any) -> None:
    check_same(**case)


def test_a_quote_rests_by_price_and_then_by_time() -> None:
    desk = Desk()
    desk.trade(100)
    placed = [desk.venue.place_limit(desk.market, True, ticks, 10) for ticks in (990, 995, 990)]
    # Nearest last, and of one price the older one.
    assert [key[2] for key in desk.market.below] == [placed[2], placed[0], placed[1]]
    assert desk.venue.cancel(placed[1])
    assert desk.market.low < 99.0 < desk.market.high
    desk.trade(98.9)
    assert desk.quantity == D("0.020")


def test_what_only_closes_sets_nothing_aside() -> None:
    """A sale of what is held needs no margin; what goes beyond it, only when it turns more."""
    desk = Desk(leverage=D(10))
    desk.order("buy", "market", "1")
    desk.trade(100)
    free = desk.venue.free_margin
    closing = desk.venue.place_limit(desk.market, False, 1010, 1000)
    assert desk.venue.free_margin == free == D(9_990)
    # 2 × 101 / 10 to turn, of which closing frees 100 / 10: 10.2 more than the margin held.
    desk.venue.place_limit(desk.market, False, 1010, 2000)
    assert desk.venue.free_margin == free - D("10.2")
    assert desk.venue.cancel(closing)
    assert desk.venue.free_margin == free - D("0.1")


def test_a_refused_quote_changes_nothing() -> None:
    desk = Desk(cash="100")
    desk.trade(100)
    assert desk.venue.place_limit(desk.market, True, 990, 1000).state is OrderState.ACCEPTED
    refused = desk.venue.place_limit(desk.market, True, 990, 1000)
    assert refused.state is OrderState.REJECTED
    assert desk.venue.free_margin == 1
    assert desk.events()[-1] == ("rejected", "insufficient_margin")


def test_names_of_orders_that_are_forgotten_are_free_again() -> None:
    desk = Desk()
    desk.trade(100)
    desk.venue.cancel(desk.order("buy", "limit", "1", price="90", client_order_id="mine"))
    for _ in range(1_000):
        assert "mine" in desk.venue.account.by_client
        desk.venue.cancel(desk.venue.place_limit(desk.market, True, 900, 10))
    assert "mine" not in desk.venue.account.by_client
    assert len(desk.venue.account.finished) == 1_000


def test_a_cancelled_quote_leaves_the_liquidation_price_to_watch() -> None:
    desk = Desk(leverage=D(10), cash="100", tiers=TIERS, max_leverage=D(20))
    desk.order("buy", "market", "5")
    desk.trade(100)
    quote = desk.venue.place_limit(desk.market, True, 990, 10)
    assert 0 < desk.market.liq_low < desk.market.low
    assert desk.venue.cancel(quote)
    assert desk.market.low == desk.market.liq_low
    desk.order("sell", "market", "10")
    desk.trade(100)
    quote = desk.venue.place_limit(desk.market, False, 1010, 10)
    assert desk.venue.cancel(quote)
    assert desk.market.high == desk.market.liq_high < 130


def test_a_reduce_only_quote_that_is_cancelled_reduces_no_more() -> None:
    desk = Desk()
    desk.order("buy", "market", "1")
    desk.trade(100)
    quote = desk.venue.place_limit(desk.market, False, 1010, 1000, reduce_only=True)
    assert desk.market.reducers == {quote.number: quote}
    assert desk.venue.cancel(quote)
    assert desk.market.reducers == {}


def test_quotes_keep_to_the_largest_position_of_the_tiers() -> None:
    # Leverage 10 is allowed up to a notional of 6000: 60 at 100, resting orders included.
    desk = Desk(leverage=D(10), tiers=TIERS, max_leverage=D(20))
    desk.trade(100.1)
    assert desk.venue.place_limit(desk.market, True, 1000, 60_000).state is OrderState.ACCEPTED
    refused = desk.venue.place_limit(desk.market, True, 1000, 1)
    assert refused.state is OrderState.REJECTED
    assert refused.reason is OrderReason.POSITION_LIMIT
    assert desk.venue.place_limit(desk.market, False, 1002, 50_000).state is OrderState.ACCEPTED


def test_a_handle_from_before_a_cut_goes_the_general_way() -> None:
    desk = Desk()
    desk.trade(100)
    old = desk.venue.place_limit(desk.market, True, 990, 10)
    venue = PaperVenue.restore(desk.venue.snapshot(), desk.venue.contracts)
    meant = venue.account.live[old.number]
    assert venue.cancel(old)
    assert meant.state is OrderState.CANCELLED
    assert old.number not in venue.account.live
    assert venue.account.markets[0].below == []
