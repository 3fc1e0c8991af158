"""Leverage brackets of the few contracts of which a dated copy ships with the program.

The venue tells brackets (`GET /fapi/v1/leverageBracket`) only to holders of a key, so what stands
here is what was public of them at a date, and says so. It grows old: the venue changes brackets
without a public record. Contracts that are not here are not guessed.

Source: the bracket table of BTCUSDT as it was published in October 2024; the method is
https://www.binance.com/en/support/faq/b3c689c1f50a44cabb3a84e663b81d93
"""

from collections.abc import Mapping
from typing import Final

from headwater.analytics.margin import build_tiers
from headwater.core.errors import NotSupported
from headwater.core.instruments import Instrument
from headwater.core.margin_tiers import MarginTier, MarginTiers
from headwater.venues.binance.symbols import EXCHANGE

SNAPSHOT_MS: Final = 1_727_740_800_000
"""2024-10-01 00:00 UTC: brackets as of that month."""
SOURCE: Final = "snapshot of 2024-10"

_NS_PER_MS: Final = 1_000_000
BRACKETS: Final[Mapping[str, tuple[MarginTier, ...]]] = {
    "BTCUSDT": build_tiers(
        (
            (0.0, 0.004, 125.0),
            (50_000.0, 0.005, 100.0),
            (600_000.0, 0.0065, 75.0),
            (3_000_000.0, 0.01, 50.0),
            (12_000_000.0, 0.02, 25.0),
            (70_000_000.0, 0.025, 20.0),
            (100_000_000.0, 0.05, 10.0),
        ),
        230_000_000.0,
    ),
}
"""Brackets by native symbol; larger positions than the last cap are not in the copy."""

KNOWN: Final = ", ".join(BRACKETS)
"""The contracts that have a copy, for people."""


def snapshot_of(instrument: Instrument) -> MarginTiers:
    """The dated copy of a contract's brackets; both of its times are the copy's date.

    Raises:
        NotSupported: there is none of this contract.
    """
    tiers = BRACKETS.get(instrument.native_symbol)
    if tiers is None:
        reason = (
            f"the venue tells brackets only to holders of a key; a {SOURCE} is here of {KNOWN}, "
            f"not of {instrument.native_symbol}"
        )
        raise NotSupported(EXCHANGE, "margin_tiers", reason)
    return MarginTiers(
        exchange=EXCHANGE,
        symbol=instrument.symbol,
        native_symbol=instrument.native_symbol,
        timestamp_ms=SNAPSHOT_MS,
        received_ns=SNAPSHOT_MS * _NS_PER_MS,
        tiers=tiers,
        source=SOURCE,
    )
