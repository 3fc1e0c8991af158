"""All topics of the many-topic sockets: opened with the first client, kept a while after the last.

A topic is found by its name, the one spelling of its path and query, so equal wishes share one
channel, one set of leases and one numbering. Owns the tasks that load first states and the timer
that ends lingering topics; both end with `close`.

Knows nothing of sockets; see `topic_session`.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final
from urllib.parse import unquote

from headwater.api.stream_contract import StreamLimits
from headwater.api.stream_leases import StreamLeases
from headwater.api.stream_publisher import StreamPublisher
from headwater.api.stream_wishes import StreamWish
from headwater.api.topic_channel import ChannelListener, TopicChannel
from headwater.core.clock import Clock
from headwater.core.errors import PlatformError

LINGER_S: Final = 60.0
"""How long a topic lives on without clients, so that one that comes back may resume."""

LINGER_MAX: Final = 500
"""Most topics that live on without clients; beyond it the one left first goes."""

CHANNELS_MAX: Final = 5_000
"""Most topics with clients; beyond it a wish for another one is refused."""

RETRY_AFTER_S: Final = 30.0
"""When a refused client should try again."""

_logger = logging.getLogger(__name__)

Understand = Callable[[str, str], StreamWish]
LoadInitial = Callable[[StreamWish], Awaitable[Sequence[bytes]]]


class TooManyTopics(PlatformError):
    """All topics of this server are taken; some will be free later."""

    retryable = True


class _Open:
    """A channel with what it holds."""

    __slots__ = ("channel", "leases", "listeners", "loading", "until_s")

    def __init__(self, channel: TopicChannel, leases: StreamLeases) -> None:
        self.channel = channel
        self.leases = leases
        self.listeners: set[ChannelListener] = set()
        self.loading: asyncio.Task[None] | None = None
        self.until_s = 0.0


class TopicBoard:
    """Every topic that some many-topic socket has, or had a moment ago.

    Args:
        publisher: source of the messages; its hub reaches the clients.
        understand: what a path and a query ask for.
        load: the first message of a stream, empty when there is none.
        clock: numbers begin at the wall clock; lingering is measured by the other one.
    """

    def __init__(
        self,
        publisher: StreamPublisher,
        understand: Understand,
        load: LoadInitial,
        clock: Clock,
    ) -> None:
        self._publisher = publisher
        self._understand = understand
        self._load = load
        self._clock = clock
        self._open: dict[str, _Open] = {}
        self._lingering: dict[str, _Open] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._highest = 0
        self._closed = False

    @property
    def limits(self) -> StreamLimits:
        """Bounds of the hub."""
        return self._publisher.hub.limits

    def understand(self, text: str) -> StreamWish:
        """What the text of a topic asks for: path and query of a stream, without `/ws/`.

        Raises:
            RequestError: a part is unknown or not offered; names it.
            VenueUnavailable: a venue's instruments are not known yet.
        """
        path, _, query = text.partition("?")
        return self._understand(unquote(path), query)

    def join(self, wish: StreamWish, listener: ChannelListener) -> TopicChannel:
        """The channel of a wish, held for a listener until `leave`.

        Raises:
            TooManyTopics: there is no room for another topic.
            PlatformError: the venue refuses a lease.
        """
        name = wish.name
        held = self._open.get(name) or self._make(wish)
        held.listeners.add(listener)
        self._lingering.pop(name, None)
        return held.channel

    def wait(self, channel: TopicChannel, listener: ChannelListener) -> None:
        """Has a listener begin as soon as there is a state: the next live one, or one asked for."""
        channel.wait(listener)
        held = self._open[channel.key]
        if held.loading is None:
            held.loading = asyncio.get_running_loop().create_task(
                self._load_state(held), name=f"topic-state-{channel.key}"
            )

    def leave(self, channel: TopicChannel, listener: ChannelListener) -> None:
        """Gives up a listener's hold; the topic lives on for a while. Harmless when repeated."""
        channel.stop_waiting(listener)
        held = self._open.get(channel.key)
        if held is None or listener not in held.listeners:
            return
        held.listeners.discard(listener)
        if held.listeners:
            return
        if self._closed:
            self._end(channel.key)
            return
        held.until_s = self._clock.monotonic() + LINGER_S
        self._lingering[channel.key] = held
        if len(self._lingering) > LINGER_MAX:
            self._end(next(iter(self._lingering)))
        self._arm()

    def sweep(self) -> None:
        """Ends the topics that have been without clients for long enough; the timer calls this."""
        now = self._clock.monotonic()
        for name, held in tuple(self._lingering.items()):
            if held.until_s > now:
                break
            self._end(name)

    async def close(self) -> None:
        """Ends every topic; harmless when repeated. To be called when all clients have gone."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        tasks = [held.loading for held in self._open.values() if held.loading is not None]
        for name in tuple(self._open):
            self._end(name)
        await asyncio.gather(*tasks, return_exceptions=True)

    # Inside

    def _make(self, wish: StreamWish) -> _Open:
        """A new channel, heard by nobody yet."""
        if len(self._open) - len(self._lingering) >= CHANNELS_MAX or self._closed:
            raise TooManyTopics
        leases = StreamLeases(wish)
        try:
            topic = self._publisher.hub.topic(wish.name, wish.spec.policy)
        except ValueError as error:
            leases.release()
            raise TooManyTopics from error
        # Microseconds: no stream brings a million messages a second, so a number of an earlier
        # life of the topic is always smaller, and all stay below 2^53 until the year 2255.
        first = max(self._clock.now_ns() // 1000, self._highest + 1)
        channel = TopicChannel(wish, topic, first, self._clock.monotonic)
        self._publisher.add_outlet(channel, wish.spec, wish.exchange, wish.symbol, wish.interval)
        held = self._open[wish.name] = _Open(channel, leases)
        return held

    def _end(self, name: str) -> None:
        """A topic's life ends."""
        held = self._open.pop(name)
        self._lingering.pop(name, None)
        self._highest = max(self._highest, held.channel.seq)
        if held.loading is not None:
            held.loading.cancel()
        wish = held.channel.wish
        self._publisher.remove_outlet(name, wish.spec, wish.exchange, wish.symbol)
        self._publisher.hub.discard_topic(name)
        held.leases.release()

    async def _load_state(self, held: _Open) -> None:
        """Asks for the state with which clients begin; when it cannot be had a live one will do."""
        wish = held.channel.wish
        try:
            async with asyncio.timeout(self.limits.resolve_timeout_s):
                payloads = await self._load(wish)
            if payloads:
                held.channel.offer(payloads[-1])
        except TimeoutError:
            _logger.warning("no state of %s in time", wish.name)
        except Exception:
            _logger.exception("the state of %s could not be loaded", wish.name)
        finally:
            held.loading = None

    def _arm(self) -> None:
        """Sees to it that `sweep` is called when the next topic is due."""
        if self._timer is None and self._lingering:
            due = next(iter(self._lingering.values())).until_s - self._clock.monotonic()
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(max(due, 1.0), self._on_timer)

    def _on_timer(self) -> None:
        """The timer: sweeps, and goes on while something lingers."""
        self._timer = None
        self.sweep()
        self._arm()
