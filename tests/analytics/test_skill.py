"""The report, its verdict and its one line."""

import re
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.analytics.skill_samples import DAY_MS, HOUR_MS, ones, random_windows, window

from headwater.analytics.skill import (
    NO_SKILL,
    SkillReport,
    SkillScore,
    SkillVerdict,
    badge,
    judging_gain,
    score,
    verdict_of,
)
from headwater.analytics.skill_baseline import distance_baselines
from headwater.analytics.skill_controls import hindsight
from headwater.analytics.skill_uncertainty import Interval
from headwater.analytics.skill_windows import Forecast
from headwater.core.enums import PositionSide, PriceKind, Side
from headwater.core.records import Liquidation, MarkPrice

FIRST_MS = 20_000 * DAY_MS


def mark(at_ms: int, price: float) -> MarkPrice:
    return MarkPrice(
        exchange="bybit",
        symbol="BTCUSDT",
        native_symbol="BTCUSDT",
        timestamp_ms=at_ms,
        received_ns=0,
        mark=price,
        index=None,
        funding_rate=None,
        next_funding_ms=None,
    )


def liquidation(at_ms: int, price: float) -> Liquidation:
    return Liquidation(
        exchange="bybit",
        symbol="BTCUSDT",
        native_symbol="BTCUSDT",
        timestamp_ms=at_ms,
        received_ns=0,
        side=Side.SELL,
        position_side=PositionSide.LONG,
        price=price,
        quantity=1.0,
        value=price,
        price_kind=PriceKind.BANKRUPTCY,
        order_id=None,
        is_floor=False,
    )


def forecast(issued_ms: int) -> Forecast:
    return Forecast(
        model="flat",
        version="1",
        symbol="BTCUSDT",
        issued_ms=issued_ms,
        horizon_ms=HOUR_MS,
        price=100.0,
        mass_usd=np.ones((2, 200)),
    )


def report(seed: int = 1, days: int = 12) -> SkillReport:
    windows = random_windows(np.random.default_rng(seed), days=days, per_day=24)
    found = score(windows, distance_baselines(windows), np.random.default_rng(seed))
    assert found is not None
    return found


def shown(bits: float | None, interval: Interval | None, days: int = 30, windows: int = 612) -> str:
    made = msgspec.structs.replace(
        report(),
        per_usd=SkillScore(bits=bits, interval=interval),
        verdict=verdict_of(interval),
        days=days,
        windows=windows,
    )
    return badge(made)


@pytest.mark.parametrize(
    ("bits", "low", "high", "line"),
    [
        (0.06, -0.01, 0.13, "IG +0.06 bit/USD [−0.01, 0.13] · 30 d · n=612 → no measurable skill"),
        (0.06, 0.01, 0.13, "IG +0.06 bit/USD [0.01, 0.13] · 30 d · n=612"),
        (-0.2, -0.3, -0.1,
         "IG −0.20 bit/USD [−0.30, −0.10] · 30 d · n=612 → worse than distance alone"),
        (0.0, -0.2, 0.2, "IG +0.00 bit/USD [−0.20, 0.20] · 30 d · n=612 → no measurable skill"),
        (-0.001, -0.2, 0.2, "IG +0.00 bit/USD [−0.20, 0.20] · 30 d · n=612 → no measurable skill"),
        (0.06, 0.002, 0.13, "IG +0.060 bit/USD [0.002, 0.130] · 30 d · n=612"),
        (0.0, 0.0, 0.0, "IG +0.00 bit/USD [0.00, 0.00] · 30 d · n=612 → no measurable skill"),
        (1e-9, 1e-9, 1e-9, "IG +0.0000 bit/USD [0.0000, 0.0000] · 30 d · n=612"),
    ],
)  # fmt: skip
def test_the_line(bits: float, low: float, high: float, line: str) -> None:
    assert shown(bits, Interval(low=low, high=high)) == line


def test_a_sparse_map_is_shown_and_judged_by_its_blended_gain() -> None:
    made = msgspec.structs.replace(
        report(),
        per_usd=SkillScore(bits=-0.8, interval=Interval(low=-0.9, high=-0.7)),
        blended=SkillScore(bits=0.3, interval=Interval(low=0.2, high=0.4)),
        days=30,
        windows=612,
    )
    assert badge(made).endswith("→ worse than distance alone")
    assert badge(made, blended=True) == "blended IG +0.30 bit/USD [0.20, 0.40] · 30 d · n=612"
    assert judging_gain(made, blended=True) is made.blended


def test_the_days_of_a_report_add_up_to_its_headline() -> None:
    made = report()
    gained = sum((one.bits or 0.0) * one.weight for one in made.daily)
    assert len(made.daily) == made.days
    assert sum(one.weight for one in made.daily) == pytest.approx(made.usd)
    assert gained / made.usd == pytest.approx(made.per_usd.bits)


def test_too_few_days_are_said_to_be_too_few() -> None:
    assert shown(0.06, None, 5, 100) == "IG +0.06 bit/USD · 5 d · n=100 → not enough days"
    assert shown(None, None, 5, 100) == "IG none · 5 d · n=100 → not enough days"


@given(st.floats(-2.0, 2.0), st.floats(-2.0, 2.0))
def test_no_measurable_skill_is_said_exactly_when_the_interval_holds_zero(
    one: float, two: float
) -> None:
    low, high = min(one, two), max(one, two)
    verdict = verdict_of(Interval(low=low, high=high))
    assert (verdict == "no measurable skill") is (low <= 0.0 <= high)
    assert (verdict is SkillVerdict.SKILL) is (low > 0.0)
    assert NO_SKILL == "no measurable skill"


def test_a_report_counts_what_it_saw() -> None:
    """Twelve days of 24 windows; the first 100 have no baseline, which leaves 188 on 8 days.

    The 100th window is the fifth of the fifth day.
    """
    found = report()
    assert (found.windows, found.windows_unlearnt, found.days) == (188, 100, 8)
    assert (found.models, found.cell_width) == (("e1 1",), 0.001)
    assert found.verdict is SkillVerdict.UNKNOWN
    assert found.events > 0
    assert sum(one.realised_usd for one in found.reliability) == pytest.approx(found.usd)


def test_maps_that_know_nothing_have_no_skill_and_hindsight_has() -> None:
    windows = random_windows(np.random.default_rng(3), days=20, per_day=24)
    baselines = distance_baselines(windows)
    blind = score(windows, baselines, np.random.default_rng(3))
    known = score(hindsight(windows), baselines, np.random.default_rng(3))
    assert blind is not None
    assert known is not None
    assert blind.verdict is not SkillVerdict.SKILL
    assert known.verdict is SkillVerdict.SKILL
    assert known.per_usd.bits is not None
    assert known.largest_bits is not None
    assert known.largest_bits - 0.075 < known.per_usd.bits < known.largest_bits
    assert known.ranking is not None
    assert known.ranking.area_gain > 0.2


def test_the_baseline_scored_against_itself_is_zero_without_doubt() -> None:
    windows = random_windows(np.random.default_rng(4), days=20, per_day=24)
    baselines = distance_baselines(windows)
    same = [
        msgspec.structs.replace(one, forecast=msgspec.structs.replace(one.forecast, mass_usd=base))
        for one, base in zip(windows, baselines, strict=True)
        if base is not None
    ]
    found = score(same, [one for one in baselines if one is not None], np.random.default_rng(4))
    assert found is not None
    assert found.per_usd == SkillScore(bits=0.0, interval=Interval(low=0.0, high=0.0))
    assert found.blended == found.per_usd
    assert found.verdict is SkillVerdict.NONE
    assert found.test is None
    assert found.ranking is not None
    assert found.ranking.lift == pytest.approx(1.0)
    assert found.ranking.area_gain == 0.0


def test_the_same_randomness_gives_the_same_report() -> None:
    assert report(5) == report(5)


def test_a_sparse_map_that_is_right_loses_alone_and_adds_to_the_baseline() -> None:
    """Four cells, the map on the first alone, b flat, two thirds of the USD in the first.

    p / b is 0.95·4 + 0.05 = 3.85 there and 0.05 elsewhere: ⅔·log2 3.85 + ⅓·log2 0.05 = 1.29657 −
    1.44064 = −0.14407. Half baseline 2.5 and 0.5: ⅔·log2 2.5 + ⅓·log2 0.5 = 0.88129 − 0.33333 =
    0.54795.
    """
    one = window([[1.0, 0.0], [0.0, 0.0]], [[60.0, 10.0], [10.0, 10.0]])
    found = score([one], ones([one]), np.random.default_rng(1))
    assert found is not None
    assert found.per_usd.bits == pytest.approx(-0.14407, abs=1e-5)
    assert found.blended.bits == pytest.approx(0.54795, abs=1e-5)


def test_the_guide_runs() -> None:
    """The example of docs/guides/skill.md, on forecasts of sixteen days that know nothing."""
    text = (Path(__file__).parents[2] / "docs" / "guides" / "skill.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    hours = [FIRST_MS + hour * HOUR_MS for hour in range(24 * 16)]
    rng = np.random.default_rng(1)
    names: dict[str, object] = {
        "issued_ms": FIRST_MS,
        "price": 100.0,
        "edges": np.linspace(80.0, 120.0, 41),
        "long_usd": np.ones(40),
        "short_usd": np.ones(40),
        "mark_prices": [
            mark(issued_ms + minute * 60_000, 100.0 + float(rng.normal()))
            for issued_ms in hours
            for minute in range(1, 61)
        ],
        "liquidations": [liquidation(issued_ms + 30_000, 99.0) for issued_ms in hours],
        "forecasts": [forecast(issued_ms) for issued_ms in hours],
        "gaps": [],
        "seed": 1,
    }
    shown: list[object] = []
    exec(code, names | {"print": lambda *parts: shown.append(parts)})
    (parts,) = shown
    assert isinstance(parts, tuple)
    assert str(parts[0]).startswith("IG ")
    assert parts[1] in (True, False)


def test_what_cannot_be_scored() -> None:
    one = window([[1.0], [1.0]], [[1.0], [1.0]])
    assert score([one], [None], np.random.default_rng(1)) is None
    assert score([], [], np.random.default_rng(1)) is None
    wide = window([[1.0], [1.0]], [[1.0], [1.0]], cell_width=0.0025, issued_ms=DAY_MS)
    with pytest.raises(ValueError, match="2 cell widths"):
        score([one, wide], ones([one, wide]), np.random.default_rng(1))
