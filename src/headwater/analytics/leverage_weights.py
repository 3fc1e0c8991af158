"""Leverage classes of the estimated map: which ones, what share each has, how fast each fades.

The default shares are a convention that open tools repeat; nobody has shown evidence for them.
The half-lives follow the thought that a position of high leverage does not live long. Both are
parameters and are told with every answer.
"""

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

import msgspec

_DAY_MS: Final = 86_400_000
LEVERAGE_TIERS: Final = (5, 10, 25, 50, 100)
"""Leverages that a request may weigh."""
DEFAULT_WEIGHTS: Final[Mapping[int, float]] = MappingProxyType(
    {5: 0.15, 10: 0.30, 25: 0.25, 50: 0.20, 100: 0.10}
)
"""Share of new open interest in each class; a convention, see the module."""
DEFAULT_HALF_LIVES_MS: Final[Mapping[int, float]] = MappingProxyType(
    {5: 30.0 * _DAY_MS, 10: 14.0 * _DAY_MS, 25: 5.0 * _DAY_MS, 50: 2.0 * _DAY_MS, 100: _DAY_MS}
)
"""Time after which half of a class has gone by itself, ms."""


class LeverageClass(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Positions of one leverage.

    Attributes:
        leverage: entry notional over initial margin, ≥ 1.
        weight: share of new open interest, 0 … 1; the weights of a model add up to 1.
        half_life_ms: time after which half of it has gone by itself, > 0; infinite for never.
    """

    leverage: float
    weight: float
    half_life_ms: float


def leverage_classes(
    weights: Mapping[int, float] = DEFAULT_WEIGHTS,
    half_lives_ms: Mapping[int, float] = DEFAULT_HALF_LIVES_MS,
) -> tuple[LeverageClass, ...]:
    """Classes with weights normalised to 1, ascending by leverage; those of weight 0 are left out.

    Args:
        weights: by leverage, one of `LEVERAGE_TIERS`; ≥ 0, not all zero.
        half_lives_ms: by leverage, > 0.

    Raises:
        ValueError: an unknown leverage, a weight that is negative or not finite, weights that
            are all zero, or a class without a positive half-life.
    """
    for leverage, weight in weights.items():
        if leverage not in LEVERAGE_TIERS:
            raise ValueError(f"leverage {leverage}: must be one of {list(LEVERAGE_TIERS)}")
        if not (math.isfinite(weight) and weight >= 0.0):
            raise ValueError(f"weight {weight} of {leverage}: must be finite and ≥ 0")
        half_life_ms = half_lives_ms.get(leverage, 0.0)
        if not half_life_ms > 0.0:
            raise ValueError(f"half-life {half_life_ms} ms of {leverage}: must be > 0")
    largest = max(weights.values(), default=0.0)
    if largest <= 0.0:
        raise ValueError("leverage weights: at least one must be greater than 0")
    # Divided by the largest first: neither huge nor tiny weights leave the range of a float.
    scaled = {leverage: weight / largest for leverage, weight in weights.items()}
    total = math.fsum(scaled.values())
    return tuple(
        LeverageClass(
            leverage=float(leverage),
            weight=scaled[leverage] / total,
            half_life_ms=half_lives_ms[leverage],
        )
        for leverage in sorted(scaled)
        if scaled[leverage] > 0.0
    )


def parse_leverage_weights(text: str) -> tuple[LeverageClass, ...]:
    """Reads `leverage:weight` pairs with commas between: `5:15,10:30,25:25,50:20,100:10`.

    Args:
        text: as people write it; blanks around numbers do not matter; a leverage that is left out
            has no weight.

    Returns:
        As `leverage_classes`, with the default half-lives.

    Raises:
        ValueError: no such pairs, a leverage named twice, or what `leverage_classes` refuses.
    """
    weights: dict[int, float] = {}
    for pair in text.split(","):
        leverage_text, colon, weight_text = pair.partition(":")
        try:
            leverage, weight = int(leverage_text), float(weight_text)
        except ValueError as error:
            raise ValueError(f"{pair[:40]!r}: must be leverage:weight") from error
        if not colon or leverage in weights:
            raise ValueError(f"{pair[:40]!r}: each leverage once, as leverage:weight")
        weights[leverage] = weight
    return leverage_classes(weights)


def weights_text(classes: Sequence[LeverageClass]) -> str:
    """The classes as `parse_leverage_weights` reads them, weights as shares of 1."""
    return ",".join(f"{one.leverage:g}:{one.weight:.6g}" for one in classes)
