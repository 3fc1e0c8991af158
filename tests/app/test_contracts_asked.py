"""Which contracts a call means."""

from pathlib import Path

import pytest

from headwater.app.contracts_asked import AskedContract, asked_contracts
from headwater.core.errors import ConfigError

BINANCE, BYBIT = "binance:BTCUSDT=a.csv", "bybit:btc-usdt=b.csv"


def names(
    data: list[str] | None = None,
    funding: list[str] | None = None,
    symbol: str = "",
    exchange: str = "",
) -> list[str]:
    return [one.name for one in asked_contracts(data, funding, symbol, exchange)]


def test_files_with_names_are_contracts_in_their_order() -> None:
    assert names([BYBIT, BINANCE]) == ["bybit:BTCUSDT", "binance:BTCUSDT"]
    (one,) = asked_contracts([BINANCE], None, "", "")
    assert one == AskedContract(data=Path("a.csv"), symbol="BTCUSDT", exchange="binance")


def test_a_plain_file_is_named_by_the_other_options() -> None:
    (one,) = asked_contracts(["a.csv"], ["paid.csv"], "BTCUSDT", "okx")
    assert one == AskedContract(
        data=Path("a.csv"), symbol="BTCUSDT", exchange="okx", funding="paid.csv"
    )


def test_a_file_that_is_there_is_never_taken_for_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("x:Y=z.csv").touch()
    (one,) = asked_contracts(["x:Y=z.csv"], None, "", "")
    assert (one.data, one.symbol) == (Path("x:Y=z.csv"), "")


def test_stored_series_are_every_symbol_on_every_venue() -> None:
    assert names(symbol="BTCUSDT,eth/usdt", exchange="binance, Bybit") == [
        *("binance:BTCUSDT", "bybit:BTCUSDT", "binance:ETHUSDT", "bybit:ETHUSDT")
    ]
    assert names(symbol="binance:BTCUSDT,bybit:ETHUSDT") == ["binance:BTCUSDT", "bybit:ETHUSDT"]
    # A symbol of the common spelling with a settlement currency names no venue.
    (one,) = asked_contracts(None, None, "BTC/USDT:USDT", "binance")
    assert (one.symbol, one.exchange) == ("BTC/USDT:USDT", "binance")


def test_payments_belong_to_the_contract_that_they_name() -> None:
    found = asked_contracts([BINANCE, BYBIT], ["bybit:BTCUSDT=paid.csv"], "", "")
    assert [one.funding for one in found] == ["", "paid.csv"]
    found = asked_contracts(None, ["none"], "BTCUSDT", "binance,bybit")
    assert [one.funding for one in found] == ["none", "none"]


@pytest.mark.parametrize(
    ("data", "funding", "symbol", "exchange", "said"),
    [
        (["a.csv", "b.csv"], None, "", "", "--data: a.csv.*for each of several"),
        ([BINANCE, BINANCE], None, "", "", "--data: binance:BTCUSDT twice"),
        ([BINANCE], None, "BTCUSDT", "", "--symbol: BTCUSDT.*nothing beside"),
        ([BINANCE, BYBIT], ["paid.csv"], "", "", "--funding: paid.csv.*for each of several"),
        ([BINANCE, BYBIT], ["okx:BTCUSDT=p.csv"], "", "", "--funding.*binance:BTCUSDT, bybit"),
        (None, None, "BTCUSDT,ETHUSDT", "", "--exchange: not given"),
        (["."], None, "", "", "--data: '.' is a folder"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    data: list[str] | None, funding: list[str] | None, symbol: str, exchange: str, said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        asked_contracts(data, funding, symbol, exchange)
