"""Runs a moving-average cross in nautilus_trader 2, in an environment of its own.

`python -m benchmarks.peers.run_nautilus JOBS.json ANSWERS.json`. A market order sent in `on_bar`
fills at the close just seen, so only `fill` close is offered. Long only, on a cash account, no
brackets. The volume of every bar is made so large that an order is filled at once: the package
splits an order over the volume of its bar. Bar objects are made before the time is taken.
"""

from decimal import Decimal
from importlib.metadata import version
from typing import Any, Final

import numpy as np
from nautilus_trader.backtest import BacktestEngine, BacktestEngineConfig
from nautilus_trader.common import LoggerConfig
from nautilus_trader.execution import MakerTakerFeeModel
from nautilus_trader.indicators import SimpleMovingAverage
from nautilus_trader.model import (
    AccountType,
    Bar,
    BarType,
    Currency,
    CurrencyPair,
    InstrumentId,
    Money,
    OmsType,
    OrderSide,
    Price,
    Quantity,
    Symbol,
    Venue,
)
from nautilus_trader.risk import RiskEngineConfig
from nautilus_trader.trading import Strategy, StrategyConfig

from benchmarks.peers.case import Bars, Case, Outcome, Refused, Trade, drive, timed

_ID: Final = "BTCUSDT.SIM"
_PRICE_PLACES: Final = 6
_SIZE_PLACES: Final = 8
_NS_IN_MS: Final = 1_000_000
_VOLUME: Final = 1_000_000

SHARPE_IS: Final = "the package's `Sharpe Ratio (252 days)` of its returns"


class _Cross(Strategy):  # type: ignore[misc]
    """All in when the fast mean crosses above the slow one, out when below."""

    case: Case
    bar_type: BarType

    def on_start(self) -> None:
        self.fast = SimpleMovingAverage(self.case.fast)
        self.slow = SimpleMovingAverage(self.case.slow)
        self.before: tuple[float, float] | None = None
        self.instrument = InstrumentId.from_str(_ID)
        self.held: Quantity | None = None
        self.cash = self.case.capital
        self.subscribe_bars(self.bar_type)

    def on_bar(self, bar: Any) -> None:
        close = bar.close.as_double()
        self.fast.update_raw(close)
        self.slow.update_raw(close)
        if not self.slow.initialized:
            return
        now = (self.fast.value, self.slow.value)
        before, self.before = self.before, now
        if before is None:
            return
        if before[0] <= before[1] and now[0] > now[1] and self.held is None:
            self._buy(close)
        elif before[0] >= before[1] and now[0] < now[1] and self.held is not None:
            self._send(OrderSide.SELL, self.held)
            self.held = None

    def on_order_filled(self, event: Any) -> None:
        # Kept here: asking for the account copies all its past events every time.
        value = event.last_qty.as_double() * event.last_px.as_double()
        spent = value if event.order_side == OrderSide.BUY else -value
        self.cash -= spent + event.commission.as_double()

    def _buy(self, close: float) -> None:
        # A hair below all: the venue rounds costs to eight places.
        quantity = self.cash / (close * (1 + self.case.fee)) - 10**-_SIZE_PLACES
        self.held = Quantity(quantity, _SIZE_PLACES)
        self._send(OrderSide.BUY, self.held)

    def _send(self, side: OrderSide, quantity: Quantity) -> None:
        self.submit_order(self.order_factory.market(self.instrument, side, quantity))


def prepare(case: Case, bars: Bars) -> list[Any]:
    """The package's bar objects."""
    del case
    bar_type = BarType.from_str(f"{_ID}-1-MINUTE-LAST-EXTERNAL")
    volume = Quantity(_VOLUME, _SIZE_PLACES)
    made: list[Any] = []
    columns = (bars.open, bars.high, bars.low, bars.close)
    for opened_ms, *prices in zip(
        bars.timestamp_ms.tolist(), *(column.tolist() for column in columns), strict=True
    ):
        # A bar is known at its end.
        at = (opened_ms + bars.interval_ms) * _NS_IN_MS
        quoted = [Price(price, _PRICE_PLACES) for price in prices]
        made.append(Bar(bar_type, *quoted, volume, at, at))
    return made


def run(case: Case, bars: list[Any]) -> Outcome:
    """One back-test."""
    if case.fill != "close" or case.direction != "long" or case.has_brackets:
        raise Refused("fills at the close just seen; long only, no brackets, in this driver")
    if case.strategy != "sma_cross" or case.slippage_bps:
        raise Refused("sma_cross without slippage only, in this driver")
    engine = _engine(case)
    strategy = _Cross(StrategyConfig(log_events=False, log_commands=False))
    strategy.case, strategy.bar_type = case, bars[0].bar_type
    engine.add_strategy(strategy)
    engine.add_data(bars, validate=False)
    engine.run()
    statistics = engine.get_result().stats_returns
    usdt = Currency.from_str("USDT")
    cash = engine.portfolio.account(Venue("SIM")).balance_total(usdt).as_double()
    first = bars[0].ts_event
    step = bars[1].ts_event - first
    trades = _trades(engine, first, step)
    held = strategy.held.as_double() if strategy.held is not None else 0.0
    sharpe = statistics.get("Sharpe Ratio (252 days)")
    engine.dispose()
    return Outcome(
        trades=trades,
        equity=None,
        final_equity=cash + held * bars[-1].close.as_double(),
        max_drawdown=None,
        sharpe=sharpe if sharpe is not None and np.isfinite(sharpe) else None,
        sharpe_is=SHARPE_IS,
    )


def _engine(case: Case) -> Any:
    engine = BacktestEngine(
        BacktestEngineConfig(
            bypass_logging=True,
            logging=LoggerConfig(bypass_logging=True),
            risk_engine=RiskEngineConfig(bypass=True),
        )
    )
    fee = Decimal(str(case.fee_bps)) / 10_000
    engine.add_venue(
        venue=Venue("SIM"),
        oms_type=OmsType.NETTING,
        account_type=AccountType.CASH,
        starting_balances=[Money(case.capital, Currency.from_str("USDT"))],
        fee_model=MakerTakerFeeModel(fee, fee),
        # The same fills, a third less time: nothing waits in a queue between venue and strategy.
        use_message_queue=False,
    )
    engine.add_instrument(
        CurrencyPair(
            instrument_id=InstrumentId.from_str(_ID),
            raw_symbol=Symbol("BTCUSDT"),
            base_currency=Currency.from_str("BTC"),
            quote_currency=Currency.from_str("USDT"),
            price_precision=_PRICE_PLACES,
            size_precision=_SIZE_PLACES,
            price_increment=Price(10**-_PRICE_PLACES, _PRICE_PLACES),
            size_increment=Quantity(10**-_SIZE_PLACES, _SIZE_PLACES),
            ts_event=0,
            ts_init=0,
        )
    )
    return engine


def _trades(engine: Any, first: int, step: int) -> list[Trade]:
    cache = engine.cache
    found = []
    for position in [*cache.position_snapshots(), *cache.positions()]:
        is_open = position.is_open
        is_open = is_open() if callable(is_open) else is_open
        found.append(
            Trade(
                "long",
                (position.ts_opened - first) // step,
                None if is_open else (position.ts_closed - first) // step,
                position.avg_px_open,
                None if is_open else position.avg_px_close,
                position.realized_pnl.as_double(),
            )
        )
    found.sort(key=lambda trade: trade.entry_bar)
    return found


def answer(case: Case, bars: Bars) -> dict[str, Any]:
    """One case."""
    return timed(case, bars, run, prepare)


if __name__ == "__main__":
    drive(f"nautilus_trader {version('nautilus_trader')}", answer)
