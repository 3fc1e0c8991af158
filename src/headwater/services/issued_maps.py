"""The maps that are written down as forecasts: each model's newest column at a time of issue.

A map is asked for up to the time of issue and no further; what a column shows is a function of
closed bars before its end (`liquidation_maps`). A model of which nothing is known, such as the
observed map without known wallets, is not issued: an empty map is no forecast.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal
from typing import Final

import msgspec
import numpy as np

from headwater.analytics.leverage_weights import leverage_classes
from headwater.analytics.price_buckets import PriceBuckets, nice_width
from headwater.analytics.price_map import PriceMap
from headwater.core.errors import RequestError
from headwater.core.intervals import Interval
from headwater.services.forecasts import IssuedMap
from headwater.services.map_question import LiquidationMap, MapModel, MapQuestion

ALL: Final = "all"
"""Name of the set of all venues."""
BAR: Final = Interval.M15
"""Bar whose end is the time of issue, which must be a multiple of it."""

BUCKET_SHARE: Final = 0.001
"""Height of a price bucket as a share of the price, at least: the narrower cell of the score."""
_SMALLEST_TICK: Final = Decimal("1e-8")

MODELS: Final = (MapModel.B0, *(model for model in MapModel if model is not MapModel.B0))
"""Every model; B0 first, which takes least to make: its map tells the price."""

MakeMap = Callable[[MapQuestion], Awaitable[LiquidationMap]]
"""Makes a map of a span."""


class _Parameters(msgspec.Struct, frozen=True, kw_only=True):
    """What a row keeps of how its map was made, as JSON.

    Attributes:
        interval: length of a bar.
        step: length of a step of the price's path.
        model_start_ms: first bar that the model saw.
        bin_size: height of a price bucket, quote currency.
        leverages: leverage, weight and half-life in ms of each class.
        venues: that are in the map.
        left_out: reason by venue.
        open_interest: share of bars with a reading, by venue.
    """

    interval: str
    step: str
    model_start_ms: int
    bin_size: float
    leverages: tuple[tuple[float, float, float], ...]
    venues: tuple[str, ...]
    left_out: dict[str, str]
    open_interest: dict[str, float]


class IssuedMaps:
    """Gives the maps of a symbol at a time of issue; a `services.forecasts.MapsAt`.

    Args:
        make: makes maps.
        venue_sets: venue ids by the name of their set, which stands in the forecasts.
        models: which models.
    """

    def __init__(
        self,
        make: MakeMap,
        venue_sets: Mapping[str, tuple[str, ...]],
        models: Sequence[MapModel] = MODELS,
    ) -> None:
        self._make = make
        self._venue_sets = venue_sets
        self._models = tuple(models)

    async def __call__(self, symbol: str, issued_ms: int) -> Sequence[IssuedMap]:
        """All models' maps as they are at the end of the bar before the time of issue.

        Raises:
            RequestError: the time is not the end of a bar, or a question cannot be answered.
            StorageError: the database does not answer.
        """
        if BAR.opens_at_ms(issued_ms) != issued_ms:
            raise RequestError("issued_ms", issued_ms, f"the end of a bar of {BAR.value}")
        found: list[IssuedMap] = []
        for name, exchanges in self._venue_sets.items():
            buckets: PriceBuckets | None = None
            for model in self._models:
                made = await self._fine(_question_of(symbol, exchanges, model, issued_ms), buckets)
                issued = issued_of(made, name, issued_ms)
                if issued is None:
                    continue
                if buckets is None:
                    buckets = _fine_buckets(issued.price)
                    finer = await self._fine(made.question, buckets)
                    issued = issued_of(finer, name, issued_ms) or issued
                found.append(issued)
        return found

    async def _fine(self, question: MapQuestion, buckets: PriceBuckets | None) -> LiquidationMap:
        """The map in these buckets, or in the model's own where a grid of these is too long."""
        if buckets is not None:
            try:
                return await self._make(msgspec.structs.replace(question, buckets=buckets))
            except RequestError as error:
                if error.field != "price_bin_size":
                    raise
        return await self._make(question)


def _question_of(
    symbol: str, exchanges: tuple[str, ...], model: MapModel, issued_ms: int
) -> MapQuestion:
    return MapQuestion(
        symbol=symbol,
        exchanges=exchanges,
        model=model,
        interval=BAR,
        start_ms=issued_ms - BAR.nominal_ms,
        end_ms=issued_ms,
        classes=leverage_classes(),
    )


def _fine_buckets(price: float) -> PriceBuckets:
    """Buckets of about one cell of the score, known once a map has told the price."""
    return PriceBuckets.of_width(nice_width(_SMALLEST_TICK, price * BUCKET_SHARE))


def issued_of(made: LiquidationMap, venues: str, issued_ms: int) -> IssuedMap | None:
    """The last column of a map; None when it does not end at the time of issue, or is empty.

    Args:
        made: the map.
        venues: name of the set of its venues.
        issued_ms: time of issue, ms since the epoch.
    """
    grid = made.grid
    if grid is None or not len(made):
        return None
    if BAR.closes_at_ms(int(made.opened_ms[-1])) != issued_ms:
        return None
    price, (long, short) = float(made.price[-1]), made.held[-1]
    if not 0.0 < price < np.inf or not (long.any() or short.any()):
        return None
    return IssuedMap(
        model=made.question.model.value,
        version=str(made.version),
        parameters=msgspec.json.encode(_parameters_of(made, grid.buckets.width)).decode(),
        exchange=venues,
        price=price,
        map=PriceMap.of(grid, long, short),
    )


def _parameters_of(made: LiquidationMap, bin_size: float) -> _Parameters:
    present = [one for one in made.coverage if not one.reason]
    return _Parameters(
        interval=made.question.interval.value,
        step=made.step.value,
        model_start_ms=made.model_start_ms,
        bin_size=bin_size,
        leverages=tuple(
            (one.leverage, one.weight, one.half_life_ms) for one in made.question.classes
        ),
        venues=tuple(one.exchange for one in present),
        left_out={one.exchange: one.reason for one in made.coverage if one.reason},
        open_interest={one.exchange: one.open_interest for one in present},
    )
