"""Words become venues, instruments and capabilities, or errors that name themselves."""

import pytest
from tests.api.fake_source import FakeSource

from headwater.api.lookup import (
    IntervalNotOffered,
    UnknownExchange,
    canonical_symbols,
    demand,
    demand_candles,
    demand_interval,
    instrument_of,
    source_of,
    table_of,
)
from headwater.core.errors import NotSupported, UnknownSymbol, VenueUnavailable
from headwater.core.intervals import Interval


def test_a_venue_is_found_in_any_case() -> None:
    source = FakeSource()
    assert source_of({"binance": source}, "Binance") is source
    with pytest.raises(UnknownExchange, match="one of binance") as caught:
        source_of({"binance": source}, "binanse")
    assert caught.value.suggestions == ("binance",)


def test_nothing_is_known_before_the_instruments_are_loaded() -> None:
    source = FakeSource()
    assert instrument_of(source, "btc/usdt").symbol == "BTCUSDT"
    with pytest.raises(UnknownSymbol):
        instrument_of(source, "NOSUCH")
    source.forget_instruments()
    with pytest.raises(VenueUnavailable, match="not loaded") as caught:
        table_of(source)
    assert caught.value.retry_after_s


def test_a_missing_capability_says_why() -> None:
    source = FakeSource()
    demand(source, "ohlc")
    with pytest.raises(NotSupported, match="the venue keeps none"):
        demand(source, "funding_history")
    with pytest.raises(NotSupported, match="not offered"):
        demand(source, "horoscope")


def test_candles_are_had_or_built_readings_are_only_had() -> None:
    source = FakeSource()
    for interval in (Interval.M1, Interval.M3, Interval.D3):
        demand_candles(source, interval)
    with pytest.raises(IntervalNotOffered, match="binance has 1m, 5m, 1h") as caught:
        demand_candles(source, Interval.MONTH1)
    assert caught.value.field == "interval"
    with pytest.raises(IntervalNotOffered):
        demand_interval(source, "period", Interval.M15, source.facts.open_interest_periods)


def test_a_symbol_that_no_venue_lists_names_them_all_and_what_is_near() -> None:
    sources = [FakeSource("binance"), FakeSource("okx")]
    with pytest.raises(UnknownSymbol) as caught:
        canonical_symbols("BTCUSTD", sources)
    assert "a symbol that binance or okx lists" in str(caught.value)
    assert caught.value.suggestions[0] == "BTCUSDT"
