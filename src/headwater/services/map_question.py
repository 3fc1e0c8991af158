"""What is asked of the liquidation maps, and what they answer with."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

import msgspec

from headwater.analytics.arrays import FloatArray, IndexArray
from headwater.analytics.leverage_weights import LeverageClass
from headwater.analytics.price_buckets import PriceBuckets, PriceGrid
from headwater.core.enums import PositionSide
from headwater.core.intervals import Interval
from headwater.core.margin_tiers import MarginTiers


class MapModel(StrEnum):
    """How a map is made. None of them is blended with what was really liquidated."""

    ESTIMATED = "estimated"
    EMPIRICAL = "empirical"
    OBSERVED = "observed"
    B0 = "b0"
    B1 = "b1"
    B2 = "b2"
    B3 = "b3"
    B4 = "b4"


class MapQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """Which map.

    Attributes:
        symbol: canonical symbol.
        exchanges: venue ids, the map is the sum over them.
        model: how it is made.
        interval: length of a bar.
        start_ms: in the first bar that is shown.
        end_ms: bars open before this.
        classes: leverages with weights that add up to 1.
        buckets: of the price; None to choose their height from the price.
    """

    symbol: str
    exchanges: tuple[str, ...]
    model: MapModel
    interval: Interval
    start_ms: int
    end_ms: int
    classes: tuple[LeverageClass, ...]
    buckets: PriceBuckets | None = None


class VenueCoverage(msgspec.Struct, frozen=True, kw_only=True):
    """How much of what the model needs one venue told; shares are 0 … 1 of the shown span.

    Attributes:
        exchange: venue id.
        bars: share of the bars with a price of their own.
        marks: share of the steps of the path with a mark price: the others consume nothing.
        open_interest: share of the bars with a reading.
        known_positions: notional of positions that are known one by one, over open interest; of
            the observed map only, else None.
        tiers: where the maintenance rates come from; None where the model uses none.
        leverages_left_out: leverages asked for that the venue does not offer.
        reason: why the venue is not in the map; empty when it is.
    """

    exchange: str
    bars: float
    marks: float
    open_interest: float
    known_positions: float | None = None
    tiers: str | None = None
    leverages_left_out: tuple[float, ...] = ()
    reason: str = ""

    @property
    def is_unreached(self) -> bool:
        """Whether the venue could not be asked just now."""
        return self.reason.startswith(UNREACHED)


class LiquidationMap(msgspec.Struct, frozen=True, kw_only=True):
    """A map of price by time: N closed bars, oldest first, over a grid of B buckets.

    Attributes:
        question: what was asked.
        version: of the model.
        step: length of a step of the path of a bar.
        model_start_ms: opening of the first bar that the model saw.
        grid: price axis; None when nothing is known: then N is 0.
        opened_ms: shape (N,): start of each bar, ms since the epoch, UTC.
        price: shape (N,): mark price at its end on the first venue that has one, quote currency.
        held: shape (N, 2, B): longs first; USD, or shares of 1 a side for a baseline.
        created_usd: shape (N,): positions opened in the bar, both sides; 0 for a baseline.
        consumed_usd: shape (N,): positions reached by the mark price in the bar, both sides.
        is_share: whether `held` are shares.
        coverage: of each venue.
    """

    question: MapQuestion
    version: int
    step: Interval
    model_start_ms: int
    grid: PriceGrid | None
    opened_ms: IndexArray
    price: FloatArray
    held: FloatArray
    created_usd: FloatArray
    consumed_usd: FloatArray
    is_share: bool
    coverage: tuple[VenueCoverage, ...]

    def __len__(self) -> int:
        """How many columns."""
        return len(self.opened_ms)

    @property
    def is_partial(self) -> bool:
        """Whether a venue could not be asked just now, so that asking again may tell more."""
        return any(one.is_unreached for one in self.coverage)


UNREACHED = "not reached"
"""How the reason of a venue begins that could not be asked."""


class MapLevel(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One bucket of the price.

    Attributes:
        price: lower edge of the bucket, quote currency.
        long_usd: longs that would be liquidated in it, USD.
        short_usd: shorts that would be liquidated in it, USD.
    """

    price: float
    long_usd: float
    short_usd: float


class NewestMap(msgspec.Struct, frozen=True, kw_only=True):
    """The estimated map at the end of the newest closed bar.

    Attributes:
        symbol: canonical symbol.
        timestamp_ms: end of the bar.
        levels: buckets that are not empty, ascending by price.
        current_price: mark price at the end of the bar, quote currency.
        positions_created_usd: opened in the bar, both sides.
        positions_consumed_usd: reached by the mark price in it, both sides.
    """

    symbol: str
    timestamp_ms: int
    levels: tuple[MapLevel, ...]
    current_price: float
    positions_created_usd: float
    positions_consumed_usd: float


class KnownPosition(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An open position that is known by itself.

    Attributes:
        side: of the position.
        quantity: base units, > 0.
        liquidation_price: as the venue says, quote currency; None where no price liquidates it:
            then it counts in the coverage and has no place on the map.
        notional_usd: its value at the mark price, USD.
    """

    side: PositionSide
    quantity: float
    liquidation_price: float | None
    notional_usd: float

    @property
    def liquidation_usd(self) -> float:
        """Its value at the price that liquidates it, USD; 0 without one."""
        return self.quantity * (self.liquidation_price or 0.0)


class KnownPositions(Protocol):
    """Where single positions are known, such as those of public wallets."""

    async def at(self, exchange: str, symbol: str, moment_ms: int) -> Sequence[KnownPosition]:
        """Positions that were open at a moment; empty for none known.

        Args:
            exchange: venue id.
            symbol: canonical symbol.
            moment_ms: ms since the epoch, UTC.
        """
        ...


class TierSource(Protocol):
    """Where margin tiers come from."""

    async def margin_tiers(self, exchange: str, symbol: str) -> MarginTiers | None:
        """The tiers of a contract; None where the venue publishes none of it.

        Raises:
            PlatformError: the venue cannot be asked now, or does not list the symbol.
        """
        ...
