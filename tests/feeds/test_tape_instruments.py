"""Instruments of a tape."""

from decimal import Decimal

import msgspec
from tests.feeds.made import EXCHANGE, candle, delta, instrument, trade

from headwater.core.records import MarkPrice, Ticker
from headwater.feeds.tape_instruments import TapeInstruments


def test_a_listed_instrument_wins_over_one_worked_out() -> None:
    known = TapeInstruments(EXCHANGE)
    made = known.of(trade(1))
    assert made is not None
    assert (made.base_asset, made.quote_asset) == ("AAA", "USDT")
    known.add([instrument("AAAUSDT")])
    assert known.of(trade(2)) == instrument("AAAUSDT")
    assert len(known.table) == 1


def test_steps_are_the_finest_of_the_first_record() -> None:
    known = TapeInstruments(EXCHANGE)
    made = known.of(delta(2, 1, bids=[(58710.2, 0.014), (61496.0, 1.0)], symbol="BUSDT"))
    assert made is not None
    assert (made.price_tick, made.quantity_step) == (Decimal("0.1"), Decimal("0.001"))
    whole = known.of(candle(0, closed=True, symbol="CUSDT"))
    assert whole is not None
    assert whole.price_tick == Decimal(1)
    quotes = Ticker(
        exchange=EXCHANGE, symbol="D", native_symbol="D", timestamp_ms=1, received_ns=1, bid=0.05
    )
    by_quotes = known.of(quotes)
    assert by_quotes is not None
    assert (by_quotes.price_tick, by_quotes.quote_asset) == (Decimal("0.01"), "")


def test_records_without_prices_give_the_smallest_step_there_is() -> None:
    mark = MarkPrice(
        exchange=EXCHANGE,
        symbol="EUSDT",
        native_symbol="EUSDT",
        timestamp_ms=1,
        received_ns=1,
        mark=1.0,
        index=None,
        funding_rate=None,
        next_funding_ms=None,
    )
    made = TapeInstruments(EXCHANGE).of(mark)
    assert made is not None
    assert made.price_tick == Decimal("0.00000001")
    assert msgspec.json.encode(made)
