"""Views of candles: each text says what its number says; what a chart is told of its contract."""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.api.fake_source import NOW_MS, make_candle

from headwater.api.schemas.base import encode
from headwater.api.schemas.terminal.candles import (
    CandleUpdateView,
    LoadHistoryRequest,
    candle_update,
    chart_symbol,
    terminal_candle,
    time_range,
)
from headwater.core.formatting import SymbolFormat, read_formatted
from headwater.core.intervals import Interval

WRITTEN = SymbolFormat(price_places=2, amount_places=1)


def test_an_update_has_the_fields_of_the_candle_and_where_it_belongs() -> None:
    record = msgspec.structs.replace(make_candle(), built_from=Interval.H1, revision=2)
    row = msgspec.json.decode(encode(terminal_candle(record, WRITTEN)))
    assert row["builtFrom"] == "1h"
    assert row["revision"] == 2
    data = encode(candle_update(record, WRITTEN))
    assert msgspec.json.decode(data) == {
        **row,
        "type": "candle_update",
        "exchange": "binance",
        "symbol": "BTCUSDT",
        "timeframe": "1m",
        "streamTimestamp": NOW_MS,
    }
    assert msgspec.json.decode(data, type=CandleUpdateView).close == 105.25


def test_a_candle_of_the_venues_own_says_nothing_of_parts() -> None:
    assert b"builtFrom" not in encode(terminal_candle(make_candle(), WRITTEN))


@given(st.integers(1, 10**10), st.integers(0, 10**10))
def test_o_s4_every_text_reads_back_as_its_number(ticks: int, lots: int) -> None:
    record = msgspec.structs.replace(make_candle(), close=ticks / 100, volume=lots / 10)
    view = terminal_candle(record, WRITTEN)
    assert float(read_formatted(view.close_formatted)) == view.close
    assert float(read_formatted(view.volume_formatted)) == view.volume


@pytest.mark.parametrize(
    ("places", "precision"), [(0, 0), (1, 1), (2, 2), (5, 5), (7, 7), (8, 8), (12, 8)]
)
def test_o_s3_the_least_move_is_the_last_decimal_place(places: int, precision: int) -> None:
    told = chart_symbol(SymbolFormat(price_places=places, amount_places=3))
    assert told.price_format.precision == precision
    assert Decimal(repr(told.price_format.min_move)) == Decimal(1).scaleb(-precision)
    assert told.price_precision == places


def test_a_span_is_from_the_first_opening_to_the_last() -> None:
    rows = [make_candle(opened_at_ms=at_ms) for at_ms in (0, 60_000, 120_000)]
    span = time_range(rows)
    assert span is not None
    assert (span.start_ms, span.end_ms) == (0, 120_000)
    assert (span.start, span.end) == ("1970-01-01T00:00:00.000Z", "1970-01-01T00:02:00.000Z")
    assert time_range([]) is None


def test_a_request_for_older_candles_has_a_limit_of_its_own_accord() -> None:
    text = b'{"type":"load_history","before":5}'
    assert msgspec.json.decode(text, type=LoadHistoryRequest).limit == 500
