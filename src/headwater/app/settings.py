"""All settings: the only reader of the environment and of the settings file.

Every default stands here and nowhere else; zero settings run the whole platform. A setting `x` is
read, the first that is there wins, from a command's option, the environment (`HEADWATER_X`; for
the names that other tools already use also plain `X`), the TOML file given by `--config`. Unknown
names are refused. `docs/reference/settings.md` is generated from this module.
"""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from headwater.app.backtest_settings import BacktestSettings
from headwater.app.storage_settings import PREFIX, StorageSettings, also_known_as
from headwater.app.wallet_settings import WalletSettings
from headwater.core.enums import SpikeMethod
from headwater.core.errors import ConfigError
from headwater.core.instruments import canonical_spelling
from headwater.core.intervals import Interval

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class VenueAddressSettings(BaseModel):
    """Where to reach one venue instead of its own servers: a proxy or a simulated exchange."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rest: str = Field(description="Base URL of REST, without a trailing slash.")
    streams: dict[str, str] = Field(description="Base URL of each WebSocket endpoint by its name.")


class Settings(StorageSettings, WalletSettings, BacktestSettings, BaseSettings):
    """Everything that can be set. Units are in the names."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, extra="forbid", frozen=True, populate_by_name=True
    )

    environment: Literal["development", "production"] = Field(
        default="development",
        description="`production` refuses settings that are only fit for trying things out.",
    )
    host: str = Field(
        default="127.0.0.1",
        validation_alias=also_known_as("host", "APP_HOST"),
        description="Address the API listens on. Beyond loopback, name `allowed_hosts`.",
    )
    port: int = Field(
        default=8000,
        ge=0,
        le=65535,
        validation_alias=also_known_as("port", "APP_PORT"),
        description="TCP port of the API; 0 takes a free one.",
    )
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description=(
            "Host names under which browsers may reach the API when it listens beyond loopback; "
            "an own name, not a port. Comma-separated."
        ),
    )
    dashboard: bool = Field(
        default=True,
        description="Whether the dashboard is served under `/dashboard/`.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO",
        validation_alias=also_known_as("log_level", "LOG_LEVEL"),
        description="Least severe log lines that are written.",
    )
    log_format: Literal["auto", "console", "json"] = Field(
        default="auto",
        description="`auto` writes for people on a terminal and JSON lines elsewhere.",
    )
    venues: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Venues to connect to, comma-separated; empty: every venue there is.",
    )
    ccxt_exchanges: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description=(
            "Further exchanges by their id in ccxt (`kraken`, `gate`), comma-separated, by REST "
            "only; needs the optional extra `headwater[ccxt]`."
        ),
    )
    venue_environment: str = Field(
        default="live", description="Which of a venue's environments: `live` or `testnet`."
    )
    venue_addresses: dict[str, VenueAddressSettings] = Field(
        default_factory=dict,
        description=(
            "Other addresses by venue id, as JSON, for a proxy or a simulated exchange: "
            '`{"binance": {"rest": "http://127.0.0.1:9001", "streams": {"public": …}}}`.'
        ),
    )
    supported_symbols: Annotated[tuple[str, ...], NoDecode] = Field(
        default=("BTCUSDT", "ETHUSDT", "SOLUSDT"),
        validation_alias=also_known_as("supported_symbols", "SUPPORTED_SYMBOLS"),
        description=(
            "Symbols kept live all the time (trades, book, candles, quotes, mark price); any other "
            "symbol is connected when somebody asks for it. Comma-separated."
        ),
    )
    supported_intervals: Annotated[tuple[Interval, ...], NoDecode] = Field(
        default=(Interval.M1,),
        validation_alias=also_known_as("supported_intervals", "SUPPORTED_INTERVALS"),
        description="Candle intervals kept live all the time for `supported_symbols`.",
    )
    large_trade_threshold_usd: float = Field(
        default=50_000.0,
        ge=0,
        validation_alias=also_known_as("large_trade_threshold_usd", "LARGE_TRADE_THRESHOLD_USD"),
        description="Least value, in USD, of a trade in the large-trades streams.",
    )
    oi_volume_symbols: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description=(
            "Symbols that the open-interest and volume monitor watches on every venue; empty: the "
            "supported symbols. Comma-separated."
        ),
    )
    oi_volume_timeframes: Annotated[tuple[Interval, ...], NoDecode] = Field(
        default=(Interval.M5, Interval.M15, Interval.H1),
        description="Lengths of the bars it tests, comma-separated; empty turns the monitor off.",
    )
    oi_volume_method: SpikeMethod = Field(
        default=SpikeMethod.CLASSIC,
        description="How bars are scored: `classic`, `robust`, `seasonal` or `ewma`.",
    )
    oi_volume_thresholds: dict[Interval, Annotated[float, Field(gt=0, allow_inf_nan=False)]] = (
        Field(
            default_factory=dict,
            description=(
                "Thresholds by timeframe, as JSON, instead of 3.0 at 5m, 2.5 at 15m and 2.0 at "
                '1h, or for other timeframes, which need one: `{"4h": 2.0}`.'
            ),
        )
    )
    oi_volume_window: int = Field(
        default=100, ge=2, le=1_000, description="Bars before the tested one that it is held to."
    )
    oi_volume_minimum: int | None = Field(
        default=None,
        ge=2,
        description="Bars without which there is no score; not set: the whole window.",
    )
    oi_volume_floors: bool = Field(
        default=True,
        description=(
            "Whether a bar must have 100,000 / 250,000 / 1,000,000 USD of volume and 500,000 / "
            "1,000,000 / 2,500,000 USD of open interest at 5m / 15m / 1h to be an alert."
        ),
    )
    oi_volume_cooldown_bars: int = Field(
        default=3,
        ge=0,
        le=1_000,
        description="Bars after an alert without another one of its venue, symbol and timeframe.",
    )
    oi_volume_alerts_per_day: float | None = Field(
        default=None,
        gt=0,
        allow_inf_nan=False,
        description=(
            "Alert budget of each venue and timeframe, over all symbols: thresholds rise until 14 "
            "days fit; not set: none."
        ),
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=("http://localhost:3000", "http://localhost:5173"),
        validation_alias=also_known_as("cors_origins", "CORS_ORIGINS"),
        description="Web pages (origins) that may use the API from a browser. Comma-separated.",
    )
    stream_clients_max: int = Field(
        default=10_000, ge=1, le=1_000_000, description="WebSocket clients served at a time."
    )
    stream_clients_per_ip_max: int = Field(
        default=2_000, ge=1, description="WebSocket clients served at a time for one address."
    )
    stream_buffer_bytes: int = Field(
        default=1_048_576,
        ge=65_536,
        description="Bytes that may wait for one slow WebSocket client.",
    )
    ws_enabled: bool = Field(
        default=True,
        validation_alias=also_known_as("ws_enabled", "WS_ENABLED"),
        description="Whether `/ws/heatmap` is served; the other streams always are.",
    )
    ws_update_interval_s: int = Field(
        default=5,
        ge=1,
        le=60,
        validation_alias=also_known_as("ws_update_interval_s", "WS_UPDATE_INTERVAL"),
        description="Seconds between two snapshots of `/ws/heatmap` for clients that name none.",
    )
    request_timeout_s: float = Field(
        default=10.0,
        gt=0,
        le=120,
        validation_alias=also_known_as("request_timeout_s", "REQUEST_TIMEOUT"),
        description="Seconds a venue may take to answer one REST request.",
    )
    multi_timeout_s: float = Field(
        default=5.0,
        gt=0,
        le=60,
        description="Seconds one venue may take under `/multi/…`; then the others' data go out.",
    )
    metrics_token: SecretStr | None = Field(
        default=None,
        description="If set, `/metrics` demands `Authorization: Bearer …` with this token.",
    )

    @field_validator(
        "venues",
        "ccxt_exchanges",
        "supported_symbols",
        "oi_volume_symbols",
        "cors_origins",
        "allowed_hosts",
        mode="before",
    )
    @classmethod
    def _split(cls, value: object) -> object:
        """Takes a comma-separated text for a list."""
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("supported_intervals", "oi_volume_timeframes", mode="before")
    @classmethod
    def _split_intervals(cls, value: object) -> object:
        """Takes a comma-separated text for a list of intervals."""
        return cls._split(value)

    @field_validator("supported_symbols", mode="after")
    @classmethod
    def _canonical(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        """Brings symbols to the canonical spelling; an empty list would show an empty platform."""
        if not value:
            raise ValueError("at least one symbol")
        return tuple(dict.fromkeys(canonical_spelling(symbol) for symbol in value))

    @field_validator("oi_volume_symbols", mode="after")
    @classmethod
    def _canonical_or_none(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        """Brings symbols to the canonical spelling."""
        return tuple(dict.fromkeys(canonical_spelling(symbol) for symbol in value))

    @field_validator("cors_origins", mode="after")
    @classmethod
    def _origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        """An origin is scheme and host; `*` would let any page read."""
        for origin in value:
            if not origin.startswith(("http://", "https://")) or origin.count("/") != 2:
                raise ValueError(f"{origin!r} is not an origin such as http://localhost:3000")
        return value

    @model_validator(mode="after")
    def _beyond_loopback(self) -> Self:
        """In production, a listener beyond loopback names the hosts it answers for."""
        if (
            self.environment == "production"
            and self.host not in _LOOPBACK
            and not self.allowed_hosts
        ):
            raise ValueError("host beyond loopback in production needs allowed_hosts")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Reads arguments and the environment only; `load` merges the file itself."""
        del settings_cls, dotenv_settings, file_secret_settings
        return init_settings, env_settings


def load(
    config: Path | None = None,
    options: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """Reads all sources.

    Args:
        config: TOML file, None for none.
        options: what a command was given; `None` values mean "not given".
        environ: the environment, the process's own by default; only used to find unknown names.

    Returns:
        Checked settings.

    Raises:
        ConfigError: a name is unknown or a value is not allowed.
    """
    _refuse_unknown(os.environ if environ is None else environ)
    given = {name: value for name, value in (options or {}).items() if value is not None}
    in_file = _read_file(config) if config is not None else {}
    from_environment = _names_set(os.environ if environ is None else environ)
    merged = {k: v for k, v in in_file.items() if k not in from_environment} | given
    try:
        return Settings(**merged)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"]) or "settings"
        raise ConfigError(_plain_name(name), first["msg"], _allowed(_plain_name(name))) from error


def setting_names() -> dict[str, tuple[str, ...]]:
    """Each setting's environment names, preferred one first."""
    names: dict[str, tuple[str, ...]] = {}
    for name, field in Settings.model_fields.items():
        alias = field.validation_alias
        if isinstance(alias, AliasChoices):
            names[name] = tuple(str(choice) for choice in alias.choices if str(choice).isupper())
        else:
            names[name] = (PREFIX + name.upper(),)
    return names


def _names_set(environ: Mapping[str, str]) -> set[str]:
    """Settings that the environment gives."""
    present = {name.upper() for name in environ}
    return {name for name, keys in setting_names().items() if present & set(keys)}


def _refuse_unknown(environ: Mapping[str, str]) -> None:
    """A misspelt variable must not be silently without effect."""
    known = {key for keys in setting_names().values() for key in keys}
    # Read by the tests to find recordings, not by the platform.
    known.add(f"{PREFIX}WIRE")
    for name in environ:
        if name.upper().startswith(PREFIX) and name.upper() not in known:
            raise ConfigError(name, "no such setting", ", ".join(sorted(known)))


def _read_file(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ConfigError("--config", f"{path}: {error}", "a readable TOML file") from error


def _plain_name(name: str) -> str:
    """The setting's own name, whichever alias the error speaks of."""
    for setting, keys in setting_names().items():
        if name.upper() in keys:
            return setting
    return name


def _allowed(name: str) -> str:
    field = Settings.model_fields.get(name.split(".", 1)[0])
    return (field.description or "") if field is not None else "see `headwater settings`"
