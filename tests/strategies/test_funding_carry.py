"""The pair of legs, over a context that fills at once."""

from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.strategies.samples import T0, bars_of

from headwater.core.enums import Side
from headwater.core.errors import RequestError
from headwater.core.records import FundingRate
from headwater.strategies.context import StrategyContext
from headwater.strategies.funding_carry import FundingCarry
from headwater.strategies.growing_bars import GrowingBars

HOUR = 3_600_000


class Account:
    """A context that fills every order at once; 10,000 of equity, price 100."""

    def __init__(self) -> None:
        self.now_ms, self.exchange, self.symbol = T0, "", "BTCUSDT"
        self.event: Any = None
        self.bars = GrowingBars(bars_of([100.0]), end=1)
        self.equity = Decimal(10_000)
        self.held: dict[str, Decimal] = {}
        self.placed: list[tuple[Side, Decimal, str | None, bool]] = []
        self.refuses: set[str] = set()
        self.working: list[Any] = []

    def orders(self) -> list[Any]:
        return self.working

    def position(self, symbol: str | None = None, exchange: str | None = None) -> Decimal:
        assert symbol == self.symbol
        return self.held.get(exchange or self.exchange, Decimal(0))

    def place(
        self,
        side: Side,
        quantity: Decimal,
        *,
        symbol: str | None = None,
        exchange: str | None = None,
        price: Decimal | None = None,
        reduce_only: bool = False,
    ) -> str:
        assert (symbol, price) == (self.symbol, None)
        self.placed.append((side, quantity, exchange, reduce_only))
        venue = exchange or self.exchange
        if venue not in self.refuses:
            change = quantity if side is Side.BUY else -quantity
            self.held[venue] = self.held.get(venue, Decimal(0)) + change
        return f"order{len(self.placed)}"


def _tell(
    strategy: FundingCarry, account: Account, venue: str, rate: float, interval_h: float | None = 8
) -> None:
    account.exchange = venue
    account.event = FundingRate(
        exchange=venue,
        symbol="BTCUSDT",
        native_symbol="BTCUSDT",
        timestamp_ms=account.now_ms,
        received_ns=0,
        rate=rate,
        interval_h=interval_h,
        funding_time_ms=account.now_ms,
    )
    context = cast("StrategyContext", account)
    strategy.on_funding(context)


def test_it_is_long_where_funding_is_low_and_short_where_it_is_high() -> None:
    strategy, account = FundingCarry(), Account()
    _tell(strategy, account, "okx", 0.0001)
    assert account.placed == []
    _tell(strategy, account, "bybit", 0.0004)
    assert account.placed == []  # 0.0003 apart: less than 0.0004.
    _tell(strategy, account, "binance", 0.0006)
    # 0.45 × 10,000 / 100 = 45 base units a leg.
    assert account.placed == [
        (Side.BUY, Decimal(45), "okx", False),
        (Side.SELL, Decimal(45), "binance", False),
    ]


def test_rates_of_other_intervals_are_compared_per_eight_hours() -> None:
    strategy, account = FundingCarry(), Account()
    _tell(strategy, account, "okx", 0.0001, None)
    _tell(strategy, account, "hyperliquid", 0.00007, 1)  # 0.00056 in eight hours.
    assert [one[2] for one in account.placed] == ["okx", "hyperliquid"]


def test_it_holds_while_it_is_worth_it_and_closes_both_legs() -> None:
    strategy, account = FundingCarry(), Account()
    _tell(strategy, account, "okx", 0.0)
    _tell(strategy, account, "binance", 0.0005)
    account.placed.clear()
    _tell(strategy, account, "binance", 0.0001)
    assert account.placed == []
    _tell(strategy, account, "okx", 0.00005)
    assert account.placed == [
        (Side.SELL, Decimal(45), "okx", True),
        (Side.BUY, Decimal(45), "binance", True),
    ]
    assert not any(account.held.values())


def test_a_leg_that_stands_alone_is_closed_at_the_next_funding() -> None:
    strategy, account = FundingCarry(), Account()
    account.refuses = {"binance"}
    _tell(strategy, account, "okx", 0.0)
    _tell(strategy, account, "binance", 0.0005)
    assert account.held == {"okx": Decimal(45)}
    _tell(strategy, account, "binance", 0.0005)
    assert account.placed[-1] == (Side.SELL, Decimal(45), "okx", True)
    assert not any(account.held.values())


def test_nothing_is_placed_while_orders_of_the_symbol_are_under_way() -> None:
    strategy, account = FundingCarry(), Account()
    request = SimpleNamespace(symbol="BTCUSDT")
    account.working = [SimpleNamespace(request=request)]
    _tell(strategy, account, "okx", 0.0)
    _tell(strategy, account, "binance", 0.0005)
    assert account.placed == []
    request.symbol = "ETHUSDT"
    _tell(strategy, account, "binance", 0.0005)
    assert [one[2] for one in account.placed] == ["okx", "binance"]


def test_an_old_rate_says_nothing() -> None:
    strategy, account = FundingCarry(max_age_h=10), Account()
    _tell(strategy, account, "okx", 0.0)
    account.now_ms += 11 * HOUR
    _tell(strategy, account, "binance", 0.001)
    assert account.placed == []


def test_it_is_of_the_event_form_and_its_bounds_are_checked() -> None:
    assert FundingCarry.form() == "events"
    with pytest.raises(RequestError, match=r"exit_spread='0.001': less than entry_spread=0.0004"):
        FundingCarry(exit_spread=0.001)
