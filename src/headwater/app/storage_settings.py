"""The settings of storage: where things lie and how long; part of `Settings`.

How a setting is named in the environment stands here too, because every part needs it.
"""

from pathlib import Path
from typing import Annotated

from pydantic import AliasChoices, BaseModel, Field, SecretStr

from headwater.core.enums import StoredTable

PREFIX = "HEADWATER_"
"""Begins the name of every setting in the environment."""


def also_known_as(setting: str, known_as: str) -> AliasChoices:
    """Our name of a setting, the name other tools use for it, and its name in the file."""
    return AliasChoices(PREFIX + setting.upper(), known_as, setting)


class StorageSettings(BaseModel):
    """What is kept, where and how long."""

    data_dir: Path = Field(
        default=Path("~/.local/share/headwater"),
        description="Folder of the platform's own data, made when it is not there.",
    )
    database_url: SecretStr | None = Field(
        default=None,
        description=(
            "The database: `postgresql://user:password@host/name`, or `sqlite:////absolute/file`; "
            "not set: a SQLite file in `data_dir`. Simulated runs use one that is thrown away."
        ),
    )
    retention_days: dict[
        StoredTable, Annotated[float, Field(gt=0, le=100_000, allow_inf_nan=False)]
    ] = Field(
        default={
            StoredTable.TRADES: 90,
            StoredTable.OPEN_INTEREST: 365,
            StoredTable.GAPS: 365,
            StoredTable.LIVE_SPELLS: 365,
        },
        description="Days that rows are kept, by table, as JSON; tables not named: for ever.",
    )
    backfill_days: float = Field(
        default=7.0,
        ge=0,
        le=3_650,
        allow_inf_nan=False,
        description=(
            "Days before the start that are fetched where storage lacks them: candles, open "
            "interest and funding of `supported_symbols`; 0 turns back-filling off."
        ),
    )
    record_dir: Path | None = Field(
        default=None,
        description="Folder for the raw tape of everything received; unset: nothing is recorded.",
    )
