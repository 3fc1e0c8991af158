"""The engine: data, strategy and assumptions in, a result that says everything out.

    result = BacktestEngine(
        MeanReversionStrategy({"lookback_period": 20}),
        symbol="BTC/USD", timeframe="1h",
        start_date="2024-01-01", end_date="2024-12-31",
        initial_capital=10_000,
    ).run()
    print(result.total_return, result.sharpe_ratio, result.max_drawdown)

It picks the drive by the form of the strategy: signals are run sparsely, callbacks are asked at
every bar, events are played through the paper venue. Nothing is compiled on the way.
"""

import time
from collections.abc import Callable
from typing import Any

import msgspec

from headwater.analytics.performance import performance
from headwater.backtest.assumptions import Assumptions
from headwater.backtest.coverage import coverage_of
from headwater.backtest.detail import NO_DETAIL, Detail
from headwater.backtest.funding import FundingBars, FundingColumns
from headwater.backtest.look_ahead import LookAheadReport, check_signals
from headwater.backtest.outcome import Outcome
from headwater.backtest.result import BacktestResult
from headwater.backtest.sparse import run_sparse
from headwater.backtest.venue_fees import DEFAULT_EXCHANGE, taker_fee_rate
from headwater.core.errors import RequestError
from headwater.core.instruments import canonical_spelling
from headwater.core.intervals import Interval
from headwater.strategies.bars import Bars, time_text
from headwater.strategies.base import BaseStrategy
from headwater.strategies.epochs import end_epoch_ms, epoch_ms
from headwater.strategies.signals import Signals

__all__ = ["BacktestEngine"]

_DAY_MS = 86_400_000
BarsSource = Callable[[str, str, int | None, int | None], Bars]
"""Gives bars of (symbol, interval, from ms or None, up to ms or None, exclusive)."""


class BacktestEngine:
    """One back-test, ready to run.

    Args:
        strategy: what decides; its parameters are its own.
        symbol: in any common spelling.
        timeframe: interval of the bars, such as `1h`; of given data it is told by the data.
        start_date: ISO date or time, datetime, or epoch; None: from the first bar.
        end_date: likewise; a date without a time means the whole day. None: to the last bar.
        initial_capital: quote currency; None: that of the assumptions.
        data: bars, or whatever `Bars.of` understands; None: asked of `source`.
        assumptions: costs and rules. None: the taker fee of `venue_fees.DEFAULT_EXCHANGE` and no
            slippage; the result says so.
        funding: payments of a perpetual contract; None for none.
        detail: bars of a smaller interval, which tell what a bar reached first; the orders of a
            strategy of events meet them in place of the bars.
        check_look_ahead: whether the signals are computed again on beginnings of the data.
        source: where bars come from when none are given.
        progress: told (bars done, bars) now and then.

    Raises:
        RequestError: names the argument that is wrong.
    """

    def __init__(
        self,
        strategy: BaseStrategy,
        symbol: str = "",
        timeframe: str = "",
        start_date: Any = None,
        end_date: Any = None,
        initial_capital: float | None = None,
        *,
        data: Any = None,
        assumptions: Assumptions | None = None,
        funding: FundingColumns | None = None,
        detail: Any = None,
        check_look_ahead: bool = True,
        source: BarsSource | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        if not isinstance(strategy, BaseStrategy):
            raise RequestError("strategy", strategy, "an instance of a BaseStrategy")
        if strategy.contracts_least > 1:
            raise RequestError(
                "strategy",
                strategy.name,
                f"one of a single contract: this takes {strategy.contracts_least}, run it with "
                "backtest.portfolio.run_portfolio (docs/guides/event-strategies.md) or paper",
            )
        self.strategy = strategy
        self.symbol = canonical_spelling(symbol) or symbol
        self.timeframe = timeframe
        self.start_ms = None if start_date is None else epoch_ms(start_date, "start_date")
        self.end_ms = None if end_date is None else end_epoch_ms(end_date, "end_date")
        if self.start_ms is not None and self.end_ms is not None and self.end_ms <= self.start_ms:
            raise RequestError("end_date", end_date, f"a time after start_date={start_date}")
        if assumptions is None:
            fee_rate = taker_fee_rate(DEFAULT_EXCHANGE)
            assumptions = Assumptions(fee_rate=fee_rate, exchange=DEFAULT_EXCHANGE)
        if initial_capital is not None:
            assumptions = msgspec.structs.replace(
                assumptions, initial_capital=_number("initial_capital", initial_capital)
            )
        self.assumptions = assumptions.checked()
        if funding is not None and assumptions.funding == "none":
            self.assumptions = msgspec.structs.replace(
                self.assumptions, funding="the payments that were given, at their times"
            )
        if detail is not None and not assumptions.detail:
            self.assumptions = msgspec.structs.replace(
                self.assumptions, detail="the smaller bars that were given"
            )
        self.data = data
        self.funding = funding
        self.detail = detail
        self.check_look_ahead = check_look_ahead
        self.source = source
        self.progress = progress

    def run(self) -> BacktestResult:
        """Runs the strategy over the bars.

        Returns:
            The result; running again gives an equal one, unless the strategy keeps state.

        Raises:
            RequestError: data that no market has, fewer bars than the look-back, an answer of the
                strategy that is none, or look-ahead (`LookAhead`).
        """
        bars = self._bars()
        if not len(bars):
            raise RequestError("data", "no bar", self._wanted())
        self.strategy.enough(bars)
        started = time.process_time()
        outcome, look_ahead = self._outcome(bars)
        figures = performance(
            outcome.equity,
            capital=outcome.initial_capital,
            timestamps_ms=bars.timestamp_ms[: len(outcome.equity)],
            interval_ms=max(1, bars.interval_ms),
            trade_pnls=outcome.trades.pnl(),
            exposed=outcome.held,
        )
        return BacktestResult(
            strategy=self.strategy.name,
            parameters=self.strategy.params,
            symbol=bars.symbol or self.symbol,
            bars=bars,
            assumptions=self.assumptions,
            outcome=outcome,
            performance=figures,
            look_ahead=look_ahead,
            coverage=coverage_of(bars),
            drive=self.strategy.form(),
            cpu_s=time.process_time() - started,
        )

    def _outcome(self, bars: Bars) -> tuple[Outcome, LookAheadReport]:
        """Drives the strategy in its own form."""
        strategy = self.strategy
        form = strategy.form()
        funding = None if self.funding is None else FundingBars.of(self.funding, bars)
        detail = NO_DETAIL if self.detail is None else Detail(Bars.of(self.detail), bars)
        if form == "signals":
            signals = Signals.of(strategy.generate_signals(bars), bars)
            report = (
                check_signals(strategy, bars, signals)
                if self.check_look_ahead
                else LookAheadReport(how="not searched for: it was switched off")
            )
            outcome = run_sparse(
                bars,
                signals,
                self.assumptions,
                bracket=strategy.checked_bracket(),
                reverses=strategy.reverses,
                funding=funding,
                detail=detail,
            )
            return outcome, report
        # Either drive is imported by the runs that take it: the one of events costs as much time
        # as a small back-test.
        if form == "callbacks":
            from headwater.backtest.per_bar import run_per_bar

            outcome = run_per_bar(
                strategy,
                bars,
                self.assumptions,
                funding=funding,
                detail=detail,
                progress=self.progress,
            )
            return outcome, LookAheadReport(how="the strategy is handed the past bars alone")
        from headwater.backtest.event_bars import run_events_over_bars

        outcome = run_events_over_bars(
            strategy,
            bars,
            self.assumptions,
            funding=self.funding,
            detail=None if self.detail is None else Bars.of(self.detail),
            progress=self.progress,
        )
        return outcome, LookAheadReport(how="the strategy hears events in the order of their times")

    def _bars(self) -> Bars:
        """The bars of the wanted time.

        Raises:
            RequestError: there is nowhere to take them from.
        """
        if self.data is None:
            if self.source is None:
                raise RequestError("data", None, "bars, or a source of stored ones")
            return self.source(self.symbol, self.timeframe, self.start_ms, self.end_ms)
        bars = Bars.of(self.data, symbol=self.symbol)
        if self.timeframe and len(bars) > 1:
            wanted = _interval(self.timeframe).nominal_ms
            if bars.interval_ms != wanted and wanted < 28 * _DAY_MS:
                raise RequestError(
                    "timeframe", self.timeframe, f"that of the data: {bars.interval_ms / 60_000:g}m"
                )
        if self.start_ms is None and self.end_ms is None:
            return bars
        times = bars.timestamp_ms
        first = 0 if self.start_ms is None else int(times.searchsorted(self.start_ms))
        last = len(bars) if self.end_ms is None else int(times.searchsorted(self.end_ms))
        return bars[first:last]

    def _wanted(self) -> str:
        parts = [
            f"from {time_text(self.start_ms)}" if self.start_ms is not None else "",
            f"up to {time_text(self.end_ms)}" if self.end_ms is not None else "",
        ]
        return " ".join(("bars of a time that the data have", *filter(None, parts)))


def _interval(text: str) -> Interval:
    """An interval by its name.

    Raises:
        RequestError: there is none of that name.
    """
    try:
        return Interval(text)
    except ValueError:
        raise RequestError("timeframe", text, f"one of {', '.join(Interval)}") from None


def _number(field: str, value: Any) -> float:
    """A number as a float.

    Raises:
        RequestError: it is none; names the argument.
    """
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise RequestError(field, value, "a number") from error
