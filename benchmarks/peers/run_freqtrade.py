"""Runs a moving-average cross in freqtrade (GPL: in a process and an environment of its own).

`python -m benchmarks.peers.run_freqtrade JOBS.json ANSWERS.json`: its own `Backtesting`, without
network: one market and the candles are injected, the engine is untouched. Signals act at the next
open, so only that fill is offered. Long only, spot, no stop, no target.
"""

import logging
import os
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import pandas as pd

from benchmarks.peers.case import Bars, Case, Outcome, Refused, Trade, drive, timed

_WORK: Final = Path(tempfile.mkdtemp(prefix="peer-freqtrade-"))
_PAIR: Final = "BTC/USDT"
_START: Final = "2017-01-01"

SHARPE_IS: Final = "the package's `sharpe` of closed trades: mean daily profit over deviation"

_STRATEGY: Final = """
from freqtrade.strategy import IStrategy


class Cross(IStrategy):
    INTERFACE_VERSION = 3
    timeframe = "1m"
    minimal_roi = {}
    stoploss = -0.9999
    can_short = False
    use_exit_signal = True
    process_only_new_candles = True
    startup_candle_count = 0
    FAST = 10
    SLOW = 30

    def populate_indicators(self, dataframe, metadata):
        dataframe["fast"] = dataframe["close"].rolling(self.FAST).mean()
        dataframe["slow"] = dataframe["close"].rolling(self.SLOW).mean()
        return dataframe

    def populate_entry_trend(self, dataframe, metadata):
        fast, slow = dataframe["fast"], dataframe["slow"]
        crossed = (fast.shift() <= slow.shift()) & (fast > slow)
        dataframe.loc[crossed, "enter_long"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe, metadata):
        fast, slow = dataframe["fast"], dataframe["slow"]
        crossed = (fast.shift() >= slow.shift()) & (fast < slow)
        dataframe.loc[crossed, "exit_long"] = 1
        return dataframe
"""

_MARKET: Final[dict[str, Any]] = {
    "id": "BTCUSDT",
    "symbol": _PAIR,
    "base": "BTC",
    "quote": "USDT",
    "active": True,
    "type": "spot",
    "spot": True,
    "margin": False,
    "swap": False,
    "future": False,
    "option": False,
    "contract": False,
    "linear": None,
    "inverse": None,
    "contractSize": None,
    "taker": 0.001,
    "maker": 0.001,
    "precision": {"amount": 1e-08, "price": 1e-06, "base": 1e-08, "quote": 1e-08},
    "limits": {
        "amount": {"min": 1e-08, "max": None},
        "price": {"min": 1e-06, "max": None},
        "cost": {"min": 1e-06, "max": None},
        "leverage": {"min": None, "max": None},
    },
    "info": {},
}


def prepare(case: Case, bars: Bars) -> Any:
    """The package's frame of candles."""
    del case
    if bars.interval_ms != 60_000:
        raise Refused("one-minute candles only, in this driver")
    return pd.DataFrame(
        {
            "date": pd.to_datetime(bars.timestamp_ms, unit="ms", utc=True),
            "open": bars.open,
            "high": bars.high,
            "low": bars.low,
            "close": bars.close,
            "volume": bars.volume,
        }
    )


def run(case: Case, frame: Any) -> Outcome:
    """One back-test."""
    if case.fill != "next-open" or case.direction != "long" or case.has_brackets:
        raise Refused("acts at the next open; long only, no brackets, in this driver")
    if case.strategy != "sma_cross" or case.slippage_bps:
        raise Refused("sma_cross only, and the package has no slippage")
    from freqtrade.configuration import TimeRange
    from freqtrade.data.metrics import calculate_max_drawdown, calculate_sharpe

    backtesting = _backtesting(case)
    strategy = backtesting.strategylist[0]
    type(strategy).FAST, type(strategy).SLOW = case.fast, case.slow
    first, last = backtesting.backtest_one_strategy(strategy, {_PAIR: frame.copy()}, TimeRange())
    content = backtesting.all_bt_content[strategy.get_strategy_name()]
    results = content["results"]
    deepest = 0.0
    sharpe = 0.0
    if len(results):
        found = calculate_max_drawdown(
            results, value_col="profit_abs", starting_balance=case.capital, relative=True
        )
        deepest = -float(found.relative_account_drawdown)
        sharpe = float(calculate_sharpe(results, first, last, case.capital))
    start = frame["date"].iloc[0]
    return Outcome(
        trades=[_trade(each, start) for each in results.itertuples(index=False)],
        equity=None,
        final_equity=float(content["final_balance"]),
        max_drawdown=deepest,
        sharpe=sharpe,
        sharpe_is=SHARPE_IS,
    )


def _trade(row: Any, start: Any) -> Trade:
    minute = pd.Timedelta(minutes=1)
    return Trade(
        "short" if row.is_short else "long",
        int((row.open_date - start) / minute),
        int((row.close_date - start) / minute),
        float(row.open_rate),
        float(row.close_rate),
        float(row.profit_abs),
    )


def _backtesting(case: Case) -> Any:
    from freqtrade.enums import CandleType, MarginMode, RunMode, TradingMode
    from freqtrade.optimize.backtesting import Backtesting
    from freqtrade.resolvers import ExchangeResolver

    config: dict[str, Any] = {
        "strategy": "Cross",
        "strategy_path": str(_WORK),
        "user_data_dir": _WORK,
        "datadir": _WORK,
        "exportfilename": _WORK,
        "exportdirectory": _WORK,
        "timeframe": "1m",
        "stake_currency": "USDT",
        "stake_amount": "unlimited",
        "tradable_balance_ratio": 1.0,
        "dry_run": True,
        "dry_run_wallet": case.capital,
        "max_open_trades": 1,
        "fee": case.fee,
        "runmode": RunMode.OTHER,
        "trading_mode": TradingMode.SPOT,
        "margin_mode": MarginMode.NONE,
        "candle_type_def": CandleType.SPOT,
        "entry_pricing": {"price_side": "other", "use_order_book": False},
        "exit_pricing": {"price_side": "other", "use_order_book": False},
        "exchange": {
            "name": "binance",
            "pair_whitelist": [_PAIR],
            "pair_blacklist": [],
            "skip_pair_validation": True,
        },
        "pairlists": [{"method": "StaticPairList"}],
        "dataformat_ohlcv": "feather",
        "dataformat_trades": "feather",
        "export": "none",
        "original_config": {},
        "internals": {},
    }
    exchange = ExchangeResolver.load_exchange(config, validate=False, load_leverage_tiers=False)
    exchange._markets = {_PAIR: _MARKET}
    exchange._api.markets = exchange._markets
    exchange._last_markets_refresh = 2**62
    return Backtesting(config, exchange)


def answer(case: Case, bars: Bars) -> dict[str, Any]:
    """One case."""
    return timed(case, bars, run, prepare)


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    (_WORK / "cross.py").write_text(_STRATEGY)
    os.environ.setdefault("NO_COLOR", "1")
    drive(f"freqtrade {version('freqtrade')}", answer)
