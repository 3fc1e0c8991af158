"""Parameters of a request, read as Binance reads them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.venues.binance.hand_market import HandMarket

from headwater.core.intervals import Interval
from headwater.venues.binance.venue_side_query import Query, Refusal
from headwater.venues.binance.venue_side_text import SymbolTexts

TEXTS = SymbolTexts(HandMarket().table)


def _query(**values: str) -> Query:
    return Query(tuple(values.items()), TEXTS, has_key=False)


def test_what_is_right_is_read() -> None:
    query = _query(symbol="BTCUSDT", interval="1M", limit="7", startTime="5", endTime="5")
    assert query.symbol().pair == "BTCUSDT"
    assert query.interval() is Interval.MONTH1
    assert query.limit(500, 1000) == 7
    assert query.span() == (5, 5)
    assert "symbol" in query
    assert _query().limit(500, 1000) == 500
    assert _query(symbol="").optional_symbol() is None


@pytest.mark.parametrize("text", ["", "x", "-1", "1.0", "1e3", " 1", "9" * 20, "NaN", "١"])
def test_what_is_no_whole_number_is_refused(text: str) -> None:
    if text == "":
        assert _query(limit=text).integer("limit") is None
        return
    with pytest.raises(Refusal) as caught:
        _query(limit=text).integer("limit")
    assert caught.value.code == -1130


def test_the_end_is_not_before_the_start() -> None:
    with pytest.raises(Refusal):
        _query(startTime="6", endTime="5").span()


@given(symbol=st.text(), interval=st.text(), limit=st.text())
def test_any_text_is_read_or_refused(symbol: str, interval: str, limit: str) -> None:
    query = _query(symbol=symbol, interval=interval, limit=limit)
    for read in (query.symbol, query.interval, lambda: query.limit(1, 10)):
        try:
            read()
        except Refusal as refusal:
            assert refusal.status == 400
