"""Minutes made of the mark prices that a venue streams, beside the market's own truth."""

from tests.venues.conformance.loopback import Loopback

from headwater.analytics.mark_candles import MarkMinutes
from headwater.core.enums import Channel
from headwater.core.intervals import Interval
from headwater.core.records import MarkPrice
from headwater.venues.base import Venue
from headwater.venues.messages import Subscription


def test_heard_minutes_are_whole_and_within_the_markets_own(venue: Venue) -> None:
    """Of three minutes the first was begun in its middle and the last has not ended.

    What is heard is a part of all mark prices, and rounded: it never reaches farther than the
    market's own bar by more than that, and here not less far than most of it.
    """
    loop = Loopback(venue, symbols=("BTCUSDT",))
    contract = loop.instrument()
    line = loop.follow(
        Subscription(channel=Channel.MARK_PRICES, native_symbol=contract.native_symbol)
    )
    begun_ms = Interval.M1.opens_at_ms(loop.market.now_ms())
    line.advance(begun_ms + 2 * 60_000 + 12_000 - loop.market.now_ms())
    minutes = MarkMinutes()
    heard = [one for one in line.events if isinstance(one, MarkPrice)]
    found = [bar for one in heard if (bar := minutes.take(one)) is not None]
    assert [bar.timestamp_ms for bar in found] == [begun_ms + 60_000]
    (bar,) = found
    (true,) = loop.market.mark_candles("BTCUSDT", Interval.M1, limit=1, start_ms=begun_ms + 60_000)
    tick = float(contract.price_tick)
    assert bar.readings is not None
    assert bar.readings >= 15
    assert true.low - tick <= bar.low <= bar.high <= true.high + tick
    assert bar.high - bar.low >= 0.5 * (true.high - true.low)
    assert bar.native_symbol == contract.native_symbol
