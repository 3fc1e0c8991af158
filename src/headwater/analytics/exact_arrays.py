"""Exact sums of many floats in groups: `exact_sums` for whole columns of numbers.

A sum in units of 2^−64 does not fit a machine word. It is kept as three words a group: whole ones,
2^−32 and 2^−64; each takes millions of numbers before it has to carry. Numbers that are negative
or have no place in that (2^52 and more) are summed one by one by `exact_sums`; no market has them.
So the sums are, to the last digit, those of `units_of` and `value_of`.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from headwater.analytics.arrays import FloatArray, IndexArray
from headwater.analytics.exact_sums import units_of, value_of

WordArray = npt.NDArray[np.uint64]
"""Machine words without a sign: the fractions of sums, in units of 2^−64."""

_WORD: Final = np.int64(32)
_LOW_BITS: Final = np.int64(0xFFFF_FFFF)
_TWO_32: Final = 2.0**32
_NUMBER_MAX: Final = 2.0**52
_TOTAL_MAX: Final = 2.0**62

# Each adds up to 2^32 to a word that holds 2^63.
_UNCARRIED_MAX: Final = 2**29


class UnitSums:
    """Exact running sums, one for each group.

    Args:
        groups: how many; they are numbered from 0.
    """

    def __init__(self, groups: int) -> None:
        self._whole = np.zeros(groups, np.int64)
        self._middle = np.zeros(groups, np.int64)
        self._low = np.zeros(groups, np.int64)
        self._odd: dict[int, int] = {}
        self._total = 0.0
        self._uncarried = 0

    @property
    def is_plain(self) -> bool:
        """Whether `whole` and `fraction` are the sums: no number was negative or too large."""
        return not self._odd

    @property
    def whole(self) -> IndexArray:
        """Whole part of each sum; shape (groups,)."""
        self._carry()
        return self._whole

    @property
    def fraction(self) -> WordArray:
        """Rest of each sum in units of 2^−64; shape (groups,)."""
        self._carry()
        words: WordArray = (self._middle.astype(np.uint64) << np.uint64(32)) | self._low.astype(
            np.uint64
        )
        return words

    @property
    def odd(self) -> Mapping[int, int]:
        """By group, units of 2^−64 that are not in `whole` and `fraction`."""
        return self._odd

    def add(self, groups: IndexArray, values: FloatArray) -> None:
        """Adds numbers to their groups.

        Args:
            groups: number of each value's group; shape (n,).
            values: finite; shape (n,).

        Raises:
            ValueError: a value is NaN or infinite.
        """
        if not np.isfinite(values).all():
            raise ValueError("a number is not finite")
        plain = (values >= 0.0) & (values < _NUMBER_MAX)
        total = self._total + float(values[plain].sum())
        if total >= _TOTAL_MAX:
            plain[:] = False
        else:
            self._total = total
        if not plain.all():
            for group, value in zip(groups[~plain].tolist(), values[~plain].tolist(), strict=True):
                self._odd[group] = self._odd.get(group, 0) + units_of(value)
            groups, values = groups[plain], values[plain]
        whole = np.floor(values)
        rest = (values - whole) * _TWO_32
        middle = np.floor(rest)
        # Half a unit is rounded to the even one, as `units_of` does.
        low = np.rint((rest - middle) * _TWO_32)
        np.add.at(self._whole, groups, whole.astype(np.int64))
        np.add.at(self._middle, groups, middle.astype(np.int64))
        np.add.at(self._low, groups, low.astype(np.int64))
        self._added(len(groups))

    def add_sums(self, groups: IndexArray, whole: IndexArray, fraction: WordArray) -> None:
        """Adds sums that were made before.

        Args:
            groups: number of each sum's group; shape (n,).
            whole: their whole parts, ≥ 0; shape (n,).
            fraction: the rest in units of 2^−64; shape (n,).
        """
        total = self._total + float(whole.sum(dtype=np.float64)) + len(whole)
        if total >= _TOTAL_MAX:
            parts = zip(groups.tolist(), whole.tolist(), fraction.tolist(), strict=True)
            for group, high, low in parts:
                self._odd[group] = self._odd.get(group, 0) + (high << 64) + low
            return
        self._total = total
        np.add.at(self._whole, groups, whole)
        np.add.at(self._middle, groups, (fraction >> np.uint64(32)).astype(np.int64))
        np.add.at(self._low, groups, (fraction & np.uint64(0xFFFF_FFFF)).astype(np.int64))
        self._added(len(groups))

    def add_all(self, groups: IndexArray, other: "UnitSums") -> None:
        """Adds the sums of another object.

        Args:
            groups: the group here of each group there; shape (groups there,).
            other: the sums.
        """
        self.add_sums(groups, other.whole, other.fraction)
        for group, units in other.odd.items():
            into = int(groups[group])
            self._odd[into] = self._odd.get(into, 0) + units

    def values(self) -> FloatArray:
        """The floats nearest to the sums; shape (groups,)."""
        found = _nearest(self.whole, self.fraction)
        for group, units in self._odd.items():
            plain = (int(self._whole[group]) << 64) + int(self.fraction[group])
            found[group] = value_of(plain + units)
        return found

    def _added(self, count: int) -> None:
        """Lets the lower words grow for as long as they can."""
        self._uncarried += count
        if self._uncarried > _UNCARRIED_MAX:
            self._carry()

    def _carry(self) -> None:
        """Brings the lower words back below 2^32."""
        if not self._uncarried:
            return
        self._uncarried = 0
        self._middle += self._low >> _WORD
        self._low &= _LOW_BITS
        self._whole += self._middle >> _WORD
        self._middle &= _LOW_BITS


def _nearest(whole: IndexArray, fraction: WordArray) -> FloatArray:
    """The floats nearest to whole + fraction × 2^−64, ties to even; whole parts ≥ 0.

    The upper 64 bits of the sum are made one word whose last bit also says whether anything was
    cut off; the processor rounds that word to a float just as it would have rounded all of it.
    """
    bits: npt.NDArray[Any] = np.frexp(whole.astype(np.float64))[1].astype(np.uint64)
    high = whole.astype(np.uint64)
    # A shift by 64 is not defined: sums below one have their fraction for upper bits.
    safe = np.maximum(bits, np.uint64(1))
    upper = (high << (np.uint64(64) - safe)) | (fraction >> safe)
    cut = (fraction & ((np.uint64(1) << safe) - np.uint64(1))) != 0
    upper |= cut.astype(np.uint64)
    small = bits == 0
    mantissa = np.where(small, fraction, upper).astype(np.float64)
    exponent = np.where(small, 0, bits.astype(np.int64)) - 64
    nearest: FloatArray = np.ldexp(mantissa, exponent.astype(np.int32))
    return nearest
