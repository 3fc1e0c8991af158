"""The settings of storage: where things lie and how long; part of `Settings`.

How a setting is named in the environment stands here too, because every part needs it.
"""

from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AliasChoices, BaseModel, Field, SecretStr, field_validator
from pydantic_settings import NoDecode

from headwater.core.enums import StoredTable, StoredTrades, TapeFormat
from headwater.core.instruments import canonical_spelling
from headwater.services.tape_recording import TAPE_KINDS

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
            StoredTable.MARK_CANDLES: 400,
            StoredTable.OPEN_INTEREST: 365,
            StoredTable.GAPS: 365,
            StoredTable.LIVE_SPELLS: 365,
        },
        description=(
            "Days that rows are kept, by table, as JSON; tables not named: for ever, and "
            "`forecasts` and `strategies` in any case."
        ),
    )
    store_trades: StoredTrades = Field(
        default=StoredTrades.LARGE,
        description=(
            "Trades that are stored: `large` ones (`large_trade_threshold_usd`), `all` of the "
            "symbols that are live, which takes about 200 bytes each, or `none`."
        ),
    )
    backfill_days: float = Field(
        default=7.0,
        ge=0,
        le=3_650,
        allow_inf_nan=False,
        description=(
            "Days before the start that are fetched where storage lacks them: candles, bars of "
            "the mark price, open interest and funding of `supported_symbols`; 0 turns "
            "back-filling off."
        ),
    )
    record_dir: Path | None = Field(
        default=None,
        description="Folder for the raw tape of everything received; unset: nothing is recorded.",
    )
    liquidation_api_base_url: str | None = Field(
        default=None,
        max_length=2_000,
        validation_alias=also_known_as("liquidation_api_base_url", "LIQUIDATION_API_BASE_URL"),
        description=(
            "Address of a service that tells of liquidations before our own first one: it answers "
            "`/liquidation-orders` and `/liquidations` behind this address. Not set or empty: none "
            "is asked. Simulated runs ask none."
        ),
    )

    @field_validator("liquidation_api_base_url")
    @classmethod
    def _base_address(cls, value: str | None) -> str | None:
        """Takes an address without the slash at its end; refuses what cannot be one."""
        text = (value or "").strip().rstrip("/")
        if not text:
            return None
        try:
            parts = urlsplit(text)
            is_address = parts.scheme in ("http", "https") and bool(parts.hostname)
            is_address = is_address and parts.port != 0
        except ValueError:
            is_address = False
        if not is_address or any(mark in text for mark in ("?", "#", "@", " ")):
            # Not repeated in the words: a password may stand in it.
            raise ValueError("want http(s)://host[:port][/path], without user, password or query")
        return text

    forecast_symbols: Annotated[tuple[str, ...] | None, NoDecode] = Field(
        default=None,
        max_length=20,
        description=(
            "Symbols of which every model's liquidation map is written down each hour, to be "
            "scored later, at most 20, comma-separated: 3.7 MB a day and symbol, for ever. Not "
            "set: the first three of `supported_symbols`; empty: none."
        ),
    )

    @field_validator("forecast_symbols", mode="before")
    @classmethod
    def _split_symbols(cls, value: object) -> object:
        """Takes a comma-separated text for a list, in canonical spelling."""
        if not isinstance(value, str):
            return value
        parts = (canonical_spelling(part) for part in value.split(","))
        return tuple(dict.fromkeys(part for part in parts if part))

    @field_validator("retention_days")
    @classmethod
    def _keeps_forecasts(cls, days: dict[StoredTable, float]) -> dict[StoredTable, float]:
        """Refuses an end for what may never be deleted."""
        if StoredTable.FORECASTS in days:
            raise ValueError("forecasts are never deleted: a score is about what was said then")
        if StoredTable.STRATEGIES in days:
            raise ValueError("strategies are never deleted: every version is kept")
        return days

    record_format: TapeFormat = Field(
        default=TapeFormat.NDJSON,
        description=(
            "How the raw tape is written: `ndjson` is on the disk within half a second, `parquet` "
            "within a minute, a little smaller and read many times as fast."
        ),
    )
    tape_dir: Path | None = Field(
        default=None,
        description=(
            "Folder for a tape of Parquet of the normalised records of `tape_kinds`; unset: none. "
            "Simulated runs write none."
        ),
    )
    tape_kinds: Annotated[tuple[str, ...], NoDecode] = Field(
        default=("trade", "liquidation", "open_interest", "mark_price"),
        description=f"Kinds of records on that tape, comma-separated: {', '.join(TAPE_KINDS)}.",
    )

    @field_validator("tape_kinds", mode="before")
    @classmethod
    def _split_kinds(cls, value: object) -> object:
        """Takes a comma-separated text for a list."""
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("tape_kinds", mode="after")
    @classmethod
    def _known_kinds(cls, kinds: tuple[str, ...]) -> tuple[str, ...]:
        """Refuses a kind that there is not."""
        unknown = [kind for kind in kinds if kind not in TAPE_KINDS]
        if unknown:
            raise ValueError(f"{unknown[0]!r} is no kind: {', '.join(TAPE_KINDS)}")
        return tuple(dict.fromkeys(kinds))
