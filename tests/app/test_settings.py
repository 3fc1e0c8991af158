"""Settings: sources, spellings, refusals."""

from pathlib import Path

import pytest

from headwater.app.settings import load, setting_names
from headwater.core.errors import ConfigError
from headwater.core.intervals import Interval


def test_zero_settings_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    for names in setting_names().values():
        for name in names:
            monkeypatch.delenv(name, raising=False)
    settings = load()
    assert settings.host == "127.0.0.1"
    assert settings.supported_symbols == ("BTCUSDT", "ETHUSDT", "SOLUSDT")


def test_names_of_other_tools_and_any_spelling_of_symbols(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUPPORTED_SYMBOLS", "btc-usdt, ETH/USDT:USDT,BTCUSDT")
    monkeypatch.setenv("SUPPORTED_INTERVALS", "1m,1h")
    monkeypatch.setenv("HEADWATER_LARGE_TRADE_THRESHOLD_USD", "7")
    settings = load()
    assert settings.supported_symbols == ("BTCUSDT", "ETHUSDT")
    assert settings.supported_intervals == (Interval.M1, Interval.H1)
    assert settings.large_trade_threshold_usd == 7


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("http://127.0.0.1:8001/api/", "http://127.0.0.1:8001/api"),
        (" https://liquidations.example ", "https://liquidations.example"),
        ("http://[::1]:9", "http://[::1]:9"),
        ("", None),
    ],
)
def test_o_s20_the_external_service_by_the_name_others_use(
    monkeypatch: pytest.MonkeyPatch, given: str, read: str | None
) -> None:
    monkeypatch.setenv("LIQUIDATION_API_BASE_URL", given)
    assert load().liquidation_api_base_url == read


@pytest.mark.parametrize(
    "given",
    [
        "liquidations.example",
        "ftp://liquidations.example",
        "file:///etc/passwd",
        "http://",
        "http://host:99999",
        "http://user:secret@host",
        "http://host/?key=secret",
        "http://host/#secret",
        "http://host name",
    ],
)
def test_o_s20_what_is_no_address_is_refused_without_repeating_it(given: str) -> None:
    with pytest.raises(ConfigError, match="liquidation_api_base_url") as refused:
        load(options={"liquidation_api_base_url": given})
    assert "secret" not in str(refused.value)


def test_l_w1_names_of_the_heat_map_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (load().ws_enabled, load().ws_update_interval_s) == (True, 5)
    monkeypatch.setenv("WS_ENABLED", "false")
    monkeypatch.setenv("WS_UPDATE_INTERVAL", "60")
    assert (load().ws_enabled, load().ws_update_interval_s) == (False, 60)
    monkeypatch.setenv("HEADWATER_WS_UPDATE_INTERVAL_S", "2")
    assert load().ws_update_interval_s == 2
    monkeypatch.setenv("HEADWATER_WS_UPDATE_INTERVAL_S", "61")
    with pytest.raises(ConfigError, match="ws_update_interval_s"):
        load()


def test_option_wins_over_environment_wins_over_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "headwater.toml"
    file.write_text('port = 1\nlog_level = "DEBUG"\nhost = "127.0.0.2"\n')
    monkeypatch.setenv("HEADWATER_PORT", "2")
    settings = load(file, {"host": "127.0.0.3", "log_format": None})
    assert (settings.port, settings.log_level, settings.host) == (2, "DEBUG", "127.0.0.3")


@pytest.mark.parametrize(
    ("options", "setting"),
    [
        ({"port": -1}, "port"),
        ({"port": "high"}, "port"),
        ({"supported_symbols": ""}, "supported_symbols"),
        ({"supported_intervals": "7m"}, "supported_intervals"),
        ({"cors_origins": "*"}, "cors_origins"),
        ({"log_level": "LOUD"}, "log_level"),
        ({"large_trade_threshold_usd": -1}, "large_trade_threshold_usd"),
        ({"nonsense": 1}, "nonsense"),
        ({"environment": "production", "host": "0.0.0.0"}, "settings"),
    ],
)
def test_refusals_name_the_setting(options: dict[str, object], setting: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(options=options)
    assert caught.value.setting.startswith(setting)


def test_a_misspelt_variable_is_refused() -> None:
    with pytest.raises(ConfigError, match="HEADWATER_PROT"):
        load(environ={"HEADWATER_PROT": "8000"})


def test_an_unreadable_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--config"):
        load(tmp_path / "absent.toml")


def test_secrets_do_not_print(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADWATER_METRICS_TOKEN", "hunter2hunter2")
    assert "hunter2" not in repr(load())
