"""Round trips from fills by hand."""

from decimal import Decimal
from typing import Any

import pytest
from tests.backtest.event_markets import contract

from headwater.backtest.outcome import ExitReason
from headwater.backtest.round_trips import RoundTrip, round_trips
from headwater.core.enums import Side
from headwater.core.order_kinds import OrderType
from headwater.core.orders import OrderRequest
from headwater.trading.paper import PaperVenue


class _Trader:
    """A venue at which every order fills at once at the price named."""

    def __init__(self, fee: str = "0") -> None:
        self.venue = PaperVenue([contract("x", fee=fee)], Decimal(10_000))
        self.market = self.venue.market("x", "BTCUSDT")
        self.at_ms = 0

    def fill(self, side: Side, quantity: int, price: float, **more: Any) -> None:
        self.at_ms += 1
        self.venue.submit(
            OrderRequest(
                exchange="x",
                symbol="BTCUSDT",
                side=side,
                order_type=OrderType.MARKET,
                quantity=Decimal(quantity),
                **more,
            )
        )
        self.venue.on_bar(self.market, self.at_ms, price, price, price, price, 1.0)

    def trips(self) -> list[RoundTrip]:
        return round_trips(list(enumerate(self.venue.take_entries()[0], 1)))


def test_adding_and_taking_away_moves_the_average_prices() -> None:
    trader = _Trader("0.001")
    trader.fill(Side.BUY, 1, 100.0)
    trader.fill(Side.BUY, 3, 120.0)
    trader.fill(Side.SELL, 2, 130.0)
    trader.fill(Side.SELL, 2, 140.0)
    (trip,) = trader.trips()
    # Entry (100 + 3 × 120) / 4 = 115, exit (2 × 130 + 2 × 140) / 4 = 135; fees 0.46 and 0.54.
    assert (trip.entry_price, trip.exit_price, trip.quantity) == (115.0, 135.0, 4.0)
    assert [trip.entry_fee, trip.exit_fee] == pytest.approx([0.46, 0.54])
    assert trip.pnl == pytest.approx(4 * 20 - 1)
    assert (trip.entry_ms, trip.exit_ms, trip.exit_reason) == (1, 4, ExitReason.SIGNAL)


def test_one_fill_turns_a_position() -> None:
    trader = _Trader()
    trader.fill(Side.BUY, 1, 100.0)
    trader.fill(Side.SELL, 3, 110.0)
    first, second = trader.trips()
    assert first.exit_reason is ExitReason.REVERSAL
    assert first.pnl == pytest.approx(10.0)
    assert (second.is_long, second.quantity, second.exit_ms, second.pnl) == (False, 2.0, None, None)


def test_funding_counts_while_the_position_is_open() -> None:
    trader = _Trader()
    trader.fill(Side.SELL, 2, 100.0)
    trader.venue.on_funding(trader.market, 0.01, 100.0, 2)  # A short receives 2.
    trader.at_ms = 2
    trader.fill(Side.BUY, 2, 100.0)
    trader.venue.on_funding(trader.market, 0.01, 100.0, 9)  # Flat: nothing.
    (trip,) = trader.trips()
    assert trip.funding == pytest.approx(2.0)
    assert trip.pnl == pytest.approx(2.0)


def test_no_fill_is_no_trip() -> None:
    trader = _Trader()
    trader.fill(Side.SELL, 2, 100.0, reduce_only=True)
    assert trader.trips() == []
