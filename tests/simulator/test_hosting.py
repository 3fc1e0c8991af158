"""Which market stands behind a simulated venue."""

import pytest
from tests.simulator.venue_bench import START_MS

from headwater.core.errors import UnknownSymbol
from headwater.simulator.hosting import host_venue
from headwater.venues.discovery import venue as venue_of


def test_a_venue_gets_its_own_paths_and_symbols() -> None:
    hosted = host_venue(venue_of("binance"), seed=1, start_ms=START_MS, symbols=["ETHUSDT"])
    assert hosted.stream_paths == {"public": "/public", "market": "/market"}
    assert [one.symbol for one in hosted.market.table] == ["ETHUSDT"]
    assert hosted.market.now_ms() == START_MS


def test_makers_keep_as_many_levels_as_wanted() -> None:
    hosted = host_venue(venue_of("okx"), seed=1, start_ms=START_MS, symbols=["BTCUSDT"], levels=30)
    book = hosted.market.book("BTCUSDT", 400)
    assert 20 <= len(book.bids) <= 40
    assert 20 <= len(book.asks) <= 40


def test_an_unknown_symbol_is_said() -> None:
    with pytest.raises(UnknownSymbol):
        host_venue(venue_of("binance"), seed=1, start_ms=START_MS, symbols=["NOPEUSDT"])
