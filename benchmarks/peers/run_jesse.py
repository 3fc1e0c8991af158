"""Runs a moving-average cross in jesse, in an environment of its own.

`python -m benchmarks.peers.run_jesse JOBS.json ANSWERS.json`: the research API, one-minute candles
injected, no database, no Redis, no network. A market order of `go_long` fills at the close just
seen, so only `fill` close is offered. Long only at leverage 1, no brackets. `engine` `fast` turns
the package's fast mode on.
"""

import os
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.peers.case import Bars, Case, Outcome, Refused, Trade, drive, timed

_WORK: Final = Path(tempfile.mkdtemp(prefix="peer-jesse-"))
# A folder that is no project of the package's, so that it looks for no database; it writes there.
_STARTED_IN: Final = Path.cwd()
os.chdir(_WORK)

import jesse.indicators as ta  # noqa: E402 - reads the folder when it is imported
from jesse import research, utils  # noqa: E402
from jesse.strategies import Strategy  # noqa: E402

_EXCHANGE: Final = "Binance Perpetual Futures"
_SYMBOL: Final = "BTC-USDT"
_KEY: Final = f"{_EXCHANGE}-{_SYMBOL}"

SHARPE_IS: Final = "the package's `sharpe_ratio` of daily balances, 365 days"


class _Cross(Strategy):  # type: ignore[misc]
    """All in when the fast mean crosses above the slow one, out when below."""

    case: Case

    def before(self) -> None:
        candles = self.candles[-self.case.slow - 1 :]
        now = (ta.sma(candles, self.case.fast), ta.sma(candles, self.case.slow))
        earlier = self.vars.get("means")
        self.vars["means"] = now
        if self.index < self.case.slow or earlier is None:
            self.vars["cross"] = 0
            return
        above = bool(earlier[0] <= earlier[1] and now[0] > now[1])
        below = bool(earlier[0] >= earlier[1] and now[0] < now[1])
        self.vars["cross"] = above - below

    def should_long(self) -> bool:
        return bool(self.vars["cross"] == 1)

    def go_long(self) -> None:
        quantity = utils.size_to_qty(
            self.available_margin, self.price, precision=8, fee_rate=self.fee_rate
        )
        self.buy = quantity, self.price

    def should_short(self) -> bool:
        return False

    def go_short(self) -> None:
        raise AssertionError("never short")

    def should_cancel_entry(self) -> bool:
        return False

    def update_position(self) -> None:
        if self.vars["cross"] == -1:
            self.liquidate()


def prepare(case: Case, bars: Bars) -> Any:
    """The package's candles: time, open, close, high, low, volume."""
    del case
    if bars.interval_ms != 60_000:
        raise Refused("one-minute candles only")
    columns = (bars.timestamp_ms, bars.open, bars.close, bars.high, bars.low, bars.volume)
    return np.column_stack([np.asarray(column, dtype=np.float64) for column in columns])


def run(case: Case, candles: Any) -> Outcome:
    """One back-test."""
    if case.fill != "close" or case.direction != "long" or case.has_brackets:
        raise Refused("fills at the close just seen; long only, no brackets, in this driver")
    if case.strategy != "sma_cross" or case.slippage_bps:
        raise Refused("sma_cross without slippage only, in this driver")
    _Cross.case = case
    found = research.backtest(
        {
            "starting_balance": case.capital,
            "fee": case.fee,
            "type": "futures",
            "futures_leverage": 1,
            "futures_leverage_mode": "cross",
            "exchange": _EXCHANGE,
            "warm_up_candles": 0,
        },
        [{"exchange": _EXCHANGE, "strategy": _Cross, "symbol": _SYMBOL, "timeframe": "1m"}],
        [],
        {_KEY: {"exchange": _EXCHANGE, "symbol": _SYMBOL, "candles": candles}},
        fast_mode=case.engine == "fast",
    )
    metrics = found["metrics"]
    first = int(candles[0, 0])
    return Outcome(
        trades=[_trade(each, first) for each in found.get("trades", ())],
        equity=None,
        final_equity=float(metrics["finishing_balance"]),
        max_drawdown=float(metrics["max_drawdown"]) / 100,
        sharpe=float(metrics["sharpe_ratio"]),
        sharpe_is=SHARPE_IS,
    )


def _trade(given: Any, first_ms: int) -> Trade:
    # The package stamps a fill with the end of the minute.
    opened, closed = int(given["opened_at"]), int(given["closed_at"])
    return Trade(
        given["type"],
        (opened - first_ms) // 60_000 - 1,
        (closed - first_ms) // 60_000 - 1,
        float(given["entry_price"]),
        float(given["exit_price"]),
        float(given["PNL"]),
    )


def answer(case: Case, bars: Bars) -> dict[str, Any]:
    """One case."""
    return timed(case, bars, run, prepare)


if __name__ == "__main__":
    drive(f"jesse {version('jesse')}", answer)
