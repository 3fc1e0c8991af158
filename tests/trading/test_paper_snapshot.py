"""A run cut in pieces is the same run; what is no snapshot is refused. See also `test_paper.py`."""

import json

import pytest
from tests.trading.paper_desk import D, Desk, contract

from headwater.core.errors import RequestError
from headwater.core.orders import BracketRequest
from headwater.trading.paper import PaperVenue

CLOSES = [100, 103, 98, 96, 105, 111, 108, 95, 99, 104, 112, 90, 101]


def play(desk: Desk, closes: list[int]) -> None:
    for close in closes:
        opened = desk.market.last or 100.0
        if desk.quantity == 0 and not desk.venue.pending():
            desk.venue.submit_bracket(
                BracketRequest(
                    entry=desk.request("buy", "limit", "3", price=str(close - 1)),
                    stop=desk.request("sell", "trailing_stop", trailing_distance="6"),
                    target=desk.request("sell", "limit"),
                    target_fraction=D("0.08"),
                )
            )
        desk.bar(opened, max(opened, close) + 1, min(opened, close) - 1, close)
        desk.venue.on_funding(desk.market, D("0.0001"), D(close), desk.at_ms)


@pytest.mark.parametrize("cut", range(len(CLOSES)))
def test_a_run_cut_anywhere_equals_one_run(cut: int) -> None:
    whole, parts = Desk(leverage=D(3)), Desk(leverage=D(3))
    play(whole, CLOSES)
    play(parts, CLOSES[:cut])
    events = parts.venue.take_events()
    parts.venue = PaperVenue.restore(parts.venue.snapshot(), [contract(leverage=D(3))])
    parts.market = parts.venue.market("binance", "BTCUSDT")
    play(parts, CLOSES[cut:])
    assert events + parts.venue.take_events() == whole.venue.take_events()
    assert parts.venue.snapshot() == whole.venue.snapshot()


def test_names_stay_taken() -> None:
    desk = Desk()
    desk.order("buy", "limit", "1", price="90", client_order_id="a")
    desk.venue.cancel("a")
    copy = PaperVenue.restore(desk.venue.snapshot(), [contract()])
    copy.submit(desk.request("buy", "limit", "1", price="90", client_order_id="a"))
    assert copy.take_events()[-1].text.startswith("this client order id is in use")


def test_what_is_no_snapshot_of_these_contracts_is_refused() -> None:
    good = Desk().venue.snapshot()
    old = json.dumps(json.loads(good) | {"version": 0}).encode()
    for snapshot, symbol, field in (
        (b"{}", "BTCUSDT", "snapshot"),
        (b"\xff", "BTCUSDT", "snapshot"),
        (old, "BTCUSDT", "snapshot.version"),
        (good, "ETHUSDT", "snapshot.contracts"),
    ):
        with pytest.raises(RequestError) as raised:
            PaperVenue.restore(snapshot, [contract(symbol)])
        assert raised.value.field == field
