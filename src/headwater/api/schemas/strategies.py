"""Views and body of configured strategies (requirement C-R4)."""

from typing import Annotated, Any, Final, TypeAlias

import msgspec
from msgspec import Meta
from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from headwater.api.schemas.base import IsoTime, View, iso_of
from headwater.backtest.strategy_catalogue import AvailableStrategy
from headwater.services.strategies import (
    DESCRIPTION_CHARS_MAX,
    NAME_CHARS,
    PARAMETERS_MAX,
    StrategyWish,
)
from headwater.storage.strategies import StrategyVersion

Count = Annotated[int, Meta(ge=0)]
ParameterBody: TypeAlias = Annotated[str, Field(max_length=200)] | bool | int | float | None
"""A parameter as JSON has it; text is read as the command line reads it."""

PARAMETER_NAME: Final = r"^[A-Za-z_][A-Za-z0-9_]{0,63}$"

_EXAMPLE: Final[JsonDict] = {
    "name": "BTC hourly cross",
    "description": "The slow one.",
    "strategy": "sma_cross",
    "parameters": {"fast": "10", "slow": "30"},
}


class StrategyBody(BaseModel):
    """A strategy as it is to be: a registered class with its parameters under a name."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, json_schema_extra={"examples": [_EXAMPLE]}
    )

    name: str = Field(
        description="Of no other strategy.", min_length=NAME_CHARS[0], max_length=NAME_CHARS[1]
    )
    strategy: str = Field(
        description="Name of the class; see `/api/v1/strategies/available`.",
        min_length=1,
        max_length=100,
    )
    description: str = Field(
        default="", description="In your words.", max_length=DESCRIPTION_CHARS_MAX
    )
    parameters: dict[Annotated[str, Field(pattern=PARAMETER_NAME)], ParameterBody] = Field(
        default_factory=dict,
        description="Values by name; those that are not given have their defaults.",
        max_length=PARAMETERS_MAX,
    )
    is_active: bool = Field(
        default=False, strict=True, description="Whether it may be used by what trades."
    )
    version: int | None = Field(
        default=None,
        ge=1,
        le=2**31,
        strict=True,
        description="Of a change: the version that you have seen; another one is refused (409).",
    )

    def wish(self) -> StrategyWish:
        """What is wished, without the version."""
        return StrategyWish(
            name=self.name,
            description=self.description,
            class_name=self.strategy,
            parameters=dict(self.parameters),
            is_active=self.is_active,
        )


class StrategyView(View, frozen=True, kw_only=True):
    """A configured strategy as it is, or was after one of its changes.

    Attributes:
        id: chosen by the platform.
        version: from 1, one more with every change.
        name: chosen by its owner.
        description: in the owner's words.
        strategy: name of its class.
        parameters: values by name; those that are not there have their defaults.
        is_active: whether it may be used by what trades.
        is_deleted: whether this version took it away.
        created_at: when its first version was made.
        updated_at: when this version was made.
    """

    id: str
    version: Annotated[int, Meta(ge=1)]
    name: str
    description: str
    strategy: str
    parameters: dict[str, str | int | float | bool | None]
    is_active: bool
    is_deleted: bool
    created_at: IsoTime
    updated_at: IsoTime


class StrategiesView(View, frozen=True, kw_only=True):
    """Configured strategies, by the time they were made.

    Attributes:
        count: how many.
        strategies: each as it is now.
    """

    count: Count
    strategies: tuple[StrategyView, ...]


class StrategyVersionsView(View, frozen=True, kw_only=True):
    """The history of a strategy.

    Attributes:
        id: of the strategy.
        count: how many versions are shown, at most 500.
        versions: the newest first.
    """

    id: str
    count: Count
    versions: tuple[StrategyView, ...]


class AvailableParameterView(View, frozen=True, kw_only=True):
    """A parameter that a strategy takes.

    Attributes:
        type: `integer`, `number`, `string` or `boolean`.
        default: its value when it is not given.
        min: least value; null where there is none.
        max: greatest value; null where there is none.
        options: the words it can be; empty where it can be any.
        description: what it does.
    """

    type: str
    default: str | int | float | bool | None
    min: float | None
    max: float | None
    options: tuple[str, ...]
    description: str


class AvailableStrategyView(View, frozen=True, kw_only=True):
    """A strategy that can be named.

    Attributes:
        name: what it is called.
        description: what it does.
        form: `signals`, `callbacks` or `events`.
        source: `registered`, or `file` for the operator's own.
        parameters: by name.
    """

    name: str
    description: str
    form: str
    source: str
    parameters: dict[str, AvailableParameterView]


class AvailableStrategiesView(View, frozen=True, kw_only=True):
    """Every strategy that can be named.

    Attributes:
        count: how many.
        strategies: by their names.
    """

    count: Count
    strategies: tuple[AvailableStrategyView, ...]


def strategy_view(one: StrategyVersion) -> StrategyView:
    """One version."""
    return StrategyView(
        id=one.strategy_id,
        version=one.version,
        name=one.name,
        description=one.description,
        strategy=one.class_name,
        parameters=msgspec.json.decode(one.parameters),
        is_active=one.is_active,
        is_deleted=one.is_deleted,
        created_at=iso_of(one.created_ms),
        updated_at=iso_of(one.saved_ms),
    )


def available_view(one: AvailableStrategy) -> AvailableStrategyView:
    """One strategy that can be named."""
    return AvailableStrategyView(
        name=one.name,
        description=one.description,
        form=one.form,
        source=one.source,
        parameters={name: _parameter_view(told) for name, told in one.parameters.items()},
    )


def _parameter_view(told: dict[str, Any]) -> AvailableParameterView:
    return AvailableParameterView(
        type=told["type"],
        default=told["default"],
        min=told.get("min"),
        max=told.get("max"),
        options=tuple(told.get("options", ())),
        description=told["description"],
    )
