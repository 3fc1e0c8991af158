"""The door of the market: times, quotes, funding, halves of bars, several contracts."""

import pytest
from tests.trading.paper_desk import D, Desk, contract

from headwater.core.errors import RequestError
from headwater.core.orders import AccountEvent
from headwater.trading.paper import PaperVenue


def test_time_never_goes_back() -> None:
    desk = Desk()
    desk.trade(100)
    with pytest.raises(RequestError, match="at_ms='0'"):
        desk.venue.on_trade(desk.market, 100.0, 1.0, None, 0)
    with pytest.raises(RequestError, match="at_ms"):
        desk.venue.on_bar(desk.market, 0, 100, 100, 100, 100)
    with pytest.raises(RequestError, match="at_ms"):
        desk.venue.on_quote(desk.market, 99.0, 100.0, 0)


@pytest.mark.parametrize(("bid", "ask"), [(101.0, 100.0), (0.0, 1.0), (1.0, float("nan"))])
def test_quotes_that_cannot_be_are_refused(bid: float, ask: float) -> None:
    desk = Desk()
    with pytest.raises(RequestError, match="bid"):
        desk.venue.on_quote(desk.market, bid, ask, 1)


def test_without_trades_the_mid_price_values_and_liquidates() -> None:
    desk = Desk(cash="100", leverage=D(10))
    desk.order("buy", "market", "5")
    desk.venue.on_quote(desk.market, 99.0, 100.0, 1)
    # Bought at 100, valued at 99.5.
    assert desk.venue.equity == D("97.5")
    desk.venue.on_quote(desk.market, 79.0, 80.0, 2)
    assert desk.quantity == 0


@pytest.mark.parametrize(("side", "cash"), [("buy", D("9999.7")), ("sell", D("10000.3"))])
def test_funding_is_paid_by_longs_to_shorts_at_the_mark(side: str, cash: D) -> None:
    # 3 × 100 × 0.001 = 0.3
    desk = Desk()
    desk.order(side, "market", "3")
    desk.trade(99)
    change = desk.venue.on_funding(desk.market, 0.001, 100.0, desk.at_ms)
    assert desk.venue.cash == cash == 10_000 + change
    event = desk.venue.take_events()[-1]
    assert isinstance(event, AccountEvent)
    assert event.amount == change
    assert desk.venue.position(desk.market).funding == change


def test_funding_without_a_position_is_nothing() -> None:
    desk = Desk()
    assert desk.venue.on_funding(desk.market, D("0.001"), D(100), 5) == 0
    assert desk.venue.take_events() == []


def test_halves_of_a_bar_let_an_engine_act_at_the_open() -> None:
    desk = Desk()
    desk.order("buy", "market", "1")
    fills = desk.venue.on_bar_open(desk.market, 1, 100, 106, 94, 100)
    desk.order("sell", "stop", "1", trigger_price="95", reduce_only=True)
    desk.venue.on_bar_rest(desk.market, 106, 94, 100, fills)
    assert [fill[:2] for fill in desk.fills()] == [("buy", D(100)), ("sell", D(95))]


def test_contracts_share_the_cash_of_one_account() -> None:
    venue = PaperVenue([contract(), contract("ETHUSDT")], D(150))
    desk = Desk()
    first, second = venue.market("binance", "BTCUSDT"), venue.market("binance", "ETHUSDT")
    for market in (first, second):
        venue.on_trade(market, 100.0, 1.0, None, 1)
    venue.place_limit(first, True, 990, 1000)
    assert venue.place_limit(second, True, 990, 1000).state == "rejected"
    assert venue.free_margin == D(51)
    del desk


@pytest.mark.parametrize("price", [0.0, float("nan")])
def test_a_mark_is_a_price(price: float) -> None:
    desk = Desk()
    with pytest.raises(RequestError, match="mark price"):
        desk.venue.on_mark(desk.market, price, 1)
