"""Streams, contracts and strategies for tests of event runs."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from headwater.backtest.event_account import EventAccount
from headwater.backtest.event_streams import MarketStreams
from headwater.strategies.base import BaseStrategy
from headwater.trading.paper_assumptions import FillAssumptions
from headwater.trading.paper_contract import FeeSchedule, PaperContract

T0 = 1_700_000_000_000 // 3_600_000 * 3_600_000
HOUR = 3_600_000


def contract(exchange: str, symbol: str = "BTCUSDT", *, fee: str = "0") -> PaperContract:
    """A contract with a tick of 0.01 and a step of 0.001, leverage 10."""
    return PaperContract(
        exchange=exchange,
        symbol=symbol,
        price_tick=Decimal("0.01"),
        quantity_step=Decimal("0.001"),
        fees=FeeSchedule(maker=Decimal(fee), taker=Decimal(fee)),
        leverage=Decimal(10),
    )


def account(
    streams: Sequence[MarketStreams],
    *,
    fee: str = "0",
    cash: int = 10_000,
    fills: FillAssumptions | None = None,
) -> EventAccount:
    """An account that trades the contracts of the streams."""
    return EventAccount(
        contracts=tuple(contract(one.exchange, one.symbol, fee=fee) for one in streams),
        cash=Decimal(cash),
        fills=fills or FillAssumptions(),
    )


class Scripted(BaseStrategy):
    """Does at each bar what a function says, and writes down what it hears."""

    name = "scripted"

    def __init__(self, acts: Callable[[Any], None]) -> None:
        super().__init__()
        self.acts = acts
        self.heard: list[tuple[Any, ...]] = []

    def on_start(self, context: Any) -> None:
        self.heard.append(("start", context.now_ms))

    def on_bar(self, context: Any) -> None:
        self.heard.append(("bar", context.now_ms, context.exchange, len(context.bars)))
        self.acts(context)

    def on_trade(self, context: Any) -> None:
        self.heard.append(("trade", context.now_ms, context.exchange, context.event.price))

    def on_liquidation(self, context: Any) -> None:
        self.heard.append(("liquidation", context.now_ms, context.exchange, context.event.value))

    def on_funding(self, context: Any) -> None:
        self.heard.append(("funding", context.now_ms, context.exchange, context.event.rate))

    def on_fill(self, context: Any) -> None:
        self.heard.append(("fill", context.now_ms, context.exchange, context.event.price))
