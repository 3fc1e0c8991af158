"""The score on a market whose truth is known: the simulated exchange and its own positions.

Each day is a world of its own, some minutes of a simulated exchange in virtual time. At each issue
the oracle's map is the exchange's open positions, each one's notional at its liquidation price:
what every estimated map tries to guess. Positions are opened and closed meanwhile and forced
orders may fill in part, so even the oracle does not know everything.

The simulation draws price to where forced orders wait. That is no advantage here: only reached
cells are scored.
"""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import pytest

from headwater.analytics.arrays import BoolArray, FloatArray, IndexArray
from headwater.analytics.skill import SkillReport, SkillVerdict, score
from headwater.analytics.skill_baseline import distance_baselines
from headwater.analytics.skill_controls import SkillControls, controls
from headwater.analytics.skill_observation import (
    LiquidationEvents,
    MarkPath,
    observe,
)
from headwater.analytics.skill_windows import Forecast, Window, mass_of_levels
from headwater.core.enums import PositionSide
from headwater.core.records import MarkPrice
from headwater.simulator.exchange import SimulatedExchange
from headwater.simulator.ground_truth import ForcedClose

pytestmark = pytest.mark.no_cover  # traced, it takes two to three times as long

DAY_MS = 86_400_000
MINUTE_MS = 60_000
FIRST_DAY_MS = 20_718 * DAY_MS
WARM_UP_MS = 5_000
CELLS = 60


class Issue(NamedTuple):
    """What is true at a time of issue: the mark price and all open positions as columns."""

    at_ms: int
    price: float
    numbers: IndexArray
    levels: FloatArray
    usd: FloatArray
    is_long: BoolArray

    @classmethod
    def of(cls, exchange: SimulatedExchange, symbol: str) -> "Issue":
        positions = exchange.truth.positions(symbol)
        return cls(
            at_ms=exchange.now_ms(),
            price=exchange.mark_price(symbol).mark,
            numbers=np.array([one.position_id for one in positions], dtype=np.int64),
            levels=np.array([one.liquidation_price for one in positions]),
            usd=np.array([one.liquidation_value for one in positions]),
            is_long=np.array([one.position_side is PositionSide.LONG for one in positions]),
        )

    def oracle(self, every: int, cell_width: float) -> FloatArray:
        """The map of each `every`th position, shape (2, CELLS)."""
        known = self.numbers % every == 0
        return mass_of_levels(
            self.price, CELLS, self.levels[known], self.usd[known], self.is_long[known], cell_width
        )


class World(NamedTuple):
    """Some minutes of a simulated exchange."""

    issues: tuple[Issue, ...]
    marks: MarkPath
    events: LiquidationEvents


def marks_of(records: Sequence[MarkPrice], closes: Sequence[ForcedClose]) -> MarkPath:
    """The mark price of each second and of each forced close, which fall between seconds."""
    rows = [(one.timestamp_ms, one.mark) for one in records]
    rows += [(one.liquidation.timestamp_ms, one.mark) for one in closes]
    rows.sort()
    mark = np.array([price for _, price in rows])
    at_ms = np.array([moment for moment, _ in rows], dtype=np.int64)
    return MarkPath(at_ms=at_ms, low=mark, high=mark)


def events_of(closes: Sequence[ForcedClose]) -> LiquidationEvents:
    """Forced closes at the mark price that triggered them."""
    return LiquidationEvents(
        at_ms=np.array([one.liquidation.timestamp_ms for one in closes], dtype=np.int64),
        price=np.array([one.mark for one in closes]),
        usd=np.array([one.liquidation.value for one in closes]),
        is_long=np.array([one.liquidation.position_side is PositionSide.LONG for one in closes]),
    )


@cache
def world(day: int, symbol: str, minutes: int, horizon_ms: int) -> World:
    """The world of a day, seeded by it, with a look at its positions each horizon."""
    start_ms = FIRST_DAY_MS + day * DAY_MS
    exchange = SimulatedExchange(seed=1_000 + day, start_ms=start_ms, symbols=[symbol], levels=30)
    exchange.advance_to(start_ms + WARM_UP_MS)
    issues: list[Issue] = []
    marks: list[MarkPrice] = []
    for _ in range(minutes * MINUTE_MS // horizon_ms):
        issues.append(Issue.of(exchange, symbol))
        happened = exchange.advance_to(exchange.now_ms() + horizon_ms)
        marks += [one for one in happened if isinstance(one, MarkPrice)]
    closes = exchange.truth.forced_closes(symbol)
    return World(tuple(issues), marks_of(marks, closes), events_of(closes))


def windows_of(
    made: World, *, symbol: str, horizon_ms: int, cell_width: float, every: int
) -> tuple[Window, ...]:
    """What followed the oracle's forecasts in a world."""
    forecasts = [
        Forecast(
            model="oracle",
            version="1",
            symbol=symbol,
            issued_ms=issue.at_ms,
            horizon_ms=horizon_ms,
            price=issue.price,
            mass_usd=issue.oracle(every, cell_width),
            cell_width=cell_width,
        )
        for issue in made.issues
    ]
    seen = observe(forecasts, made.marks, made.events)
    assert (seen.dropped_gap, seen.dropped_unmarked) == (0, 0)
    return seen.windows


def judge(
    symbols: Sequence[str],
    *,
    days: int,
    minutes: int,
    horizon_ms: int,
    cell_width: float,
    every: int = 1,
) -> tuple[SkillReport, SkillControls]:
    """The oracle's report and the controls, over worlds on as many days."""
    windows: list[Window] = []
    for symbol in symbols:
        for day in range(days):
            windows += windows_of(
                world(day, symbol, minutes, horizon_ms),
                symbol=symbol,
                horizon_ms=horizon_ms,
                cell_width=cell_width,
                every=every,
            )
    # A few days of worlds are learnt from before the first is scored.
    baselines = distance_baselines(windows, least_windows=3 * minutes * MINUTE_MS // horizon_ms)
    rng = np.random.default_rng(1)
    report = score(windows, baselines, rng)
    checks = controls(windows, baselines, rng)
    assert report is not None
    assert checks is not None
    return report, checks


def require_skill_of_the_oracle_alone(report: SkillReport, checks: SkillControls) -> None:
    """The oracle's intervals lie above 0, whole, capped and blended; those of no control do."""
    assert report.verdict is SkillVerdict.SKILL
    for one in (report.per_usd, report.capped, report.blended):
        assert one.interval is not None
        assert one.interval.low > 0.0
    assert report.test is not None
    assert report.test.statistic > 3.0
    assert report.ranking is not None
    assert report.ranking.lift > 1.5
    assert report.ranking.area_gain > 0.0
    assert report.ranking.hit.model > report.ranking.hit.baseline
    assert report.per_usd.bits is not None
    assert report.largest_bits is not None
    assert report.per_usd.bits < report.largest_bits
    for control in (checks.shifted, checks.swapped, checks.random_lines):
        for gain in (control.per_usd, control.blended):
            assert gain.interval is not None
            assert gain.interval.low <= 0.0
        assert control.verdict in (SkillVerdict.NONE, SkillVerdict.HARM)
    assert checks.is_sound


def test_a_map_of_the_real_positions_has_skill_and_no_control_has() -> None:
    """16 worlds of 15 minutes, a forecast each minute; 13 of them are scored."""
    report, checks = judge(["LTCUSDT"], days=16, minutes=15, horizon_ms=MINUTE_MS, cell_width=0.001)
    assert (report.days, report.windows) == (13, 195)
    assert report.events > 1_000
    assert report.per_event.interval is not None
    assert report.per_event.interval.low > 0.0
    require_skill_of_the_oracle_alone(report, checks)


def test_a_map_of_some_positions_adds_to_distance_and_cannot_stand_alone() -> None:
    """Each fifth position of the same worlds: right where it shows anything, empty elsewhere.

    The empty cells cost more than the others bring, and the headline says so; half baseline, what
    the map knows remains, less than the oracle's.
    """
    report, checks = judge(
        ["LTCUSDT"], days=16, minutes=15, horizon_ms=MINUTE_MS, cell_width=0.001, every=5
    )
    assert report.verdict is SkillVerdict.HARM
    assert report.blended.interval is not None
    assert 0.0 < report.blended.interval.low < report.blended.interval.high < 0.6
    for control in (checks.shifted, checks.swapped, checks.random_lines):
        assert control.blended.interval is not None
        assert control.blended.interval.high < 0.0


@pytest.mark.soak
@pytest.mark.timeout(900)
@pytest.mark.parametrize("cell_width", [0.001, 0.0025])
@pytest.mark.parametrize("horizon_ms", [MINUTE_MS, 5 * MINUTE_MS])
def test_so_it_is_at_length_on_two_symbols_horizons_and_widths(
    cell_width: float, horizon_ms: int
) -> None:
    """30 worlds of 40 minutes of each symbol, pooled: the interval draws days and symbols.

    Nothing is asked of the gain per liquidation: in five minutes many small positions of high
    leverage are opened and liquidated that no map could show at the time of issue. By number they
    are most, by USD they are little.
    """
    report, checks = judge(
        ["LTCUSDT", "SOLUSDT"], days=30, minutes=40, horizon_ms=horizon_ms, cell_width=cell_width
    )
    assert report.days == 27
    require_skill_of_the_oracle_alone(report, checks)
