"""When a feed asks for the past, what it does without it, how long it waits: in virtual time."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import looptime
import msgspec
from tests.api.fake_source import NOW_MS, FakeSource, make_trade

from headwater.api.schemas.terminal.common import TerminalErrorView
from headwater.api.terminal.desk import INTERNAL_CLOSE, FeedDesk, SharedFeed
from headwater.api.terminal.history_feed import (
    ANSWER_S,
    START_S,
    TRIES_MAX,
    HistoryFeed,
)
from headwater.api.terminal.symbols import terminal_symbol
from headwater.bus.memory import MemoryBus
from headwater.core.clock import ManualClock
from headwater.core.enums import Channel, FeedState
from headwater.core.errors import PlatformError, VenueUnavailable
from headwater.core.records import ConnectionState, Record, Trade

REFUSED = VenueUnavailable("binance", "connection refused")


class Listening:
    """A client; remembers what it is told, and when."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.started_at: list[float] = []
        self.ended: tuple[str, int, float] | None = None

    def tell(self, payload: bytes) -> None:
        """Notes an error."""
        self.told.append(msgspec.json.decode(payload)["message"])

    def start(self, feed: SharedFeed) -> None:
        """Notes when."""
        self.started_at.append(asyncio.get_running_loop().time())

    def end(self, error: TerminalErrorView, close_code: int) -> None:
        """Notes when and why."""
        self.ended = (error.code, close_code, asyncio.get_running_loop().time())


class PlannedFeed(HistoryFeed):
    """A feed whose answers are planned: True joins, False does not reach, an error, or a silence.

    The last of them is repeated.
    """

    plan: list[bool | PlatformError | None]

    def __init__(self, desk: FeedDesk, symbol: str) -> None:
        contract = terminal_symbol(desk.sources, "binance", symbol)
        super().__init__(desk, f"planned/{symbol}", contract, Channel.TRADES, Trade)
        self.plan = [True]
        self.asked_at: list[float] = []
        self.heard: list[Record] = []
        self.shown_at: list[float] = []
        self.given_up: list[PlatformError | None] = []
        self.cuts = self.resumptions = 0

    async def load(self) -> bool:
        """As planned."""
        self.asked_at.append(asyncio.get_running_loop().time())
        answer = self.plan.pop(0) if len(self.plan) > 1 else self.plan[0]
        if answer is None:
            await asyncio.Event().wait()
        if isinstance(answer, PlatformError):
            raise answer
        return bool(answer)

    def hear(self, record: Record) -> None:
        """Notes it."""
        self.heard.append(record)

    def interrupted(self) -> None:
        """Counts."""
        self.cuts += 1

    def resumed(self) -> None:
        """Counts, and asks."""
        self.resumptions += 1
        self.ask()

    def give_up(self, problem: PlatformError | None) -> PlatformError | None:
        """Notes it; nobody is told of answers that do not reach."""
        self.given_up.append(problem)
        return problem

    def show(self) -> None:
        """Notes when."""
        self.shown_at.append(asyncio.get_running_loop().time())


class Scene:
    """A desk with one planned feed and its client."""

    def __init__(self, symbol: str, *plan: bool | PlatformError | None) -> None:
        self.bus = MemoryBus()
        clock = ManualClock(NOW_MS * 1_000_000)
        self.desk = FeedDesk({"binance": FakeSource("binance")}, self.bus, clock)
        self.client = Listening()

        def make() -> PlannedFeed:
            feed = PlannedFeed(self.desk, symbol)
            feed.plan = list(plan)
            return feed

        self.feed = self.desk.join(f"planned/{symbol}", make, PlannedFeed, self.client)
        self.feed.greet(self.client)

    def state(self, state: FeedState, channel: Channel = Channel.TRADES) -> None:
        """Has the stream change its state."""
        self.bus.publish(
            ConnectionState(
                exchange="binance",
                symbol=self.feed.contract.symbol,
                native_symbol=self.feed.contract.symbol,
                timestamp_ms=NOW_MS,
                received_ns=NOW_MS * 1_000_000,
                channel=channel,
                state=state,
                reason="connection lost",
                since_ms=NOW_MS,
            )
        )


def in_virtual_time(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    with asyncio.Runner(loop_factory=looptime.new_event_loop) as runner:
        runner.run(main())


def rounded(times: list[float]) -> list[float]:
    return [round(one, 2) for one in times]


def test_clients_are_started_when_the_past_is_there_and_later_ones_at_once() -> None:
    async def main() -> None:
        scene = Scene("BTCUSDT", True)
        assert scene.client.started_at == []
        await asyncio.sleep(1)
        assert len(scene.client.started_at) == 1
        assert scene.feed.has_begun
        late = Listening()
        scene.feed.greet(late)
        assert len(late.started_at) == 1
        scene.feed.forget(late)
        assert scene.feed.listeners == (scene.client,)
        await scene.desk.close()

    in_virtual_time(main)


def test_answers_that_do_not_reach_the_stream_are_asked_for_anew_a_few_times() -> None:
    """At 0, 0.4, 1.2, 2.8 and 6 s: pauses of 0.4 s, doubled each time."""

    async def main() -> None:
        scene = Scene("BTCUSDT", False)
        await asyncio.sleep(60)
        assert rounded(scene.feed.asked_at) == [0.0, 0.4, 1.2, 2.8, 6.0]
        assert len(scene.feed.asked_at) == TRIES_MAX
        assert scene.feed.given_up == [None]
        assert rounded(scene.client.started_at) == [6.0]
        assert scene.client.told == []
        await scene.desk.close()

    in_virtual_time(main)


def test_while_an_answer_is_awaited_nothing_is_shown() -> None:
    async def main() -> None:
        scene = Scene("BTCUSDT", True, False, False, True)
        await asyncio.sleep(1)
        shown = len(scene.feed.shown_at)
        scene.state(FeedState.LIVE)
        scene.bus.publish(make_trade(1))
        await asyncio.sleep(1)
        assert len(scene.feed.shown_at) == shown
        assert scene.feed.resumptions == 1
        await asyncio.sleep(1)
        assert len(scene.feed.heard) == 1
        scene.bus.publish(make_trade(2))
        await asyncio.sleep(0)
        await asyncio.sleep(1)
        assert len(scene.feed.shown_at) > shown
        await scene.desk.close()

    in_virtual_time(main)


def test_without_the_past_the_client_is_told_once_and_it_is_asked_for_ever_more_seldom() -> None:
    """At 0 s, then 2, 4, 8, 16, 32 s after the one before, and never less often than each 60 s."""

    async def main() -> None:
        scene = Scene("BTCUSDT", REFUSED)
        await asyncio.sleep(200)
        assert rounded(scene.feed.asked_at) == [0, 2, 6, 14, 30, 62, 122, 182]
        assert scene.client.told == ["binance: connection refused"]
        failing = [scene.feed.is_failing]
        assert len(scene.client.started_at) == 1
        scene.feed.plan = [True]
        await asyncio.sleep(60)
        failing.append(scene.feed.is_failing)
        assert failing == [True, False]
        asked = len(scene.feed.asked_at)
        await asyncio.sleep(600)
        assert len(scene.feed.asked_at) == asked
        await scene.desk.close()

    in_virtual_time(main)


def test_with_neither_past_nor_stream_the_feed_ends() -> None:
    """Of ETHUSDT nobody has heard anything: ten seconds, then 1011."""

    async def main() -> None:
        scene = Scene("ETHUSDT", REFUSED)
        await asyncio.sleep(START_S + 5)
        assert scene.client.ended is not None
        code, close_code, at = scene.client.ended
        assert (code, close_code) == ("VENUE_ERROR", INTERNAL_CLOSE)
        assert round(at, 2) == START_S
        assert scene.client.started_at == []
        assert scene.desk.feeds == {}
        assert scene.bus.readers == []
        await scene.desk.close()

    in_virtual_time(main)


def test_the_first_live_record_is_enough_to_go_on_with() -> None:
    async def main() -> None:
        scene = Scene("ETHUSDT", REFUSED)
        await asyncio.sleep(5)
        scene.bus.publish(make_trade(1, "ETHUSDT"))
        await asyncio.sleep(START_S)
        assert scene.client.ended is None
        assert rounded(scene.client.started_at) == [5.0]
        assert len(scene.client.told) == 1
        await scene.desk.close()

    in_virtual_time(main)


def test_a_venue_that_is_silent_holds_the_stream_back_for_a_bounded_time() -> None:
    async def main() -> None:
        scene = Scene("BTCUSDT", None)
        await asyncio.sleep(ANSWER_S + 1)
        assert rounded(scene.client.started_at) == [ANSWER_S]
        assert scene.client.told == [f"binance: no answer within {ANSWER_S:g} s"]
        await scene.desk.close()

    in_virtual_time(main)


def test_an_interruption_is_told_once_until_the_stream_flows_again() -> None:
    async def main() -> None:
        scene = Scene("BTCUSDT", True)
        await asyncio.sleep(1)
        for state in (FeedState.STALE, FeedState.DOWN, FeedState.DOWN, FeedState.LIVE):
            scene.state(state)
        scene.state(FeedState.DOWN, Channel.BOOK)
        await asyncio.sleep(1)
        assert scene.client.told == ["binance: the stream is interrupted: connection lost"]
        assert (scene.feed.cuts, scene.feed.resumptions) == (3, 1)
        assert len(scene.feed.asked_at) == 2
        scene.state(FeedState.DOWN)
        await asyncio.sleep(1)
        assert len(scene.client.told) == 2
        await scene.desk.close()

    in_virtual_time(main)


def test_a_question_for_later_is_put_then_and_only_once() -> None:
    async def main() -> None:
        scene = Scene("BTCUSDT", True)
        await asyncio.sleep(1)
        scene.feed.ask_in(5.0)
        scene.feed.ask_in(3.0)
        scene.bus.publish(make_trade(1))  # wakes the feed, which learns of the time
        await asyncio.sleep(20)
        assert rounded(scene.feed.asked_at) == [0.0, 4.0]
        await scene.desk.close()

    in_virtual_time(main)
