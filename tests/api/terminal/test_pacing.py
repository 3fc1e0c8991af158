"""The pace of a topic, on a loop that skips all waiting."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import looptime
import pytest

from headwater.api.stream_topics import Audience, HubTopic
from headwater.api.terminal.pacing import PacedTopic
from headwater.bus.topics import SlowPolicy

PACE_S = 0.1


class HeardTopic(HubTopic):
    """A topic with somebody who hears it; remembers when it was written to, and what."""

    def __init__(self) -> None:
        super().__init__("terminal/test", SlowPolicy.LATEST, 1000)
        self.heard: list[tuple[float, bytes]] = []
        self.is_heard = True

    @property
    def has_subscribers(self) -> bool:
        """As the test says."""
        return self.is_heard

    @property
    def audiences(self) -> tuple[Audience, ...]:
        """None: `publish` is told here."""
        return ()

    def publish(self, payload: bytes, record: object = None) -> None:
        """Remembers."""
        self.heard.append((round(asyncio.get_running_loop().time(), 3), payload))


def in_virtual_time(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    with asyncio.Runner(loop_factory=looptime.new_event_loop) as runner:
        runner.run(main())


def test_the_first_change_goes_at_once_and_the_others_with_the_pace() -> None:
    """Changes 1 to 8, one each 30 ms: at 0, 100, 200 and 300 ms the newest one is sent."""

    async def main() -> None:
        topic, newest = HeardTopic(), 0
        paced = PacedTopic(topic, PACE_S, lambda: b"%d" % newest)
        for newest in range(1, 9):  # noqa: B007 - the message is made of it
            paced.changed()
            await asyncio.sleep(0.03)
        await asyncio.sleep(1)
        assert [text for _, text in topic.heard] == [b"1", b"4", b"7", b"8"]
        times = [at for at, _ in topic.heard]
        assert [round(at - times[0], 3) for at in times] == [0.0, 0.1, 0.2, 0.3]

    in_virtual_time(main)


def test_what_was_sent_outside_of_the_topic_counts_for_the_pace() -> None:
    async def main() -> None:
        topic = HeardTopic()
        paced = PacedTopic(topic, PACE_S, lambda: b"x")
        began = asyncio.get_running_loop().time()
        paced.sent()
        paced.sent()
        await asyncio.sleep(0.03)
        paced.changed()
        await asyncio.sleep(1)
        (heard_at, _), *others = topic.heard
        assert heard_at - began == pytest.approx(PACE_S, abs=0.002)
        assert not others

    in_virtual_time(main)


def test_nothing_is_written_while_nothing_changes_or_nobody_hears() -> None:
    async def main() -> None:
        topic = HeardTopic()
        paced = PacedTopic(topic, PACE_S, lambda: b"x")
        topic.is_heard = False
        paced.changed()
        topic.is_heard = True
        paced.changed()
        await asyncio.sleep(10)
        assert len(topic.heard) == 1

    in_virtual_time(main)


def test_a_closed_one_is_silent() -> None:
    async def main() -> None:
        topic = HeardTopic()
        paced = PacedTopic(topic, PACE_S, lambda: b"x")
        paced.changed()
        paced.changed()
        paced.close()
        paced.close()
        await asyncio.sleep(10)
        assert len(topic.heard) == 1

    in_virtual_time(main)
