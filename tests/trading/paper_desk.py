"""A small desk for the tests of the paper venue: one contract, short ways to order and to look."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from headwater.core.enums import Side
from headwater.core.order_kinds import OrderType, TimeInForce
from headwater.core.orders import AccountEvent, Fill, OrderEvent, OrderRequest
from headwater.trading.paper import PaperVenue
from headwater.trading.paper_assumptions import FillAssumptions
from headwater.trading.paper_contract import FeeSchedule, PaperContract
from headwater.trading.paper_market import PaperMarket
from headwater.trading.paper_order import WorkingOrder

D = Decimal
NO_FEES = FeeSchedule(maker=D(0), taker=D(0))


def contract(symbol: str = "BTCUSDT", **facts: Any) -> PaperContract:
    """Tick 0.1, step 0.001, no fees, cross margin at leverage 1, unless said otherwise."""
    known: dict[str, Any] = {"price_tick": D("0.1"), "quantity_step": D("0.001"), "fees": NO_FEES}
    return PaperContract(exchange="binance", symbol=symbol, **(known | facts))


class Desk:
    """A venue with one contract and 10,000 USDT."""

    def __init__(self, *, cash: str = "10000", fill: FillAssumptions | None = None, **facts: Any):
        self.venue = PaperVenue([contract(**facts)], D(cash), assumptions=fill)
        self.market: PaperMarket = self.venue.market("binance", "BTCUSDT")
        self.at_ms = 0

    def request(
        self, side: str, kind: str, quantity: str | None = None, **more: Any
    ) -> OrderRequest:
        if "time_in_force" in more:
            more["time_in_force"] = TimeInForce(more["time_in_force"])
        decimals: dict[str, Any] = {
            name: D(value) if isinstance(value, str) and name not in _TEXTS else value
            for name, value in more.items()
        }
        return OrderRequest(
            exchange="binance",
            symbol="BTCUSDT",
            side=Side(side),
            order_type=OrderType(kind),
            quantity=None if quantity is None else D(quantity),
            **decimals,
        )

    def order(self, side: str, kind: str, quantity: str | None = None, **more: Any) -> WorkingOrder:
        return self.venue.submit(self.request(side, kind, quantity, **more))

    def bar(
        self, open_: float, high: float, low: float, close: float, volume: float | None = None
    ) -> None:
        self.at_ms += 60_000
        self.venue.on_bar(self.market, self.at_ms, open_, high, low, close, volume)

    def trade(self, price: float, quantity: float = 1.0, is_buy: bool | None = None) -> None:
        self.at_ms += 1
        self.venue.on_trade(self.market, price, quantity, is_buy, self.at_ms)

    def events(self) -> list[tuple[str, str]]:
        """(kind, reason) of the order events since the last look."""
        return [
            (event.kind.value, event.reason.value)
            for event in self.venue.take_events()
            if isinstance(event, OrderEvent)
        ]

    def fills(self) -> list[tuple[str, Decimal, Decimal, Decimal, str]]:
        """(side, price, quantity, fee, liquidity) of the fills since the last look."""
        return [
            (fill.side.value, fill.price, fill.quantity, fill.fee, fill.liquidity.value)
            for fill in fills_of(self.venue.take_events())
        ]

    @property
    def quantity(self) -> Decimal:
        return self.venue.position(self.market).quantity


_TEXTS = {"client_order_id", "oco_group", "time_in_force"}


def fills_of(events: Sequence[OrderEvent | AccountEvent]) -> list[Fill]:
    """The executions among events."""
    return [
        event.fill for event in events if isinstance(event, OrderEvent) and event.fill is not None
    ]
