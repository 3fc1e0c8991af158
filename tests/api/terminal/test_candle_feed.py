"""What the feed of a chart asks the venue, and what it makes only once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest
from tests.api.fake_source import NOW_MS
from tests.api.terminal.charted import MINUTE_MS, NOW_MINUTE_MS, ChartSource, candle_state, minute
from tests.api.terminal.test_history_feed import Listening

from headwater.api.schemas.terminal.candles import LoadHistoryRequest
from headwater.api.stream_contract import StreamRefused, StreamRequest
from headwater.api.stream_hub import StreamHub
from headwater.api.terminal.candle_feed import CandlesFeed
from headwater.api.terminal.desk import FeedDesk
from headwater.api.terminal.symbols import terminal_symbol
from headwater.bus.memory import MemoryBus
from headwater.core.clock import ManualClock
from headwater.core.enums import FeedState
from headwater.core.intervals import Interval


class Scene:
    """A desk with the feed of one chart of 300 candles."""

    def __init__(self) -> None:
        self.bus = MemoryBus()
        self.clock = ManualClock(NOW_MS * 1_000_000)
        self.source = ChartSource("binance")
        self.desk = FeedDesk({"binance": self.source}, self.bus, self.clock)
        self.desk.attach(StreamHub(_refuse))
        contract = terminal_symbol(self.desk.sources, "binance", "BTCUSDT")
        self.client = Listening()
        self.feed = self.desk.join(
            CandlesFeed.key_of(contract, Interval.M1),
            lambda: CandlesFeed(self.desk, contract, Interval.M1, None, 300),
            CandlesFeed,
            self.client,
        )
        self.feed.greet(self.client)

    async def until_started(self, times: int = 1) -> None:
        """Waits until the client was started so often."""
        async with asyncio.timeout(5):
            while len(self.client.started_at) < times:
                await asyncio.sleep(0)

    async def until_asked(self, times: int) -> None:
        """Waits until the venue was asked so often, and the answer was taken."""
        async with asyncio.timeout(5):
            while len(self.source.calls) < times:
                await asyncio.sleep(0)
        for _ in range(5):
            await asyncio.sleep(0)

    def numbers(self, count: int) -> list[int]:
        """Of the newest candles, as they are sent."""
        rows = msgspec.json.decode(self.feed.newest(count))["data"]
        return [(one["timestamp"] - NOW_MINUTE_MS) // MINUTE_MS for one in rows]


async def _refuse(_: StreamRequest) -> StreamRefused:
    return StreamRefused(close_code=1008)


@asynccontextmanager
async def staged() -> AsyncIterator[Scene]:
    scene = Scene()
    await scene.until_started()
    yield scene
    await scene.desk.close()


async def test_the_first_chart_decides_how_much_is_asked_for() -> None:
    async with staged() as scene:
        assert scene.source.calls == ["candles 300 None None"]
        assert scene.feed.has(300)
        assert not scene.feed.has(301)
        await scene.feed.reach(200)
        await scene.feed.reach(400)
        assert scene.source.calls[1:] == ["candles 400 None None"]
        assert scene.numbers(1000) == list(range(-399, 1))


@pytest.mark.parametrize(
    ("minutes", "question"),
    [
        (0, "candles 3 0 None"),  # the forming one, and two to spare
        (7, "candles 10 0 None"),
        (997, "candles 1000 0 None"),
        (998, "candles 300 None None"),  # so long that the chart begins anew
    ],
)
async def test_after_an_interruption_only_what_lacks_is_asked_for(
    minutes: int, question: str
) -> None:
    async with staged() as scene:
        scene.clock.advance(minutes * 60)
        scene.source.last = minutes
        scene.bus.publish(candle_state(FeedState.DOWN))
        scene.bus.publish(candle_state(FeedState.LIVE))
        await scene.until_asked(2)
        assert scene.source.calls[1:] == [question]
        assert scene.numbers(1)[0] == minutes


async def test_a_stream_that_flows_without_a_break_asks_for_nothing() -> None:
    async with staged() as scene:
        scene.bus.publish(minute(0, closed=False, close=1.0, later=1))
        for number in range(20):
            scene.bus.publish(minute(number, later=2))
            scene.bus.publish(minute(number + 1, closed=False, later=1))
        scene.bus.publish(candle_state(FeedState.LIVE))
        for _ in range(20):
            await asyncio.sleep(0)
        assert scene.source.calls == ["candles 300 None None"]
        assert scene.numbers(22) == list(range(-1, 21))


async def test_a_candle_is_encoded_once_and_again_when_it_changes() -> None:
    async with staged() as scene:
        before = scene.feed.newest(2)
        assert scene.feed.newest(2) == before
        scene.bus.publish(minute(0, closed=False, close=200.5, later=1))
        for _ in range(5):
            await asyncio.sleep(0)
        after = scene.feed.newest(2)
        assert b'"closeFormatted":"200.5"' in after
        assert before.split(b"},{")[0] == after.split(b"},{")[0]


async def test_older_candles_are_asked_for_one_more_than_are_wanted() -> None:
    async with staged() as scene:
        request = LoadHistoryRequest(before=NOW_MINUTE_MS - 300 * MINUTE_MS, limit=50)
        page = msgspec.json.decode(await scene.feed.older(request))
        assert (page["count"], page["isLast"]) == (50, False)
        assert scene.source.calls[1:] == ["candles 51 None -301"]
        assert page["timeRange"]["endMs"] == NOW_MINUTE_MS - 301 * MINUTE_MS
