"""What the feeds of liquidation sockets share: one upstream, and the hand-over from past to live.

A feed holds the live data from its first moment, asks for the past then, and greets whoever waits
when it has both. What was heard live while the question was under way is told apart from what the
answer has by the key of the database (requirement A3). Later events are never looked up again:
`feeds.event_watch` has decided that they are news (O-D7).
"""

import asyncio
from abc import abstractmethod
from collections.abc import Callable, Collection, Coroutine, Iterable, Sequence
from typing import Any, Final, Generic, TypeVar

import structlog

from headwater.api.stream_topics import HubTopic
from headwater.api.terminal.desk import TOPIC_PREFIX, FeedDesk, SharedFeed
from headwater.api.terminal.liquidation_past import LiquidationPast
from headwater.api.terminal.liquidation_scope import LiquidationScope
from headwater.bus.topics import SlowPolicy
from headwater.core.errors import NotSupported, PlatformError, RequestError, UnknownSymbol
from headwater.core.records import Liquidation, Record
from headwater.feeds.source import MarketSource
from headwater.services.past_liquidations import EventKey, key_of_event
from headwater.venues.messages import Subscription

QUEUE: Final = 10_000
"""Events that may wait for a feed; beyond it the oldest are dropped, and every client is told."""

RETRY_S: Final = 60.0
"""So long after a past that was told in part it is asked for again, until it is whole."""

HOLD_AGAIN_S: Final = 5.0
"""So long after a venue refused, such as one whose instruments are not loaded yet, it is asked for
its live data again, where all venues are wanted."""

LOOK_S: Final = 0.5
"""How often one looks for the answer."""

T = TypeVar("T")

_log: Final = structlog.stdlib.get_logger("headwater.api.terminal")


class LiquidationSource(SharedFeed):
    """A feed made of the liquidations of a scope.

    Args:
        desk: where it lives.
        key: names it among all feeds.
        scope: whose liquidations.
        past: answers for what was before.

    Attributes:
        missing: what of the past could not be had and why; empty when nothing.
        published_at_s: when it last told its clients anything, monotonic seconds.

    Raises:
        PlatformError: the venue, or every one, refuses.
    """

    def __init__(
        self, desk: FeedDesk, key: str, scope: LiquidationScope, past: LiquidationPast
    ) -> None:
        super().__init__(desk, key)
        self.scope = scope
        self.past = past
        self.missing = ""
        self._asked_at_s = desk.clock.monotonic()
        self.published_at_s = desk.clock.monotonic()
        self._reader = self.listen(scope.filters, QUEUE)
        self._held: set[str] = set()
        self._held_at_s = 0.0
        refusal = self._hold_scope()
        if refusal is not None and not self._held:
            raise refusal
        self._is_short = refusal is not None
        self._topic = self.topic("", SlowPolicy.DROP_OLDEST)
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

    def note_past(self, missing: str) -> None:
        """The past was asked for just now.

        Args:
            missing: what of it could not be had; empty when nothing.
        """
        self.missing = missing
        self._asked_at_s = self.desk.clock.monotonic()

    def retry_in_s(self) -> float | None:
        """In how long the past is to be asked for again, seconds ≥ 0; None when it is not."""
        if not self.missing or not self.past.may_recover:
            return None
        return max(0.0, self._asked_at_s + RETRY_S - self.desk.clock.monotonic())

    def publish(self, payload: bytes) -> None:
        """Tells every client."""
        self.published_at_s = self.desk.clock.monotonic()
        self._topic.publish(payload)

    def heard(self) -> list[Liquidation]:
        """What was heard live so far and not been taken."""
        return _liquidations(self._reader.drain())

    async def next_heard(self, patience_s: float | None) -> list[Liquidation]:
        """Waits for live events; tells every client when some were lost on the way.

        Args:
            patience_s: longest wait; None for any.

        Returns:
            Nothing when none came in that time.
        """
        if self._is_short:
            # Of all venues one's refusal keeps no other away: it is asked again.
            patience_s = HOLD_AGAIN_S if patience_s is None else min(patience_s, HOLD_AGAIN_S)
            if self.desk.clock.monotonic() >= self._held_at_s + HOLD_AGAIN_S:
                self._is_short = self._hold_scope() is not None
        try:
            async with asyncio.timeout(patience_s):
                batch = await self._reader.next_batch()
        except TimeoutError:
            return []
        missed = self._reader.stats.dropped - self._missed
        if missed:
            self._missed += missed
            _log.warning("liquidations lost", topic=self.key, count=missed)
            self._topic.tell_missed(missed)
            # They are stored: asked for again, the past has them.
            self.note_past(f"{missed} live liquidations were lost on the way")
        return _liquidations(batch)

    def _hold_scope(self) -> PlatformError | None:
        """Holds the live data of every venue whose data are not held yet.

        Returns:
            The last refusal; None when nobody refused.
        """
        self._held_at_s = self.desk.clock.monotonic()
        refusal: PlatformError | None = None
        for source, subscription in self.scope.subscriptions():
            venue = source.facts.venue_id
            if venue in self._held:
                continue
            try:
                self._hold_one(source, subscription)
                self._held.add(venue)
            except PlatformError as error:
                _log.info("venue left out", exchange=venue, topic=self.key, reason=str(error))
                refusal = error
        return refusal

    def _hold_one(self, source: MarketSource, subscription: Subscription) -> None:
        """Holds one symbol, or the whole market of a venue that tells all symbols at once."""
        try:
            self.hold(source, subscription)
        except (UnknownSymbol, NotSupported):
            raise
        except RequestError:
            if subscription.channel not in source.facts.whole_market:
                raise
            self.hold(source, Subscription(channel=subscription.channel, native_symbol=None))


class LatePast(Generic[T]):
    """Asks again for a past that was told in part, while the live data go on.

    Whoever uses it looks at it now and then, and closes it.

    Args:
        feed: whose past.
        ask: puts the question; never raises.
    """

    def __init__(self, feed: LiquidationSource, ask: Callable[[], Coroutine[Any, Any, T]]) -> None:
        self._feed = feed
        self._ask = ask
        self._task: asyncio.Task[T] | None = None

    @property
    def is_under_way(self) -> bool:
        """Whether the question has been put and the answer not been taken."""
        return self._task is not None

    @property
    def wait_s(self) -> float | None:
        """How long one may wait before one looks again, seconds; None for any time."""
        return LOOK_S if self._task is not None else self._feed.retry_in_s()

    def take(self) -> T | None:
        """The answer, once; puts the question when it is due."""
        if self._task is None:
            if self._feed.retry_in_s() == 0.0:
                name = f"{TOPIC_PREFIX}{self._feed.key} past"
                self._task = asyncio.get_running_loop().create_task(self._ask(), name=name)
            return None
        if not self._task.done():
            return None
        task, self._task = self._task, None
        return task.result()

    async def close(self) -> None:
        """Ends the question, if there is one."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


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
