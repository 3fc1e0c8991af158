"""Five classes of heat, on a scale that no zoom changes.

A map coloured by what is in sight shows one level in another colour after each move of the window,
and repaints its past when a larger level comes into it. Here a cell is held against the open
interest of its own bar: its class depends on that bar alone. The steps are a convention; each is
about three times the one before.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from headwater.analytics.arrays import FloatArray

CLASS_SHARES: Final = (0.0001, 0.0003, 0.001, 0.003, 0.01)
"""Least share of open interest in one cell for the classes 1 … 5; class 0 is below the first."""


def heat_classes(amounts_usd: FloatArray, open_interest_usd: float) -> npt.NDArray[np.uint8]:
    """Class of each cell of one column.

    Args:
        amounts_usd: of one side, or of both added up; any shape, USD, ≥ 0.
        open_interest_usd: of the same bar, > 0.

    Returns:
        0 … 5 in the same shape; an amount at a step has the class above it.

    Raises:
        ValueError: open interest that is not positive.
    """
    if not open_interest_usd > 0.0:
        raise ValueError(f"open_interest_usd={open_interest_usd}: must be > 0")
    return (
        thresholds_usd(open_interest_usd).searchsorted(amounts_usd, side="right").astype(np.uint8)
    )


def thresholds_usd(open_interest_usd: float) -> FloatArray:
    """Least USD of the classes 1 … 5 for a legend, ascending."""
    steps: FloatArray = np.array(CLASS_SHARES) * open_interest_usd
    return steps
