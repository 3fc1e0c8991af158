"""Repairs by REST, against the simulated exchange."""

import pytest
from tests.feeds.simulated_venue import last_print, scene
from tests.virtual_time import in_virtual_time

from headwater.core.errors import UnknownSymbol
from headwater.core.intervals import Interval
from headwater.feeds.fetchers import RestFetchers


@in_virtual_time
async def test_each_repair_brings_what_was_asked_for() -> None:
    async with scene(1) as stage:
        feed = stage.feed
        fetchers = RestFetchers(feed._venue, feed._rest, feed._catalogue, feed._clock, 1000).all()
        last = last_print(stage.exchange, "BTCUSDT")
        trades = await fetchers.trades_between("BTCUSDT", last - 1200, last - 3)
        assert [one.sequence for one in trades] == list(range(last - 1200, last - 2))
        newest = await fetchers.trades_newest("BTCUSDT")
        assert (newest[-1].sequence or 0) >= last
        assert fetchers.book is not None
        book = await fetchers.book("BTCUSDT")
        assert book.sequence is not None
        assert fetchers.candles is not None
        minute = Interval.M1.opens_at_ms(stage.exchange.now_ms()) - 5 * 60_000
        candles = await fetchers.candles("BTCUSDT", Interval.M1, minute, minute + 120_000)
        assert [one.timestamp_ms for one in candles if one.timestamp_ms <= minute + 120_000] == [
            minute,
            minute + 60_000,
            minute + 120_000,
        ]
        with pytest.raises(UnknownSymbol):
            await fetchers.trades_newest("NOPE")
