"""Maps that must fail, and one that must not: what shows that the score itself can be trusted.

Three negative controls keep something of the map and destroy what it could know:

- *shifted*: the map of another day, moved along with the price. It keeps the shape over distance.
- *swapped*: longs and shorts exchanged. It keeps time, size and distance.
- *random lines*: the same masses at random cells of their side. It keeps how peaked a map is.

Each must earn nothing. The positive control is a map drawn after the event, of what was realised:
it must earn nearly all there is. A score that fails one of the four proves nothing about a model.
"""

from collections.abc import Sequence

import msgspec
import numpy as np

from headwater.analytics.arrays import FloatArray
from headwater.analytics.skill import SkillReport, score
from headwater.analytics.skill_gain import DAY_MS
from headwater.analytics.skill_uncertainty import DRAWS, Interval
from headwater.analytics.skill_windows import Window


class SkillControls(msgspec.Struct, frozen=True, kw_only=True):
    """Reports of the four controls over the same windows and baselines.

    Attributes:
        shifted: maps of another day.
        swapped: sides exchanged.
        random_lines: masses at random cells.
        hindsight: maps of what was realised.
    """

    shifted: SkillReport
    swapped: SkillReport
    random_lines: SkillReport
    hindsight: SkillReport

    @property
    def is_sound(self) -> bool:
        """Whether hindsight has an interval above 0 and no negative control has one.

        The blended gain is asked too. Controls are as peaked as the map, so by the headline they
        lose by far; half baseline, they lose little, and a fault of the score would show.
        """
        negative = [
            gain.interval
            for one in (self.shifted, self.swapped, self.random_lines)
            for gain in (one.per_usd, one.blended)
        ]
        known = self.hindsight.per_usd.interval
        return _is_above(known) and not any(_is_above(interval) for interval in negative)


def controls(
    windows: Sequence[Window],
    baselines: Sequence[FloatArray | None],
    rng: np.random.Generator,
    *,
    draws: int = DRAWS,
) -> SkillControls | None:
    """Scores the four controls.

    Args:
        windows: as for `score`, of two days or more.
        baselines: likewise.
        rng: randomness of controls and intervals.
        draws: of the bootstrap.

    Returns:
        None when no window has a baseline.

    Raises:
        ValueError: as `score` and `shifted` do.
    """

    def scored(made: Sequence[Window]) -> SkillReport | None:
        return score(made, baselines, rng, draws=draws)

    moved, other = scored(shifted(windows, rng)), scored(swapped(windows))
    lines, known = scored(random_lines(windows, rng)), scored(hindsight(windows))
    if moved is None or other is None or lines is None or known is None:
        return None
    return SkillControls(shifted=moved, swapped=other, random_lines=lines, hindsight=known)


def shifted(windows: Sequence[Window], rng: np.random.Generator) -> list[Window]:
    """Gives each window the map of another day of its symbol, at the same distances from price.

    One number of days is drawn for each symbol, and its days are a ring. Of the other day the map
    nearest in time of day is taken.

    Args:
        windows: those of one symbol with the same cells.
        rng: randomness.

    Raises:
        ValueError: a symbol with windows on fewer than two days.
    """
    days: dict[str, dict[int, list[Window]]] = {}
    for one in windows:
        of_symbol = days.setdefault(one.forecast.symbol, {})
        of_symbol.setdefault(one.forecast.issued_ms // DAY_MS, []).append(one)
    donors: dict[tuple[str, int], list[Window]] = {}
    for symbol, by_day in days.items():
        if len(by_day) < 2:
            raise ValueError(f"{symbol}: windows of one day only, none to shift by")
        ordered = sorted(by_day)
        offset = int(rng.integers(1, len(ordered)))
        for index, day in enumerate(ordered):
            donors[symbol, day] = by_day[ordered[(index + offset) % len(ordered)]]
    made: list[Window] = []
    for one in windows:
        day, moment_ms = divmod(one.forecast.issued_ms, DAY_MS)
        others = donors[one.forecast.symbol, day]
        nearest = min(others, key=lambda other: abs(other.forecast.issued_ms % DAY_MS - moment_ms))
        made.append(_with_mass(one, "shifted", nearest.forecast.mass_usd))
    return made


def swapped(windows: Sequence[Window]) -> list[Window]:
    """Exchanges the sides: longs' mass at the same distance above the price, and the reverse."""
    return [_with_mass(one, "swapped", one.forecast.mass_usd[::-1]) for one in windows]


def random_lines(windows: Sequence[Window], rng: np.random.Generator) -> list[Window]:
    """Puts the same masses at random cells of their side.

    The cells of one side are shuffled, so number and sizes of the lines stay.
    """
    return [
        _with_mass(one, "random lines", rng.permuted(one.forecast.mass_usd, axis=1))
        for one in windows
    ]


def hindsight(windows: Sequence[Window]) -> list[Window]:
    """Draws the map that was right: what was realised, known only afterwards."""
    return [_with_mass(one, "hindsight", one.realised_usd) for one in windows]


def _with_mass(window: Window, control: str, mass_usd: FloatArray) -> Window:
    """The window with another map, named after what was done to it."""
    forecast = msgspec.structs.replace(
        window.forecast, model=f"{window.forecast.model} ({control})", mass_usd=mass_usd
    )
    return msgspec.structs.replace(window, forecast=forecast)


def _is_above(interval: Interval | None) -> bool:
    """Whether an interval lies above 0; one that there are too few days for does not."""
    return interval is not None and interval.low > 0.0
