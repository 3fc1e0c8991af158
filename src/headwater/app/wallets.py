"""The reader of the wallets that the settings name, when they name any."""

from collections.abc import Mapping
from typing import Final

from headwater.app.settings import Settings
from headwater.core.clock import Clock
from headwater.core.errors import ConfigError
from headwater.feeds.source import MarketSource
from headwater.services.wallets import WalletPositions

VENUE: Final = "hyperliquid"
"""The venue that shows positions of any address."""


def wallet_positions(
    settings: Settings, sources: Mapping[str, MarketSource], clock: Clock
) -> WalletPositions | None:
    """What reads the named wallets once it runs; None when none is named.

    Args:
        settings: name them, and the length of a round.
        sources: venues' data by venue id.
        clock: stamps readings.

    Raises:
        ConfigError: wallets are named and their venue is not connected.
    """
    wallets = settings.hyperliquid_wallets
    if not wallets:
        return None
    source = sources.get(VENUE)
    if source is None:
        problem = f"{len(wallets)} wallets are named, and {VENUE} is not connected"
        raise ConfigError("hyperliquid_wallets", problem, f"wallets with {VENUE} among `venues`")
    return WalletPositions(wallets, source.wallet_positions, clock, settings.wallet_interval_s)
