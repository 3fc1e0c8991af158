"""A topic that is written to at most once in a while: the newest state, never older than that.

The first change goes out at once, the following ones together when the pace allows. While nothing
changes there is no timer.
"""

import asyncio
from collections.abc import Callable

from headwater.api.stream_topics import HubTopic


class PacedTopic:
    """Publishes what is there now, no more often than every `pace_s` seconds.

    Args:
        topic: of the hub.
        pace_s: shortest time between two messages.
        render: makes the message of what is there now.
    """

    def __init__(self, topic: HubTopic, pace_s: float, render: Callable[[], bytes]) -> None:
        self.topic = topic
        self._pace_s = pace_s
        self._render = render
        self._timer: asyncio.TimerHandle | None = None
        self._has_changed = False

    def changed(self) -> None:
        """There is something new."""
        if self._timer is not None:
            self._has_changed = True
            return
        self._publish()

    def sent(self) -> None:
        """Somebody is sent what there is outside of the topic: the next message keeps the pace."""
        if self._timer is None:
            self._arm()

    def close(self) -> None:
        """Publishes nothing more."""
        self._has_changed = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _publish(self) -> None:
        self._has_changed = False
        if self.topic.has_subscribers:
            self._arm()
            self.topic.publish(self._render())

    def _arm(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._pace_s, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        if self._has_changed:
            self._publish()
