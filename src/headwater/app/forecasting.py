"""Which forecasts the platform writes down, by its settings, and where their maps come from."""

from collections.abc import Mapping

from headwater.app.settings import Settings
from headwater.core.clock import Clock
from headwater.core.errors import NotSupported
from headwater.core.margin_tiers import MarginTiers
from headwater.feeds.source import MarketSource
from headwater.services.forecasts import ForecastPlan, ForecastService
from headwater.services.issued_maps import ALL, IssuedMaps
from headwater.services.liquidation_maps import LiquidationMaps
from headwater.storage.store import Store

SYMBOLS_DEFAULT = 3
"""Of the supported symbols so many are written down unless `forecast_symbols` names others."""


class SourceTiers:
    """Margin tiers of the venues' own answers.

    Args:
        sources: venues by id.
    """

    def __init__(self, sources: Mapping[str, MarketSource]) -> None:
        self._sources = sources

    async def margin_tiers(self, exchange: str, symbol: str) -> MarginTiers | None:
        """The tiers of a contract; None where the venue publishes none of it.

        Raises:
            PlatformError: the venue cannot be asked now, or does not list the symbol.
        """
        source = self._sources[exchange]
        try:
            return await source.margin_tiers(source.table.resolve(symbol))
        except NotSupported:
            return None


def forecast_symbols(settings: Settings) -> tuple[str, ...]:
    """The symbols of which forecasts are written."""
    if settings.forecast_symbols is not None:
        return settings.forecast_symbols
    return settings.supported_symbols[:SYMBOLS_DEFAULT]


def forecast_service(
    settings: Settings, sources: Mapping[str, MarketSource], store: Store, clock: Clock
) -> ForecastService:
    """The service that writes each model's map of all venues down at every full hour.

    Args:
        settings: name the symbols.
        sources: venues by id.
        store: where maps are made of and forecasts go.
        clock: tells the hour.
    """
    maps = LiquidationMaps(store, clock, SourceTiers(sources), tuple(sources))
    issued = IssuedMaps(maps.make, {ALL: tuple(sources)})
    return ForecastService(
        issued, store.put_durable, clock, ForecastPlan(symbols=forecast_symbols(settings))
    )
