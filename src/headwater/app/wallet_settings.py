"""The settings of wallets whose positions are watched; part of `Settings`."""

import re
from typing import Annotated, Final

from pydantic import BaseModel, Field, field_validator
from pydantic_settings import NoDecode

WALLETS_MAX: Final = 100
"""Most wallets: at the shortest round they take a third of what the venue allows an address."""

_ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]{40}")


class WalletSettings(BaseModel):
    """Which wallets, and how often they are read."""

    hyperliquid_wallets: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description=(
            "Addresses on Hyperliquid (`0x` and 40 hexadecimal digits, at most 100, "
            "comma-separated) whose open positions are read for the `observed` liquidation map; "
            "empty: none. They are public there; needs `hyperliquid` among the venues."
        ),
    )
    wallet_interval_s: float = Field(
        default=60.0,
        ge=30,
        le=300,
        allow_inf_nan=False,
        description="Seconds in which each of these wallets is read once.",
    )

    @field_validator("hyperliquid_wallets", mode="before")
    @classmethod
    def _split_wallets(cls, value: object) -> object:
        """Takes a comma-separated text for a list."""
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("hyperliquid_wallets", mode="after")
    @classmethod
    def _addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        """Takes each address once, in lower case; refuses what is none, and too many."""
        for one in value:
            if _ADDRESS.fullmatch(one) is None:
                raise ValueError(f"{one[:60]!r} is no address: want 0x and 40 hexadecimal digits")
        wallets = tuple(dict.fromkeys(one.lower() for one in value))
        if len(wallets) > WALLETS_MAX:
            raise ValueError(f"{len(wallets)} wallets are too many: at most {WALLETS_MAX}")
        return wallets
