"""Accounts of the simulated venue, as its client reads them."""

import pytest
from tests.venues.conformance.loopback import Loopback

from headwater.core.enums import PositionSide
from headwater.core.errors import VenueRejected
from headwater.venues.hyperliquid import VENUE
from headwater.venues.hyperliquid.venue_side_accounts import address_of, trader_of


def test_every_open_position_is_somebodys() -> None:
    """Number N of a symbol is trader N's: side, size, entry and liquidation price are the truth."""
    loop = Loopback(VENUE)
    loop.market.advance_to(loop.market.now_ms() + 2_000)
    truth = {
        (one.position_id, symbol): one
        for symbol in ("BTCUSDT", "ETHUSDT")
        for one in loop.market.truth.positions(symbol)
    }
    traders = sorted({trader for trader, _ in truth})[::25]
    assert len(traders) > 10
    read = 0
    for trader in traders:
        for one in loop.ask(loop.rest.wallet_positions(address_of(trader))):
            real = truth.pop((trader, one.symbol))
            assert one.position_side is real.position_side
            assert one.quantity == pytest.approx(real.quantity)
            assert one.entry_price == pytest.approx(real.entry)
            assert one.liquidation_price == pytest.approx(real.liquidation_price)
            assert (one.leverage, one.is_cross) == (real.leverage, False)
            mark = loop.market.mark_price(one.symbol).mark
            assert one.notional_usd == pytest.approx(real.quantity * mark)
            is_below = (one.liquidation_price or 0.0) < mark
            assert is_below is (one.position_side is PositionSide.LONG)
            read += 1
    assert read > 10
    assert not {trader for trader, _ in truth} & set(traders)


def test_an_address_without_an_account_has_no_positions() -> None:
    loop = Loopback(VENUE)
    for address in (address_of(0), f"0x{'f' * 40}"):
        assert loop.ask(loop.rest.wallet_positions(address)) == []


@pytest.mark.parametrize("address", ["", "0x12", "7" * 42, f"0x{'g' * 40}"])
def test_what_is_no_address_is_refused_as_the_venue_does(address: str) -> None:
    loop = Loopback(VENUE)
    with pytest.raises(VenueRejected):
        loop.ask(loop.rest.wallet_positions(address))
    assert trader_of(address) is None


def test_an_address_is_its_number() -> None:
    assert address_of(255) == "0x" + "0" * 38 + "ff"
    assert trader_of(address_of(255).upper().replace("X", "x")) == 255
    assert trader_of(255) is None
