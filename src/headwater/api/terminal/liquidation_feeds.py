"""What the feeds of liquidation sockets share: one upstream, and the hand-over from past to live.

A feed holds the live data from its first moment, asks for the past then, and greets whoever waits
when it has both. What was heard live while the question was under way is told apart from what the
answer has by the key of the database (requirement A3). Later events are never looked up again:
`feeds.event_watch` has decided that they are news (O-D7).
"""

from abc import abstractmethod
from collections.abc import Collection, Iterable, Sequence
from typing import Final, Protocol

import structlog

from headwater.api.stream_topics import HubTopic
from headwater.api.terminal.desk import FeedDesk, SharedFeed, Viewer
from headwater.api.terminal.liquidation_scope import ALL, LiquidationScope
from headwater.bus.topics import SlowPolicy
from headwater.core.errors import PlatformError
from headwater.core.records import Liquidation, Record
from headwater.services.past_liquidations import EventKey, key_of_event

QUEUE: Final = 10_000
"""Events that may wait for a feed; beyond it the oldest are dropped, and every client is told."""

_log: Final = structlog.stdlib.get_logger("headwater.api.terminal")


class Greeted(Viewer, Protocol):
    """A client that a feed begins with."""

    def start(self, feed: "LiquidationSource") -> None:
        """The feed has its past: take its greeting and hear its topic from now on."""


class LiquidationSource(SharedFeed):
    """A feed made of the liquidations of a scope.

    Args:
        desk: where it lives.
        key: names it among all feeds.
        scope: whose liquidations.

    Attributes:
        published_at_s: when it last told its clients anything, monotonic seconds.

    Raises:
        PlatformError: the venue, or every one, refuses.
    """

    def __init__(self, desk: FeedDesk, key: str, scope: LiquidationScope) -> None:
        super().__init__(desk, key)
        self.scope = scope
        self.published_at_s = desk.clock.monotonic()
        self._reader = self.listen(scope.filters, QUEUE)
        self._hold_scope()
        self._topic = self.topic("", SlowPolicy.DROP_OLDEST)
        self._waiting: dict[Greeted, None] = {}
        self._has_past = False
        self._missed = 0

    @property
    def hub_topic(self) -> HubTopic:
        """Where its news go."""
        return self._topic

    @abstractmethod
    def greeting(self, shown: int) -> bytes:
        """The message with which a client begins, of all that was published before.

        Args:
            shown: buckets of a chart that the client shows.
        """

    def greet(self, viewer: Greeted) -> None:
        """Has a client begin, now or when the past is there."""
        if self._has_past:
            viewer.start(self)
        else:
            self._waiting[viewer] = None

    def greet_waiting(self) -> None:
        """The past is there: has everybody begin who waited for it."""
        self._has_past = True
        waiting, self._waiting = self._waiting, {}
        for viewer in waiting:
            if viewer in self.viewers:
                viewer.start(self)

    def publish(self, payload: bytes) -> None:
        """Tells every client."""
        self.published_at_s = self.desk.clock.monotonic()
        self._topic.publish(payload)

    def heard(self) -> list[Liquidation]:
        """What was heard live so far and not been taken."""
        return _liquidations(self._reader.drain())

    async def next_heard(self) -> list[Liquidation]:
        """Waits for live events; tells every client when some were lost on the way."""
        batch = await self._reader.next_batch()
        missed = self._reader.stats.dropped - self._missed
        if missed:
            self._missed += missed
            _log.warning("liquidations lost", topic=self.key, count=missed)
            self._topic.tell_missed(missed)
        return _liquidations(batch)

    def _hold_scope(self) -> None:
        """Holds the live data. Of all venues one's refusal keeps no other away."""
        refusal: PlatformError | None = None
        held = 0
        for source, subscription in self.scope.subscriptions():
            try:
                self.hold(source, subscription)
                held += 1
            except PlatformError as error:
                if self.scope.exchange != ALL:
                    raise
                venue = source.facts.venue_id
                _log.warning("venue left out", exchange=venue, topic=self.key, reason=str(error))
                refusal = error
        if refusal is not None and not held:
            raise refusal


def news_of(heard: Iterable[Liquidation], known: Collection[Liquidation]) -> list[Liquidation]:
    """Events that are not among those of the past.

    Args:
        heard: live, while the past was asked for.
        known: what the past has of that time.
    """
    keys: set[EventKey] = {key_of_event(one) for one in known}
    return [one for one in heard if key_of_event(one) not in keys]


def _liquidations(batch: Sequence[Record]) -> list[Liquidation]:
    return [one for one in batch if isinstance(one, Liquidation)]
