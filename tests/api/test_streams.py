"""The table of streams is whole."""

import json
from typing import Any

import pytest
from tests.api import fake_source as fake

from headwater.api.schemas.base import json_schema_of
from headwater.api.streams import AGGREGATES, ALL, ANY_EXCHANGE, STREAMS, AggregateSpec, StreamSpec
from headwater.bus.topics import SlowPolicy
from headwater.core.intervals import Interval
from headwater.core.records import (
    BookSnapshot,
    Candle,
    LargeTrade,
    Liquidation,
    MarkPrice,
    OiVolumeSpike,
    Record,
    Ticker,
    Trade,
)

EXAMPLES: dict[type[Record], Record] = {
    Candle: fake.make_candle(),
    Liquidation: fake.make_liquidation(),
    LargeTrade: fake.make_large_trade(),
    Trade: fake.make_trade(),
    BookSnapshot: fake.make_book(),
    Ticker: fake.make_ticker(),
    MarkPrice: fake.make_mark_price(),
    OiVolumeSpike: fake.make_spike(),
}


def test_the_promised_streams_are_there() -> None:
    assert {"ohlc", "liquidations", "large_trades"} <= set(STREAMS)


@pytest.mark.parametrize("spec", STREAMS.values(), ids=lambda spec: spec.name)
def test_a_message_is_one_view_without_a_type(spec: StreamSpec) -> None:
    message: dict[str, Any] = json.loads(spec.encode(EXAMPLES[spec.record]))
    assert set(message) == set(json_schema_of(spec.view)["properties"])
    assert "type" not in message


@pytest.mark.parametrize("spec", AGGREGATES.values(), ids=lambda spec: spec.path)
def test_a_message_of_all_venues_names_its_type(spec: AggregateSpec) -> None:
    message: dict[str, Any] = json.loads(spec.encode(EXAMPLES[spec.record]))
    assert set(message) == set(json_schema_of(spec.view)["properties"])
    kinds = {"all/liquidations": "liquidation", "all/large_trades": "large_trade"}
    assert message["type"] == kinds.get(spec.path, "oi_spike")
    assert spec.key(ANY_EXCHANGE, "*", None) == f"{ALL}:{spec.name}"


def test_a_spike_is_told_with_two_decimals() -> None:
    told = json.loads(AGGREGATES["oi-vol"].encode(fake.make_spike()))
    assert (told["z_oi"], told["z_vol"], told["timeframe"]) == (3.14, None, "5m")


def test_keys_name_venue_symbol_stream_and_interval() -> None:
    assert STREAMS["ohlc"].key("binance", "BTCUSDT", Interval.M1) == "binance:BTCUSDT:ohlc:1m"
    assert STREAMS["trades"].key("binance", "BTCUSDT", None) == "binance:BTCUSDT:trades"


def test_events_are_dropped_with_notice_and_states_replaced() -> None:
    assert STREAMS["trades"].policy is SlowPolicy.DROP_OLDEST
    assert STREAMS["orderbook"].policy is SlowPolicy.LATEST
