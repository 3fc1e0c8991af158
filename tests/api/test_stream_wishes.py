"""Paths and queries of streams, understood or refused with words."""

import pytest
from tests.api import fake_source as fake

from headwater.api.stream_wishes import NoSuchStream, StreamWish, understand
from headwater.core.enums import Channel
from headwater.core.errors import RequestError
from headwater.core.intervals import Interval

SOURCES = {name: fake.FakeSource(name) for name in ("binance", "okx")}


def wish(path: str, query: str = "") -> StreamWish:
    return understand(SOURCES, (Interval.M5, Interval.H1), path, query)


@pytest.mark.parametrize(
    ("path", "query", "name"),
    [
        ("binance/btc/usdt/trades", "", "binance/BTCUSDT/trades"),
        ("BINANCE/BTC-USDT/ohlc", "", "binance/BTCUSDT/ohlc?interval=1m"),
        ("okx/btc/ohlc", "interval=1h", "okx/BTCUSDT/ohlc?interval=1h"),
        ("okx/ALL/liquidations", "", "okx/all/liquidations"),
        ("all/liquidations", "", "all/liquidations?min_value_usd=5000"),
        (
            "all/large_trades",
            "symbols=eth,btc&min_value_usd=1",
            "all/large_trades?min_value_usd=1&symbols=BTCUSDT,ETHUSDT",
        ),
        ("oi-vol", "exchanges=okx", "oi-vol?exchanges=okx&timeframes=5m,1h"),
    ],
)
def test_a_wish_has_one_name_that_means_it_again(path: str, query: str, name: str) -> None:
    assert wish(path, query).name == name
    again_path, _, again_query = name.partition("?")
    assert wish(again_path, again_query) == wish(path, query)


def test_liquidations_need_every_venue_and_large_trades_the_symbols_named() -> None:
    found = wish("all/liquidations").needs
    assert [need.source.facts.venue_id for need in found] == ["binance", "okx"]
    assert {need.subscription.native_symbol for need in found} == {None}
    assert wish("all/large_trades").needs == ()
    (need,) = wish("all/large_trades", "symbols=btc&exchanges=okx").needs
    assert need.source.facts.venue_id == "okx"
    assert need.subscription.channel is Channel.TRADES
    assert wish("oi-vol").needs == ()


@pytest.mark.parametrize("path", ["", "binance", "binance/BTCUSDT", "all/trades", "all", "oi-vol/"])
def test_a_path_that_is_none_is_named(path: str) -> None:
    with pytest.raises(NoSuchStream) as caught:
        wish(path)
    assert caught.value.field == "path"
    assert "all/liquidations" in caught.value.allowed


@pytest.mark.parametrize(
    ("path", "query", "field"),
    [
        ("kraken/BTCUSDT/trades", "", "exchange"),
        ("all/BTCUSDT/trades", "", "exchange"),
        ("binance/BTCUSDT/nope", "", "stream"),
        ("binance/NOPE/trades", "", "symbol"),
        ("binance/BTCUSDT/trades", "interval=1m", "interval"),
        ("binance/BTCUSDT/ohlc", "interval=7m", "interval"),
        ("all/liquidations", "timeframes=5m", "timeframes"),
        ("all/liquidations", "min_value_usd=1&min_value_usd=2", "min_value_usd"),
        ("oi-vol", "min_value_usd=1", "min_value_usd"),
        ("oi-vol", "&".join(f"a{n}=1" for n in range(17)), "query"),
    ],
)
def test_what_is_wrong_is_named(path: str, query: str, field: str) -> None:
    with pytest.raises(RequestError) as caught:
        wish(path, query)
    assert caught.value.field == field
