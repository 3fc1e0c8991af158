"""What viewers of the terminal sockets share: one feed per thing that is looked at.

A `SharedFeed` is made when its first viewer comes and is gone when its last one leaves: its one
task, its leases on the venue's live data and its topics in the hub with it. So any number of
viewers of one thing cost one upstream subscription and one rendering, and nothing is left behind
however they come and go. Leaving is done at once, in the call that ends the socket.

Knows nothing of what is sent; the modules named after the data do.
"""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final, Protocol, TypeVar

from headwater.api.schemas.base import encode
from headwater.api.schemas.terminal.common import TerminalErrorView
from headwater.api.stream_hub import StreamHub
from headwater.api.stream_leases import acquire_stream
from headwater.api.stream_topics import HubTopic
from headwater.api.terminal.requests import TooMany, error_view
from headwater.bus.bus import Bus, Reader
from headwater.bus.topics import SlowPolicy, TopicFilter
from headwater.core.clock import Clock
from headwater.core.errors import PlatformError
from headwater.feeds.source import Lease, MarketSource
from headwater.services.symbols import SymbolService
from headwater.venues.messages import Subscription

FEEDS_MAX: Final = 2_000
"""Feeds at a time; another one is refused."""

TOPIC_PREFIX: Final = "terminal/"
"""Begins the keys of these streams in the hub; no other stream's path begins so."""

INTERNAL_CLOSE: Final = 1011
"""Close code when what was asked for could not be begun, or failed on our side."""

REFUSED_CLOSE: Final = 4000
"""Close code when what was asked for does not exist, or its venue cannot be reached."""

_logger = logging.getLogger(__name__)


class TooManyFeeds(TooMany):
    """This server shows as many things as it may; some will be free later."""


class Viewer(Protocol):
    """A client, as a feed sees it."""

    def start(self, feed: "SharedFeed") -> None:
        """The feed has begun, or begins anew: send what there is, and hear what follows."""

    def tell(self, payload: bytes) -> None:
        """Sends the client a message."""

    def end(self, error: TerminalErrorView, close_code: int) -> None:
        """Tells the client what is wrong and closes its socket."""


class SharedFeed(ABC):
    """Something that is looked at, such as the order book of one symbol on one venue.

    Subclasses take leases and readers with `hold` and `listen` in their constructor, never
    elsewhere; the desk gives back what was taken, also when the constructor fails half-way.

    Args:
        desk: where it lives.
        key: names it among all feeds, such as `orderbook/binance:BTCUSDT`.

    Attributes:
        viewers: clients that joined it, connected or not.
        has_begun: whether clients may be sent what there is.
    """

    def __init__(self, desk: "FeedDesk", key: str) -> None:
        self.desk = desk
        self.key = key
        self.viewers: set[Viewer] = set()
        self.has_begun = False
        self._listeners: dict[Viewer, None] = {}
        self._leases: list[Lease] = []
        self._readers: list[Reader] = []
        self._topics: set[str] = set()
        desk.begun(self)

    @abstractmethod
    async def run(self) -> None:
        """The feed's only task: reads what it listens to and publishes, until it is cancelled.

        Raises:
            PlatformError: it cannot be begun; its viewers are told, and closed with 1011.
        """

    @property
    def listeners(self) -> tuple[Viewer, ...]:
        """Viewers that are connected, in the order in which they came."""
        return tuple(self._listeners)

    def greet(self, viewer: Viewer) -> None:
        """A viewer is connected: it is started as soon as there is something to begin with."""
        self._listeners[viewer] = None
        if self.has_begun:
            self.start(viewer)

    def begin(self) -> None:
        """There is something to begin with: starts everybody who waits for it."""
        self.has_begun = True
        for viewer in self.listeners:
            if viewer in self._listeners:  # the start of another one may have ended it
                self.start(viewer)

    def begin_anew(self) -> None:
        """What was missing is there: everybody who has begun without it begins anew."""
        if self.has_begun:
            for viewer in self.listeners:
                viewer.start(self)

    def start(self, viewer: Viewer) -> None:
        """Starts one viewer."""
        viewer.start(self)

    def tell(self, payload: bytes) -> None:
        """Sends every viewer that has been started a message outside of all topics."""
        if self.has_begun:
            for viewer in self.listeners:
                viewer.tell(payload)

    def forget(self, viewer: Viewer) -> None:
        """A viewer has gone; harmless when repeated."""
        self.viewers.discard(viewer)
        self._listeners.pop(viewer, None)

    def hold(self, source: MarketSource, subscription: Subscription) -> None:
        """Holds live data of a venue for as long as the feed is there.

        Raises:
            PlatformError: the venue refuses.
        """
        self._leases.append(acquire_stream(source, subscription))

    def listen(self, filters: Sequence[TopicFilter], capacity: int) -> Reader:
        """A reader of the bus for as long as the feed is there.

        Args:
            filters: what it hears.
            capacity: most records that may wait.
        """
        reader = self.desk.bus.subscribe(f"{TOPIC_PREFIX}{self.key}", filters, capacity)
        self._readers.append(reader)
        return reader

    def topic(self, end: str, policy: SlowPolicy) -> HubTopic:
        """A topic of the hub under the feed's name, made when there is none.

        Args:
            end: ends its key; one of the feed's topics each.
            policy: what happens to slow clients; those that miss events are told how many.

        Raises:
            TooManyFeeds: the hub has no room for another topic.
        """
        key = f"{TOPIC_PREFIX}{self.key}{end}"
        try:
            topic = self.desk.hub.topic(key, policy, self.desk.slow_notice)
        except ValueError as error:
            raise TooManyFeeds(str(error)) from error
        self._topics.add(key)
        return topic

    def drop_topic(self, key: str) -> None:
        """Gives up a topic that no viewer hears any more."""
        if self.desk.hub.discard_topic(key):
            self._topics.discard(key)

    def close(self) -> None:
        """Gives back all that it holds; harmless when repeated."""
        readers, self._readers = self._readers, []
        leases, self._leases = self._leases, []
        topics, self._topics = self._topics, set()
        for reader in readers:
            reader.close()
        for lease in leases:
            lease.release()
        for key in topics:
            self.desk.hub.discard_topic(key)


F = TypeVar("F", bound=SharedFeed)


class FeedDesk:
    """Every feed that somebody views.

    Args:
        sources: venues' data by venue id.
        bus: where live records come from.
        clock: tells the time.
        symbols: what the venues trade; a service of their instruments alone when None.
    """

    def __init__(
        self,
        sources: Mapping[str, MarketSource],
        bus: Bus,
        clock: Clock,
        symbols: SymbolService | None = None,
    ) -> None:
        self.sources = sources
        self.symbols = SymbolService(sources, clock) if symbols is None else symbols
        self.bus = bus
        self.clock = clock
        self._hub: StreamHub | None = None
        self._feeds: dict[str, SharedFeed] = {}
        self._tasks: dict[SharedFeed, asyncio.Task[None]] = {}
        self._closed = False
        self._half_made: list[SharedFeed] = []
        self._joined: list[tuple[SharedFeed, Viewer]] | None = None

    @property
    def hub(self) -> StreamHub:
        """Writes to the clients."""
        assert self._hub is not None, "attach comes first"
        return self._hub

    @property
    def feeds(self) -> Mapping[str, SharedFeed]:
        """Feeds by key."""
        return self._feeds

    def attach(self, hub: StreamHub) -> None:
        """Names the hub, once; it ends the desk when it is closed."""
        assert self._hub is None, "there is one hub"
        self._hub = hub
        hub.close_with(self.close)

    def join(self, key: str, make: Callable[[], F], kind: type[F], viewer: Viewer) -> F:
        """Has a client view a feed.

        Args:
            key: of the feed.
            make: makes it when nobody views it yet; what it raises passes through.
            kind: its class.
            viewer: the client, which calls `leave` exactly once.

        Raises:
            TooManyFeeds: there is no room for another one.
            PlatformError: the venue refuses.
        """
        feed = self._feeds.get(key)
        if feed is None:
            if self._closed or len(self._feeds) >= FEEDS_MAX:
                raise TooManyFeeds(f"there are already {FEEDS_MAX} feeds")
            feed = self._made(make)
            assert feed.key == key, f"{feed.key} is not {key}"
            self._feeds[key] = feed
            self._tasks[feed] = asyncio.get_running_loop().create_task(
                self._drive(feed), name=f"{TOPIC_PREFIX}{key}"
            )
        assert isinstance(feed, kind), f"{key} is a {type(feed).__name__}"
        feed.viewers.add(viewer)
        if self._joined is not None:
            self._joined.append((feed, viewer))
        return feed

    @contextmanager
    def all_or_nothing(self) -> Iterator[None]:
        """Within it nothing may wait; when it fails, every feed joined in it is left again.

        So a client whose second feed is refused does not hold the first one for ever.
        """
        joined = self._joined = []
        try:
            yield
        except BaseException:
            for feed, viewer in joined:
                self.leave(feed, viewer)
            raise
        finally:
            self._joined = None

    def begun(self, feed: SharedFeed) -> None:
        """A feed's constructor has begun; should it fail, what it took is given back."""
        self._half_made.append(feed)

    def _made(self, make: Callable[[], F]) -> F:
        try:
            feed = make()
        except BaseException:
            for begun in self._half_made:
                SharedFeed.close(begun)  # what a subclass adds to it may not be there yet
            raise
        finally:
            self._half_made.clear()
        return feed

    def leave(self, feed: SharedFeed, viewer: Viewer) -> None:
        """Ends a client's view, after it has ceased to hear the feed's topics."""
        feed.forget(viewer)
        if feed.viewers or self._feeds.get(feed.key) is not feed:
            return
        del self._feeds[feed.key]
        task = self._tasks.pop(feed, None)
        if task is not None:
            task.cancel()
        feed.close()

    def slow_notice(self, _key: str, count: int) -> bytes:
        """What a client is told that did not read fast enough to get every event; a `Notice`.

        Args:
            count: messages it missed.
        """
        message = f"you read too slowly: {count} messages were dropped"
        now_ms = self.clock.now_ms()
        return encode(TerminalErrorView(code="TOO_SLOW", message=message, timestamp=now_ms))

    async def close(self) -> None:
        """Ends every feed; harmless when repeated."""
        self._closed = True
        tasks = tuple(self._tasks.values())
        self._tasks.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        feeds, self._feeds = tuple(self._feeds.values()), {}
        for feed in feeds:
            feed.close()

    async def _drive(self, feed: SharedFeed) -> None:
        """Runs a feed; whoever views it when it ends is told why and closed."""
        try:
            await feed.run()
        except PlatformError as error:
            _logger.warning("feed %s ended: %s", feed.key, error)
            self._end(feed, error_view(error, self.clock.now_ms()))
        except Exception:
            _logger.exception("feed %s failed", feed.key)
            self._end(feed, self.internal_error())
        else:
            _logger.error("feed %s ended by itself", feed.key)
            self._end(feed, self.internal_error())

    def internal_error(self) -> TerminalErrorView:
        """What a client is told of an error that nobody expected; the log has it."""
        return TerminalErrorView(
            code="INTERNAL_ERROR", message="internal error", timestamp=self.clock.now_ms()
        )

    def _end(self, feed: SharedFeed, error: TerminalErrorView) -> None:
        """Closes whoever views a feed that has ended; who comes next gets a new one."""
        if self._feeds.get(feed.key) is feed:
            del self._feeds[feed.key]
        self._tasks.pop(feed, None)
        for viewer in tuple(feed.viewers):
            viewer.end(error, INTERNAL_CLOSE)
        feed.close()
