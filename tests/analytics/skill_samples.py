"""Windows made by hand and by hypothesis, for the tests of the skill score."""

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st

from headwater.analytics.arrays import FloatArray
from headwater.analytics.skill_windows import Forecast, Window

HOUR_MS = 3_600_000
DAY_MS = 86_400_000


def window(
    mass: object,
    usd: object,
    *,
    reached: object = None,
    events: object = None,
    issued_ms: int = 0,
    symbol: str = "BTCUSDT",
    horizon_ms: int = HOUR_MS,
    cell_width: float = 0.001,
) -> Window:
    """A window with rows of longs and shorts; all cells reached unless said otherwise."""
    masses, realised = np.array(mass, dtype=float), np.array(usd, dtype=float)
    return Window(
        forecast=Forecast(
            model="e1",
            version="1",
            symbol=symbol,
            issued_ms=issued_ms,
            horizon_ms=horizon_ms,
            price=100.0,
            mass_usd=masses,
            cell_width=cell_width,
        ),
        reached=np.ones_like(masses, dtype=bool) if reached is None else np.array(reached, bool),
        realised_usd=realised,
        events=(realised > 0.0).astype(np.int64) if events is None else np.array(events, np.int64),
        outside_usd=0.0,
    )


def random_windows(
    rng: np.random.Generator, *, days: int, per_day: int, cells: int = 12, symbol: str = "BTCUSDT"
) -> list[Window]:
    """Windows whose outcome falls off with distance and has nothing to do with their maps."""
    made: list[Window] = []
    falling = 0.8 ** np.arange(cells)
    for day in range(days):
        for index in range(per_day):
            reached = np.arange(cells)[None, :] < rng.integers(2, cells + 1, size=(2, 1))
            usd = rng.exponential(falling[None, :] * 1e4, size=(2, cells))
            usd *= reached & (rng.random((2, cells)) < 0.4)
            made.append(
                window(
                    rng.exponential(1.0, size=(2, cells)) * falling,
                    usd,
                    reached=reached,
                    issued_ms=day * DAY_MS + index * HOUR_MS,
                    symbol=symbol,
                )
            )
    return made


def ones(windows: Sequence[Window]) -> list[FloatArray]:
    """A flat baseline for each."""
    return [np.ones_like(one.realised_usd) for one in windows]


_amount = st.one_of(st.just(0.0), st.floats(1e-3, 1e9))


@st.composite
def windows_of(draw: st.DrawFn) -> list[Window]:
    """One to four windows with something realised in at least one reached cell."""
    cells = draw(st.integers(1, 5))
    rows = st.lists(st.lists(_amount, min_size=cells, max_size=cells), min_size=2, max_size=2)
    made = []
    for index in range(draw(st.integers(1, 4))):
        far = np.array([[draw(st.integers(0, cells))], [draw(st.integers(1, cells))]])
        reached = np.arange(cells)[None, :] < far
        usd = np.array(draw(rows)) * reached
        if index == 0:
            usd[1, 0] = draw(st.floats(1.0, 1e9))
        made.append(window(draw(rows), usd, reached=reached, issued_ms=index * HOUR_MS))
    return made


@st.composite
def baselines_of(draw: st.DrawFn, windows: Sequence[Window]) -> list[FloatArray]:
    """A positive baseline for each window."""
    made: list[FloatArray] = []
    for one in windows:
        shape = one.realised_usd.shape
        flat = draw(st.lists(st.floats(1e-3, 1e6), min_size=one.realised_usd.size,
                             max_size=one.realised_usd.size))  # fmt: skip
        made.append(np.array(flat).reshape(shape))
    return made
