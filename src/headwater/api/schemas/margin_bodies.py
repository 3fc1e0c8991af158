"""Bodies of the margin routes: one position, or several (requirement L-R16).

Read strictly: numbers are JSON numbers, finite and above 0, and a field that is not known is
refused, so that a misspelt one is never silently without effect.
"""

from typing import Annotated, Final, TypeAlias

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from headwater.analytics.position_margin import MarginQuestion
from headwater.core.enums import PositionSide

BATCH_MAX: Final = 100
"""Positions in one batch; a longer one is refused whole."""
AMOUNT_MAX: Final = 1e15
"""No market has such a price, size or notional."""
LEVERAGE_MAX: Final = 1000.0
FEE_RATE_MAX: Final = 0.01

Amount: TypeAlias = Annotated[
    float, Field(ge=1e-12, le=AMOUNT_MAX, allow_inf_nan=False, strict=True)
]

_EXAMPLE: Final[JsonDict] = {
    "symbol": "BTCUSDT",
    "entry_price": 60000,
    "position_size": 0.5,
    "leverage": 20,
    "side": "long",
    "include_tier_details": True,
}


class MarginBody(BaseModel):
    """One position: its `notional`, or `entry_price` with `position_size`.

    With `leverage` the initial margin is answered too; with `side`, `leverage` and `entry_price`
    the liquidation price. Isolated margin, one position.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={"examples": [_EXAMPLE, {"symbol": "BTC", "notional": 250000}]},
    )

    symbol: str = Field(description="Symbol in any spelling.", min_length=1, max_length=192)
    exchange: str | None = Field(
        default=None,
        description="Venue id; the first connected one when left out.",
        min_length=1,
        max_length=32,
    )
    notional: Amount | None = Field(default=None, description="Quote currency.")
    entry_price: Amount | None = Field(default=None, description="Quote currency per base unit.")
    position_size: Amount | None = Field(default=None, description="Base units.")
    leverage: float | None = Field(
        default=None,
        description="Entry notional over margin; at most what the tier allows.",
        ge=1.0,
        le=LEVERAGE_MAX,
        strict=True,
        allow_inf_nan=False,
    )
    side: PositionSide | None = Field(default=None, description="For a liquidation price.")
    taker_fee_rate: float = Field(
        default=0.0,
        description="A fraction; counts on venues that demand the fee with the maintenance.",
        ge=0.0,
        le=FEE_RATE_MAX,
        strict=True,
        allow_inf_nan=False,
    )
    include_tier_details: bool = Field(
        default=False, strict=True, description="Add the whole tier."
    )
    include_display: bool = Field(
        default=False, strict=True, description="Add the numbers as text."
    )

    def question(self) -> MarginQuestion:
        """The position without where it is."""
        return MarginQuestion(
            notional=self.notional,
            entry_price=self.entry_price,
            position_size=self.position_size,
            leverage=self.leverage,
            side=self.side,
            taker_fee_rate=self.taker_fee_rate,
        )


class MarginBatchBody(BaseModel):
    """Several positions, each answered or refused by itself."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, json_schema_extra={"examples": [{"calculations": [_EXAMPLE]}]}
    )

    calculations: list[MarginBody] = Field(min_length=1, max_length=BATCH_MAX)
