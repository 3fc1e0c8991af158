"""What a client's filter lets pass, and which filters are understood."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.api import fake_source as fake

from headwater.api.stream_filters import (
    LIST_MAX,
    EventFilter,
    SpikeFilter,
    read_event_filter,
    read_spike_filter,
)
from headwater.core.errors import RequestError, UnknownSymbol, VenueUnavailable
from headwater.core.intervals import Interval

SOURCES = {
    "binance": fake.FakeSource("binance", ["BTCUSDT", "ETHUSDT"]),
    "okx": fake.FakeSource("okx", ["BTCUSDT", "DOGEUSDT"]),
}
OFFERED = (Interval.M5, Interval.H1)


def test_the_least_value_is_inclusive() -> None:
    wants = EventFilter(33_500.0)
    assert wants(fake.make_liquidation())
    assert not wants(msgspec.structs.replace(fake.make_liquidation(), value=33_499.99))
    assert not wants(fake.make_ticker())


def test_venues_and_symbols_are_both_asked_for() -> None:
    wants = EventFilter(0.0, frozenset({"binance"}), frozenset({"ETHUSDT"}))
    trade = fake.make_trade(1, "ETHUSDT")
    assert wants(trade)
    assert not wants(msgspec.structs.replace(trade, exchange="okx"))
    assert not wants(fake.make_trade(1, "BTCUSDT"))


def test_spikes_pass_by_their_bars() -> None:
    wants = SpikeFilter(frozenset({Interval.H1}), None, frozenset({"BTCUSDT"}))
    assert wants(fake.make_spike(interval=Interval.H1))
    assert not wants(fake.make_spike(interval=Interval.M5))
    assert not wants(fake.make_spike("ETHUSDT", interval=Interval.H1))
    assert not wants(fake.make_trade())


def test_what_is_not_given_has_its_default() -> None:
    assert read_event_filter({}, SOURCES, 5_000.0) == EventFilter(5_000.0)
    assert read_spike_filter({}, SOURCES, OFFERED) == SpikeFilter(frozenset(OFFERED))


def test_spellings_of_one_wish_are_one_filter() -> None:
    first = read_event_filter(
        {"min_value_usd": "1e4", "exchanges": "OKX,binance", "symbols": "btc,doge/usdt"},
        SOURCES,
        5_000.0,
    )
    second = read_event_filter(
        {"symbols": "DOGE-USDT, BTCUSDT", "exchanges": "binance,okx", "min_value_usd": "10000.0"},
        SOURCES,
        5_000.0,
    )
    assert (first, hash(first)) == (second, hash(second))
    assert first.query == "exchanges=binance,okx&min_value_usd=10000&symbols=BTCUSDT,DOGEUSDT"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"min_value_usd": "NaN"}, "min_value_usd"),
        ({"min_value_usd": "-1"}, "min_value_usd"),
        ({"min_value_usd": "1e13"}, "min_value_usd"),
        ({"min_value_usd": "1_000"}, "min_value_usd"),
        ({"min_value_usd": ""}, "min_value_usd"),
        ({"exchanges": "kraken"}, "exchanges"),
        ({"exchanges": "binance,"}, "exchanges"),
        ({"symbols": "NOPE"}, "symbol"),
        ({"symbols": "DOGEUSDT", "exchanges": "binance"}, "symbol"),
        ({"symbols": ",".join(["BTC"] * (LIST_MAX + 1))}, "symbols"),
    ],
)
def test_a_wrong_value_is_named(fields: dict[str, str], field: str) -> None:
    with pytest.raises(RequestError) as caught:
        read_event_filter(fields, SOURCES, 5_000.0)
    assert caught.value.field == field


def test_only_watched_bars_may_be_asked_for() -> None:
    assert read_spike_filter({"timeframes": "1h"}, SOURCES, OFFERED).timeframes == {Interval.H1}
    with pytest.raises(RequestError) as caught:
        read_spike_filter({"timeframes": "5m,4h"}, SOURCES, OFFERED)
    assert (caught.value.field, caught.value.allowed) == ("timeframes", "5m, 1h")


def test_a_monitor_that_is_off_says_so_instead_of_nothing() -> None:
    with pytest.raises(RequestError, match="turned off"):
        read_spike_filter({}, SOURCES, ())


def test_a_symbol_may_belong_to_a_venue_that_has_not_answered_yet() -> None:
    waiting = fake.FakeSource("okx")
    waiting.forget_instruments()
    sources = {"binance": SOURCES["binance"], "okx": waiting}
    with pytest.raises(VenueUnavailable):
        read_event_filter({"symbols": "DOGEUSDT"}, sources, 0.0)
    with pytest.raises(UnknownSymbol):
        read_event_filter({"symbols": "DOGEUSDT", "exchanges": "binance"}, sources, 0.0)
    found = read_event_filter({"symbols": "BTC"}, sources, 0.0)
    assert found.symbols == frozenset({"BTCUSDT"})


@given(
    st.floats(min_value=0, max_value=1e12).map(lambda value: round(value, 8)),
    st.sets(st.sampled_from(["binance", "okx"]), min_size=1),
    st.sets(st.sampled_from(["BTCUSDT", "ETHUSDT", "DOGEUSDT"])),
)
def test_the_query_of_a_filter_means_the_filter(
    value: float, exchanges: set[str], symbols: set[str]
) -> None:
    listed = {one.symbol for name in exchanges for one in SOURCES[name].table} & symbols
    wants = EventFilter(
        float(f"{value:.8f}"), frozenset(exchanges), frozenset(listed) if listed else None
    )
    fields = dict(part.split("=", 1) for part in wants.query.split("&"))
    assert read_event_filter(fields, SOURCES, 1.0) == wants
