"""Settings of the monitor become rules, or say what is wrong."""

import pytest

from headwater.app.oi_volume import oi_volume_settings
from headwater.app.settings import load
from headwater.core.enums import SpikeMethod
from headwater.core.errors import ConfigError
from headwater.core.intervals import Interval


def test_defaults_are_the_specification() -> None:
    found = oi_volume_settings(load(environ={}))
    assert found.symbols == ("BTCUSDT", "ETHUSDT", "SOLUSDT")
    assert found.alerts_per_day is None
    assert [
        (
            rule.interval,
            rule.threshold,
            rule.volume_floor_usd,
            rule.open_interest_floor_usd,
        )
        for rule in found.rules
    ] == [
        (Interval.M5, 3.0, 100_000.0, 500_000.0),
        (Interval.M15, 2.5, 250_000.0, 1_000_000.0),
        (Interval.H1, 2.0, 1_000_000.0, 2_500_000.0),
    ]
    assert {(rule.method, rule.window, rule.minimum) for rule in found.rules} == {
        (SpikeMethod.CLASSIC, 100, 100)
    }


def test_everything_can_be_set() -> None:
    options = {
        "oi_volume_symbols": "btc-usdt,XRPUSDT",
        "oi_volume_timeframes": "5m,4h",
        "oi_volume_thresholds": {"4h": 2.25, "5m": 4.0},
        "oi_volume_method": "robust",
        "oi_volume_minimum": 30,
        "oi_volume_floors": False,
        "oi_volume_cooldown_bars": 0,
        "oi_volume_alerts_per_day": 1.5,
    }
    found = oi_volume_settings(load(options=options, environ={}))
    assert (found.symbols, found.alerts_per_day) == (("BTCUSDT", "XRPUSDT"), 1.5)
    assert [(rule.threshold, rule.minimum) for rule in found.rules] == [(4.0, 30), (2.25, 30)]
    assert {
        (rule.method, rule.volume_floor_usd, rule.open_interest_floor_usd, rule.cooldown_bars)
        for rule in found.rules
    } == {(SpikeMethod.ROBUST, 0.0, 0.0, 0)}
    assert oi_volume_settings(load(options={"oi_volume_timeframes": ""}, environ={})).rules == ()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"oi_volume_timeframes": "4h"}, "4h has no threshold"),
        ({"oi_volume_minimum": 101}, "minimum"),
        (
            {
                "oi_volume_timeframes": "12h",
                "oi_volume_thresholds": {"12h": 2.0},
                "oi_volume_method": "seasonal",
            },
            "seasonal",
        ),
        ({"oi_volume_thresholds": {"5m": 0}}, "greater than 0"),
        ({"oi_volume_thresholds": {"7m": 2}}, "5m"),
        ({"oi_volume_alerts_per_day": 0}, "greater than 0"),
        ({"oi_volume_method": "guess"}, "classic"),
    ],
)
def test_what_cannot_be_is_refused(options: dict[str, object], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        oi_volume_settings(load(options=options, environ={}))
