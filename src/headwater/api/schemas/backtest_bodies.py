"""Bodies of the back-test routes (requirement C-R7): a run, a search, a walk forward.

Read strictly, as all bodies are: a field that is not known is refused. A strategy is a name and
parameters are numbers and words: neither code nor a path ever comes this way.
"""

from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.config import JsonDict

from headwater.api.parameters import TIME_ALLOWED, read_interval, read_moment, refuse
from headwater.api.schemas.strategies import PARAMETER_NAME, ParameterBody
from headwater.backtest.assumptions import FillRule, MarginMode
from headwater.backtest.job_request import (
    COMBINATIONS_MAX,
    FOLDS_MAX,
    METHODS,
    OBJECTIVES,
    PARAMETERS_MAX,
    RANGES_MAX,
)
from headwater.backtest.run_inputs import FundingSource
from headwater.backtest.tier_rows import TIERS_MAX
from headwater.backtest.venue_fees import DEFAULT_EXCHANGE
from headwater.core.intervals import Interval

_DAY_MS: Final = 86_400_000
_DATE_CHARS: Final = len("2024-12-31")
_NUMBER_MAX: Final = 1e15

_RUN: Final[JsonDict] = {
    "strategy": "sma_cross",
    "parameters": {"fast": 10, "slow": 30},
    "timeframe": "1m",
    "symbol": "BTCUSDT",
    "start_date": "2024-01-01",
    "end_date": "2024-12-31",
}
_SEARCH: Final[JsonDict] = {
    "strategy_name": "sma_cross",
    "parameter_ranges": [
        {"name": "fast", "start_value": 5, "end_value": 20, "step": 5},
        {"name": "slow", "start_value": 30, "end_value": 90, "step": 30},
    ],
    "timeframe": "1m",
    "symbol": "BTCUSDT",
    "start_date": "2024-01-01",
    "end_date": "2024-12-31",
}


def _read_start(value: object) -> object:
    """A date or time, given."""
    if value is None or isinstance(value, bool | float):
        raise refuse(TIME_ALLOWED)
    return read_moment(str(value))


def _read_end(value: object) -> object:
    """A date or time, given; a date means its whole day."""
    at_ms: Any = _read_start(value)
    is_day = isinstance(value, str) and len(value) == _DATE_CHARS and value[4] == "-"
    return at_ms + _DAY_MS if is_day else at_ms


_MOMENT: Final[JsonDict] = {
    "anyOf": [
        {"type": "string", "format": "date"},
        {"type": "string", "format": "date-time"},
        {"type": "integer", "minimum": 0},
    ]
}
StartField: TypeAlias = Annotated[
    int,
    BeforeValidator(_read_start),
    Field(description=f"Earliest bar: {TIME_ALLOWED}.", json_schema_extra=_MOMENT),
]
EndField: TypeAlias = Annotated[
    int,
    BeforeValidator(_read_end),
    Field(
        description="Bars that open before this; a date means its whole day.",
        json_schema_extra=_MOMENT,
    ),
]
IntervalField: TypeAlias = Annotated[
    Interval, BeforeValidator(read_interval), Field(description="Length of a bar, as stored.")
]
NumberField: TypeAlias = Annotated[
    float, Field(ge=-_NUMBER_MAX, le=_NUMBER_MAX, allow_inf_nan=False, strict=True)
]


def _read_detail(value: object) -> object:
    """An interval, or none."""
    return None if value is None else read_interval(value)


StepField: TypeAlias = Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False, strict=True)]
DetailField: TypeAlias = Annotated[Interval | None, BeforeValidator(_read_detail)]


class TierBody(BaseModel):
    """One margin tier; caps and deductions follow from the floors and rates."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    notional_floor: float = Field(
        description="Value of a position from which it holds, quote currency; 0 in the first.",
        ge=0,
        le=_NUMBER_MAX,
        allow_inf_nan=False,
        strict=True,
    )
    maintenance_rate: float = Field(
        description="Maintenance margin as a fraction of the value.", ge=0, lt=1, strict=True
    )
    leverage_max: float = Field(
        description="Highest leverage of a position in it.", ge=1, le=1_000, strict=True
    )


class ContractFields(BaseModel):
    """What the contract of a run demands; without these there is no rounding and no tier."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    margin_mode: MarginMode = Field(
        default=MarginMode.CROSS, description="What a liquidation may take."
    )
    tiers: Annotated[list[TierBody], Field(max_length=TIERS_MAX)] | Literal["shipped"] = Field(
        default_factory=list,
        description="Margin tiers, smallest positions first, or `shipped` for the dated copy that "
        "ships with the program (Binance's BTCUSDT). Without any, no position has a "
        "liquidation price.",
    )
    liquidation_fee_rate: float = Field(
        default=0.0,
        description="Further fee of a liquidation, a fraction of its value.",
        ge=0,
        le=0.1,
        strict=True,
    )
    quantity_step: StepField = Field(
        default=0.0, description="Quantities are cut to its multiples, base units; 0: not at all."
    )
    price_tick: StepField = Field(
        default=0.0, description="Stops and targets lie on its multiples, quote currency."
    )
    min_notional: StepField = Field(
        default=0.0, description="Smallest value of an order, quote currency; smaller are refused."
    )
    funding: FundingSource | None = Field(
        default=None,
        description="`stored`: the funding payments that are stored, at their times, and it fails "
        "where there are none; `none`: none; left out: those that are stored, if any.",
    )
    detail_interval: DetailField = Field(
        default=None,
        description="Length of smaller stored bars, which tell whether a bar reached its stop or "
        "its target first.",
    )


class RunFields(ContractFields):
    """What every job needs beside its strategy."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    parameters: dict[Annotated[str, Field(pattern=PARAMETER_NAME)], ParameterBody] = Field(
        default_factory=dict,
        description="Values by name; those that are not given have their defaults.",
        max_length=PARAMETERS_MAX,
    )
    symbol: str = Field(description="Symbol in any spelling.", min_length=1, max_length=192)
    exchange: str = Field(
        default=DEFAULT_EXCHANGE,
        description="Venue whose stored candles are read, and whose fees are taken.",
        min_length=1,
        max_length=32,
    )
    timeframe: IntervalField
    start_date: StartField
    end_date: EndField
    initial_capital: float = Field(
        default=10_000.0, description="Quote currency.", ge=1e-9, le=_NUMBER_MAX, strict=True
    )
    fee_rate: float | None = Field(
        default=None,
        description="Of every fill's value, a fraction; the venue's taker fee when left out.",
        ge=-0.01,
        le=0.1,
        strict=True,
    )
    slippage_rate: float = Field(
        default=0.0,
        description="By which orders that take fill worse, a fraction.",
        ge=0.0,
        le=0.1,
        strict=True,
    )
    fill: FillRule = Field(
        default=FillRule.NEXT_OPEN, description="When a decision at a close is filled."
    )
    leverage: float = Field(
        default=1.0, description="Notional over equity.", ge=1.0, le=200.0, strict=True
    )


class BacktestBody(RunFields):
    """One run, of a registered strategy or of a configured one."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra={"examples": [_RUN]})

    strategy: str | None = Field(
        default=None,
        description="Name of a registered strategy; or give `strategy_id`.",
        min_length=1,
        max_length=100,
    )
    strategy_id: str | None = Field(
        default=None,
        description="Of a configured strategy, whose parameters are taken; those given here win.",
        min_length=1,
        max_length=64,
        pattern=r"^[A-Za-z0-9_-]+$",
    )


class ParameterRangeBody(BaseModel):
    """The values of one parameter, evenly spaced."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(description="As the strategy declares it.", pattern=PARAMETER_NAME)
    start_value: NumberField = Field(description="First value.")
    end_value: NumberField = Field(description="Last value, included where a step meets it.")
    step: NumberField = Field(description="Distance of two values, above 0.")


Ranges: TypeAlias = Annotated[
    list[ParameterRangeBody],
    Field(description="The varied parameters.", min_length=1, max_length=RANGES_MAX),
]
ObjectiveField: TypeAlias = Annotated[
    str,
    Field(
        description="What is looked for; higher is better.",
        json_schema_extra={"enum": [*OBJECTIVES]},
    ),
]


class OptimiseBody(RunFields):
    """Many runs over the same bars, with other parameters each."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, json_schema_extra={"examples": [_SEARCH]}
    )

    strategy_name: str = Field(
        description="Name of a registered strategy.", min_length=1, max_length=100
    )
    parameter_ranges: Ranges
    method: str = Field(
        default="grid",
        description="How combinations are chosen.",
        json_schema_extra={"enum": [*METHODS]},
    )
    samples: int = Field(
        default=100,
        description="How many combinations, of `random` and `bayesian`.",
        ge=1,
        le=COMBINATIONS_MAX,
        strict=True,
    )
    seed: int = Field(default=0, description="Of what is drawn.", ge=0, le=2**31 - 1, strict=True)
    objective: ObjectiveField = "sharpe"


class WalkForwardBody(RunFields):
    """The best parameters of one stretch of time, run over the next, again and again."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [{**_SEARCH, "in_sample_period_days": 90, "out_of_sample_period_days": 30}]
        },
    )

    strategy_name: str = Field(
        description="Name of a registered strategy.", min_length=1, max_length=100
    )
    parameter_ranges: Ranges
    in_sample_period_days: int = Field(
        description="Length of the stretch that is searched.", ge=1, le=3_650, strict=True
    )
    out_of_sample_period_days: int = Field(
        description="Length of the stretch that is run with what was found.",
        ge=1,
        le=3_650,
        strict=True,
    )
    num_folds: int | None = Field(
        default=None,
        description="How many; as many as the dates have when left out.",
        ge=1,
        le=FOLDS_MAX,
        strict=True,
    )
    embargo_days: float = Field(
        default=0.0,
        description="Days left out between the two stretches.",
        ge=0,
        le=365,
        strict=True,
    )
    objective: ObjectiveField = "sharpe"
