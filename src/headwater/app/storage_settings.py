"""The settings of storage: where things lie and how long; part of `Settings`.

How a setting is named in the environment stands here too, because every part needs it.
"""

from pathlib import Path
from typing import Annotated

from pydantic import AliasChoices, BaseModel, Field, SecretStr, field_validator

from headwater.core.enums import StoredTable, StoredTrades

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
        default={StoredTable.TRADES: 90, StoredTable.OPEN_INTEREST: 365, StoredTable.GAPS: 365},
        description=(
            "Days that rows are kept, by table, as JSON; tables not named: for ever, and "
            "`forecasts` in any case."
        ),
    )
    store_trades: StoredTrades = Field(
        default=StoredTrades.LARGE,
        description=(
            "Trades that are stored: `large` ones (`large_trade_threshold_usd`), `all` of the "
            "symbols that are live, which takes about 200 bytes each, or `none`."
        ),
    )
    record_dir: Path | None = Field(
        default=None,
        description="Folder for the raw tape of everything received; unset: nothing is recorded.",
    )

    @field_validator("retention_days")
    @classmethod
    def _keeps_forecasts(cls, days: dict[StoredTable, float]) -> dict[StoredTable, float]:
        """Refuses an end for what may never be deleted."""
        if StoredTable.FORECASTS in days:
            raise ValueError("forecasts are never deleted: a score is about what was said then")
        return days
