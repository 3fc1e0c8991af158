"""From settings to the rules of the open-interest and volume monitor."""

from headwater.analytics.oi_volume import (
    INTEREST_FLOORS_USD,
    THRESHOLDS,
    VOLUME_FLOORS_USD,
    SpikeRule,
    rule_problem,
)
from headwater.app.settings import Settings
from headwater.core.errors import ConfigError
from headwater.core.intervals import Interval
from headwater.services.oi_volume_venue import OiVolumeSettings


def oi_volume_settings(settings: Settings) -> OiVolumeSettings:
    """What the monitor needs to know of the settings.

    Raises:
        ConfigError: a timeframe has no threshold, or a rule cannot be used.
    """
    timeframes = dict.fromkeys(settings.oi_volume_timeframes)
    return OiVolumeSettings(
        symbols=settings.oi_volume_symbols or settings.supported_symbols,
        rules=tuple(_rule(settings, interval) for interval in timeframes),
        alerts_per_day=settings.oi_volume_alerts_per_day,
    )


def _rule(settings: Settings, interval: Interval) -> SpikeRule:
    threshold = (THRESHOLDS | settings.oi_volume_thresholds).get(interval)
    if threshold is None:
        raise ConfigError(
            "oi_volume_timeframes",
            f"{interval} has no threshold",
            f"{', '.join(THRESHOLDS)}, or others with a threshold in oi_volume_thresholds",
        )
    window, floors = settings.oi_volume_window, settings.oi_volume_floors
    rule = SpikeRule(
        interval=interval,
        method=settings.oi_volume_method,
        threshold=threshold,
        window=window,
        minimum=window if settings.oi_volume_minimum is None else settings.oi_volume_minimum,
        volume_floor_usd=VOLUME_FLOORS_USD.get(interval, 0.0) if floors else 0.0,
        open_interest_floor_usd=INTEREST_FLOORS_USD.get(interval, 0.0) if floors else 0.0,
        cooldown_bars=settings.oi_volume_cooldown_bars,
    )
    problem = rule_problem(rule)
    if problem is not None:
        setting = "oi_volume_minimum" if rule.minimum > window else "oi_volume_method"
        raise ConfigError(setting, f"{interval} by {rule.method}: {problem}", "see its description")
    return rule
