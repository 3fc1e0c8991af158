"""What a back-test job is asked to do: one record for each kind, checked before it is queued.

A request names everything that decides its result, so a job that is taken up again after a crash
does the same work. It holds names and numbers alone: never code, never a path.
"""

import math
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

import msgspec

from headwater.backtest.assumptions import Assumptions, FillRule, MarginMode
from headwater.backtest.run_inputs import FundingSource
from headwater.backtest.tier_rows import TierRow, tiers_of
from headwater.core.enums import BacktestKind
from headwater.core.errors import RequestError, StorageError
from headwater.core.intervals import Interval
from headwater.strategies.bars import time_text

__all__ = [
    "BARS_MAX",
    "COMBINATIONS_MAX",
    "FOLDS_MAX",
    "METHODS",
    "OBJECTIVES",
    "PARAMETERS_MAX",
    "RANGES_MAX",
    "BacktestRequest",
    "JobRequest",
    "OptimiseRequest",
    "ParameterSpan",
    "ParameterValue",
    "WalkForwardRequest",
    "check_one_contract",
    "checked_request",
    "decode_request",
    "encode_request",
]

BARS_MAX: Final = 3_000_000
"""Most bars that the span of a job may have: five years of minutes are 2.6 million."""

PARAMETERS_MAX: Final = 20
"""Most parameters that a request may give."""

RANGES_MAX: Final = 8
"""Most parameters that are varied at once."""

COMBINATIONS_MAX: Final = 100_000
"""Most combinations of parameters in one job."""

FOLDS_MAX: Final = 200
"""Most folds of a walk-forward job."""

METHODS: Final = ("grid", "random", "bayesian")
"""How combinations are chosen."""

OBJECTIVES: Final = (
    "sharpe",
    "total_return",
    "max_drawdown",
    "calmar",
    "profit_factor",
    "win_rate",
    "trades",
)
"""What may be looked for; each is better the higher it is (drawdowns are negative)."""

_DAY_MS: Final = 86_400_000
_TEXT_MAX: Final = 200

ParameterValue: TypeAlias = str | int | float | bool | None
"""A strategy's parameter as JSON has it; the strategy's own declaration reads it."""


class _Run(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    """What every kind needs: a strategy, stored candles, and what is taken for granted.

    Attributes:
        strategy: name of a registered strategy.
        parameters: values by name; what is not given has its default.
        exchange: venue whose stored candles are read.
        symbol: canonical symbol.
        timeframe: length of a bar.
        start_ms: first opening time, ms since the epoch, UTC.
        end_ms: first opening time that is not wanted any more.
        initial_capital: quote currency.
        fee_rate: fraction of every fill's value; None: the venue's taker fee.
        slippage_rate: fraction by which orders that take fill worse.
        fill: when decisions are filled.
        leverage: notional over equity.
        margin_mode: what a liquidation may take.
        tiers: margin tiers, smallest positions first; empty: no liquidation price.
        liquidation_fee_rate: further fee of a liquidation, a fraction of its value.
        quantity_step: quantities are cut to its multiples, base units; 0: fractions at will.
        price_tick: stops and targets lie on its multiples, quote currency; 0: any price.
        min_notional: smallest value of an order, quote currency.
        funding: whether stored funding payments are settled; None: where there are any.
        detail_interval: length of smaller stored bars that tell what a bar reached first; None
            for none.
        strategy_id: of the configured strategy it was started from; None for none.
        strategy_version: of that strategy; None for none.
    """

    strategy: str
    parameters: dict[str, ParameterValue]
    exchange: str
    symbol: str
    timeframe: Interval
    start_ms: int
    end_ms: int
    initial_capital: float = 10_000.0
    fee_rate: float | None = None
    slippage_rate: float = 0.0
    fill: FillRule = FillRule.NEXT_OPEN
    leverage: float = 1.0
    margin_mode: MarginMode = MarginMode.CROSS
    tiers: tuple[TierRow, ...] = ()
    liquidation_fee_rate: float = 0.0
    quantity_step: float = 0.0
    price_tick: float = 0.0
    min_notional: float = 0.0
    funding: FundingSource | None = None
    detail_interval: Interval | None = None
    strategy_id: str | None = None
    strategy_version: int | None = None

    @property
    def bars(self) -> int:
        """How many bars the span has when none is missing."""
        return math.ceil((self.end_ms - self.start_ms) / self.timeframe.nominal_ms)

    def assumptions(self, taker_fee_rate: float) -> Assumptions:
        """Costs and rules of the run.

        Args:
            taker_fee_rate: the venue's, for a request that names no fee.
        """
        own = self.fee_rate is not None
        return Assumptions(
            initial_capital=self.initial_capital,
            fee_rate=self.fee_rate if self.fee_rate is not None else taker_fee_rate,
            slippage_rate=self.slippage_rate,
            fill=self.fill,
            leverage=self.leverage,
            margin_mode=self.margin_mode,
            tiers=tiers_of(self.tiers),
            liquidation_fee_rate=self.liquidation_fee_rate,
            quantity_step=self.quantity_step,
            price_tick=self.price_tick,
            min_notional=self.min_notional,
            exchange="" if own else self.exchange,
        )


class BacktestRequest(_Run, frozen=True, kw_only=True, tag="backtest"):
    """One run; see the fields of every kind above."""


class ParameterSpan(msgspec.Struct, frozen=True, kw_only=True):
    """The values of one parameter, evenly spaced.

    Attributes:
        name: as the strategy declares it.
        start: first value.
        stop: last value, included where a step meets it.
        step: distance, > 0.
    """

    name: str
    start: float
    stop: float
    step: float

    @property
    def count(self) -> int:
        """How many values."""
        return math.floor((self.stop - self.start) / self.step * (1 + 1e-12) + 1e-9) + 1

    @property
    def telling(self) -> tuple[float, ...]:
        """The first, second and last value: a parameter that takes them takes all between."""
        last = self.count - 1
        return tuple(self.start + number * self.step for number in sorted({0, min(1, last), last}))


class OptimiseRequest(_Run, frozen=True, kw_only=True, tag="optimise"):
    """Many runs over the same bars.

    Attributes:
        spans: the varied parameters.
        method: one of `METHODS`.
        samples: how many combinations, of random and bayesian.
        seed: of what is drawn.
        objective: one of `OBJECTIVES`; by what combinations are ordered.
    """

    spans: tuple[ParameterSpan, ...]
    method: str = "grid"
    samples: int = 100
    seed: int = 0
    objective: str = "sharpe"


class WalkForwardRequest(_Run, frozen=True, kw_only=True, tag="walk_forward"):
    """The best parameters of one stretch of time, run over the next, again and again.

    Attributes:
        spans: the varied parameters.
        in_sample_days: length of the stretch that is optimised.
        out_of_sample_days: length of the stretch that is run with what was found.
        folds: how many; None: as many as the span has.
        embargo_days: days left out between the two.
        objective: one of `OBJECTIVES`.
    """

    spans: tuple[ParameterSpan, ...]
    in_sample_days: int
    out_of_sample_days: int
    folds: int | None = None
    embargo_days: float = 0.0
    objective: str = "sharpe"


JobRequest: TypeAlias = BacktestRequest | OptimiseRequest | WalkForwardRequest
"""What a job is asked to do."""

_KINDS: Final[Mapping[type[Any], BacktestKind]] = {
    BacktestRequest: BacktestKind.BACKTEST,
    OptimiseRequest: BacktestKind.OPTIMISE,
    WalkForwardRequest: BacktestKind.WALK_FORWARD,
}
_encoder: Final = msgspec.json.Encoder()
_decoder: Final[msgspec.json.Decoder[JobRequest]] = msgspec.json.Decoder(JobRequest)


def kind_of(request: JobRequest) -> BacktestKind:
    """Which kind of job a request is."""
    return _KINDS[type(request)]


def encode_request(request: JobRequest) -> str:
    """A request as JSON text, as it is stored and sent to a worker."""
    return _encoder.encode(request).decode()


def decode_request(text: str | bytes) -> JobRequest:
    """The request of a JSON text.

    Raises:
        StorageError: it is none: the row was written by something else.
    """
    try:
        return _decoder.decode(text)
    except msgspec.DecodeError as error:
        raise StorageError("backtests", f"a stored request cannot be read: {error}") from error


def check_one_contract(exchange: str, symbol: str) -> None:
    """Refuses what names no contract, or several.

    Raises:
        RequestError: names the field, its value and what is allowed.
    """
    for field, text in (("exchange", exchange), ("symbol", symbol)):
        _check_text(field, text)
        if "," in text:
            allowed = "one: a job runs over one contract; several are run by `headwater backtest`"
            raise RequestError(field, text, allowed)


def checked_request(request: JobRequest) -> JobRequest:
    """The request, once a job of it can be run and is not larger than a job may be.

    The strategy and its parameters are checked by who knows the strategies.

    Raises:
        RequestError: names the field, its value and what is allowed.
    """
    _check_text("strategy", request.strategy)
    check_one_contract(request.exchange, request.symbol)
    if request.start_ms < 0:
        raise RequestError("start_date", request.start_ms, "a time not before 1970")
    if request.end_ms <= request.start_ms:
        start, end = time_text(request.start_ms), time_text(request.end_ms)
        raise RequestError("end_date", end, f"a time after start_date ({start})")
    if request.bars > BARS_MAX:
        raise RequestError(
            "end_date", f"{request.bars} bars", f"at most {BARS_MAX} bars: a shorter span"
        )
    _check_detail(request)
    _check_parameters(request.parameters)
    request.assumptions(0.0).checked()
    if isinstance(request, OptimiseRequest):
        _check_spans(request.spans, request.parameters, request.objective)
        _check_search(request)
    elif isinstance(request, WalkForwardRequest):
        _check_spans(request.spans, request.parameters, request.objective)
        _check_grid(request.spans)
        _check_folds(request)
    return request


def _check_detail(request: JobRequest) -> None:
    detail, length = request.detail_interval, request.timeframe.nominal_ms
    if detail is None:
        return
    if detail.nominal_ms >= length or length % detail.nominal_ms:
        raise RequestError(
            "detail_interval", detail, f"an interval below {request.timeframe} that fits into it"
        )
    smaller = math.ceil((request.end_ms - request.start_ms) / detail.nominal_ms)
    if smaller > BARS_MAX:
        raise RequestError(
            "detail_interval", f"{smaller} bars", f"at most {BARS_MAX} bars: a longer interval"
        )


def _check_text(field: str, value: str) -> None:
    if not value or len(value) > _TEXT_MAX or not value.isprintable():
        raise RequestError(field, value, f"1 to {_TEXT_MAX} printable letters")


def _check_parameters(parameters: Mapping[str, ParameterValue]) -> None:
    if len(parameters) > PARAMETERS_MAX:
        raise RequestError("parameters", len(parameters), f"at most {PARAMETERS_MAX}")
    for name, value in parameters.items():
        _check_text("parameters", name)
        if isinstance(value, float) and not math.isfinite(value):
            raise RequestError(name, value, "a finite number")
        if isinstance(value, str) and len(value) > _TEXT_MAX:
            raise RequestError(name, value, f"at most {_TEXT_MAX} letters")


def _check_spans(
    spans: tuple[ParameterSpan, ...], fixed: Mapping[str, ParameterValue], objective: str
) -> None:
    if not 1 <= len(spans) <= RANGES_MAX:
        raise RequestError("parameter_ranges", len(spans), f"1 to {RANGES_MAX} ranges")
    if objective not in OBJECTIVES:
        raise RequestError("objective", objective, f"one of {', '.join(OBJECTIVES)}")
    seen: set[str] = set()
    for one in spans:
        _check_text("parameter_ranges", one.name)
        if one.name in seen or one.name in fixed:
            raise RequestError("parameter_ranges", one.name, "each parameter given once")
        seen.add(one.name)
        for field in ("start", "stop", "step"):
            if not math.isfinite(getattr(one, field)):
                raise RequestError(f"{one.name}: {field}", getattr(one, field), "a finite number")
        if one.step <= 0:
            raise RequestError(f"{one.name}: step", one.step, "a number above 0")
        if one.stop < one.start:
            raise RequestError(f"{one.name}: end_value", one.stop, f"at least {one.start:g}")
        if (one.stop - one.start) / one.step > COMBINATIONS_MAX:
            raise RequestError(f"{one.name}: step", one.step, f"at most {COMBINATIONS_MAX} values")


def _check_grid(spans: tuple[ParameterSpan, ...]) -> None:
    combinations = math.prod(one.count for one in spans)
    if combinations > COMBINATIONS_MAX:
        raise RequestError(
            "parameter_ranges", f"{combinations} combinations", f"at most {COMBINATIONS_MAX}"
        )


def _check_search(request: OptimiseRequest) -> None:
    if request.method not in METHODS:
        raise RequestError("method", request.method, f"one of {', '.join(METHODS)}")
    if request.method == "grid":
        _check_grid(request.spans)
    elif not 1 <= request.samples <= COMBINATIONS_MAX:
        raise RequestError("samples", request.samples, f"1 to {COMBINATIONS_MAX}")


def _check_folds(request: WalkForwardRequest) -> None:
    lengths = {
        "in_sample_period_days": request.in_sample_days,
        "out_of_sample_period_days": request.out_of_sample_days,
    }
    for field, days in lengths.items():
        if not 1 <= days <= 3_650:
            raise RequestError(field, days, "1 to 3650 days")
    if not 0 <= request.embargo_days <= 365:
        raise RequestError("embargo_days", request.embargo_days, "0 to 365 days")
    first_ms = round((request.in_sample_days + request.embargo_days) * _DAY_MS)
    step_ms = request.out_of_sample_days * _DAY_MS
    room = (request.end_ms - request.start_ms - first_ms) // step_ms
    if room < 1:
        raise RequestError(
            "in_sample_period_days",
            request.in_sample_days,
            "with embargo_days and out_of_sample_period_days no longer than the dates",
        )
    folds = room if request.folds is None else request.folds
    if not 1 <= folds <= min(room, FOLDS_MAX):
        raise RequestError("num_folds", folds, f"1 to {min(room, FOLDS_MAX)} within the dates")
