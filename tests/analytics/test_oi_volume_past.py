"""The monitor's rule over the past: the live detector's own words, no bar twice, none too early."""

from hypothesis import given
from hypothesis import strategies as st

from headwater.analytics.oi_volume import SpikeDetector, SpikeRule
from headwater.analytics.oi_volume_past import bars_needed, past_alerts, warm_up_bars
from headwater.analytics.oi_volume_series import OiVolumeBar
from headwater.core.intervals import Interval

RULE = SpikeRule(interval=Interval.M5, threshold=3.0, window=20, minimum=20, cooldown_bars=3)
LENGTH_MS = Interval.M5.nominal_ms
START_MS = 1_700_000_100_000


def bars_of(volumes: list[float], unknown: frozenset[int] = frozenset()) -> list[OiVolumeBar]:
    """Bars whose open interest swings by a thousandth; `unknown` ones have none."""
    return [
        OiVolumeBar(
            ended_at_ms=START_MS + number * LENGTH_MS,
            volume_usd=volume,
            open_interest=None if number in unknown else 5e6 + 5e3 * (number % 2),
            open_interest_usd=None if number in unknown else 5e6 + 5e3 * (number % 2),
        )
        for number, volume in enumerate(volumes)
    ]


def usual(count: int) -> list[float]:
    return [1e6 + (1e4 if number % 2 else -1e4) for number in range(count)]


def test_one_burst_is_one_alert_with_its_score() -> None:
    """Worked by hand: 20 readings 10 000 off their mean 1e6; sample deviation 10 000 √(20/19).

    A volume of 1 102 597.84 is 102 597.84 above: 102 597.84 / 10 259.784 = 10.
    """
    volumes = usual(100)
    volumes[80] = 1_102_597.84
    found = past_alerts(
        RULE, bars_of(volumes), START_MS + 69 * LENGTH_MS, START_MS + 99 * LENGTH_MS
    )
    (alert,) = found.alerts
    assert alert.bar.ended_at_ms == START_MS + 80 * LENGTH_MS
    assert alert.z_volume is not None
    assert round(alert.z_volume, 4) == 10.0
    assert (alert.confirmed, found.tested) == (False, 30)


def test_bars_without_open_interest_are_not_tested() -> None:
    volumes = usual(100)
    volumes[80] = 1e7
    unknown = frozenset({80, 90})
    found = past_alerts(
        RULE, bars_of(volumes, unknown), START_MS + 69 * LENGTH_MS, START_MS + 99 * LENGTH_MS
    )
    assert (found.alerts, found.tested) == ((), 28)


def test_an_event_that_began_before_the_span_is_not_told_in_it() -> None:
    volumes = usual(100)
    volumes[69] = 1e7
    volumes[70] = 1e9
    end_ms = START_MS + 99 * LENGTH_MS
    found = past_alerts(RULE, bars_of(volumes), START_MS + 69 * LENGTH_MS, end_ms)
    assert found.alerts == ()
    earlier = past_alerts(RULE, bars_of(volumes), START_MS + 68 * LENGTH_MS, end_ms)
    assert [one.bar.ended_at_ms for one in earlier.alerts] == [START_MS + 69 * LENGTH_MS]


@given(
    st.dictionaries(st.integers(60, 149), st.floats(1e5, 1e8), max_size=6),
    st.frozensets(st.integers(0, 149), max_size=10),
    st.integers(1, 60),
)
def test_it_says_what_the_live_detector_said(
    bursts: dict[int, float], unknown: frozenset[int], span: int
) -> None:
    """A detector that heard every bar as it ended tells the same alerts of the span."""
    volumes = usual(150)
    for number, volume in bursts.items():
        volumes[number] = volume
    bars = bars_of(volumes, unknown)
    live = SpikeDetector(RULE)
    told = []
    for bar in bars:
        live.series.add(bar)
        verdict = live.judge(bar.ended_at_ms)
        if verdict is not None and verdict.is_alert:
            told.append(verdict)
    end_ms = bars[-1].ended_at_ms
    start_ms = end_ms - span * LENGTH_MS
    needed = bars[-bars_needed(RULE, span) :]
    found = past_alerts(RULE, reversed(needed), start_ms, end_ms)
    assert found.alerts == tuple(one for one in told if one.bar.ended_at_ms > start_ms)
    tested = set(range(150 - span, 150)) - unknown
    assert found.tested == len(tested)


def test_what_a_span_needs() -> None:
    assert warm_up_bars(RULE) == 27
    assert bars_needed(RULE, 288) == 288 + 27 + 21
