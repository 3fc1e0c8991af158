"""The kinds of array that the analytics compute with; each use says its axes and units."""

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
"""Numbers of double precision."""

IndexArray = npt.NDArray[np.int64]
"""Whole numbers: positions, counts."""

BoolArray = npt.NDArray[np.bool_]
"""Yes or no."""
