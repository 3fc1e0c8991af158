"""Which forecasts the platform writes down, by its settings, and where their maps come from."""

from headwater.app.settings import Settings
from headwater.core.clock import Clock
from headwater.services.forecasts import ForecastPlan, ForecastService
from headwater.services.issued_maps import ALL, IssuedMaps
from headwater.services.liquidation_maps import LiquidationMaps
from headwater.storage.store import Store

SYMBOLS_DEFAULT = 3
"""Of the supported symbols so many are written down unless `forecast_symbols` names others."""


def forecast_symbols(settings: Settings) -> tuple[str, ...]:
    """The symbols of which forecasts are written."""
    if settings.forecast_symbols is not None:
        return settings.forecast_symbols
    return settings.supported_symbols[:SYMBOLS_DEFAULT]


def forecast_service(
    settings: Settings, maps: LiquidationMaps, store: Store, clock: Clock
) -> ForecastService:
    """The service that writes each model's map of all venues down at every full hour.

    Args:
        settings: name the symbols.
        maps: makes them.
        store: where forecasts go.
        clock: tells the hour.
    """
    issued = IssuedMaps(maps.make, {ALL: maps.exchanges})
    return ForecastService(
        issued, store.put_durable, clock, ForecastPlan(symbols=forecast_symbols(settings))
    )
