"""Garbage collection while a long run writes down what happens, and after it.

A run over events makes hundreds of thousands of small records that live to its end, and no cycles.
Python's collector looks at all young objects every 700 (3.11) to 2,000 of them: a fifth of the time
of a run that replaces its quotes each second. During a run it looks every 500,000.

It also looks at each value of a list, and the columns that callbacks are shown have millions: the
first that makes some thousand records of a result would pay for them, twice. What has come to stay
is therefore counted as old at the end of a run.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

__all__ = ["YOUNG_MAX", "age", "collecting_rarely"]

YOUNG_MAX: Final = 500_000
"""Young objects at which the collector looks during a run; what a strategy drops in cycles waits
for it: small objects come to a hundred megabytes or two."""


_MANY: Final = 10_000
"""Young objects of a run from which it is worth the trouble: to see how many objects are frozen is
to count them, and whoever has frozen a platform waits for that a hundredth of a second."""

_AGED_MAX: Final = 4_000_000
"""Values that come of age before the collector looks at all: a whole look costs some hundredths of
a second, so much of what they cost to make that nobody sees it. Cycles of some ten bytes a value
come to two hundred megabytes in the meantime."""

_FROZEN_BY_PYTHON: Final = 2_000
"""Frozen objects that need not be somebody's wish: Python 3.12 begins with some hundred. Whoever
freezes a process with the platform in it has tens of thousands."""


@contextmanager
def collecting_rarely() -> Iterator[None]:
    """The collector looks less often until the block ends; a larger setting of others stays.

    The setting is the process's: of two runs at once in threads the one that found it small sets it
    back, so that it is never left large; the other one may go on with the small one.
    """
    former, before = gc.get_threshold(), gc.get_count()[0]
    is_ours = 0 < former[0] < YOUNG_MAX
    if is_ours:
        gc.set_threshold(YOUNG_MAX, *former[1:])
    try:
        yield
    finally:
        if gc.get_count()[0] - before >= _MANY:
            age(gc.get_count()[0])
        if is_ours:
            gc.set_threshold(*former)


class _Aged:
    """How many values have come of age since the last whole look: of the process, as the collector.

    Attributes:
        values: about how many.
    """

    __slots__ = ("values",)

    def __init__(self) -> None:
        self.values = 0


_aged: Final = _Aged()


def age(values: int) -> None:
    """Counts everything young as old, mostly without a look at it: most of it has come to stay.

    Else the next records that somebody makes would have all of it looked at. Whoever has frozen
    objects (before a fork) would find them thawed: then that look is taken. They are counted one
    by one, so little that is young and small is left to the collector.

    What is dropped in cycles is old by then too, and this very call sets back the counts by which
    Python decides to look at the old: a process of many runs would keep it for ever. So there is a
    whole look after `_AGED_MAX` values, unless somebody has switched the collector off.

    Args:
        values: about how many the young objects hold, > 0.
    """
    if gc.get_freeze_count() > _FROZEN_BY_PYTHON:
        return
    _aged.values += values
    if _aged.values >= _AGED_MAX and gc.isenabled():
        _aged.values = 0
        gc.collect()
        return
    gc.freeze()
    gc.unfreeze()
