"""All symbols that `/ws/heatmap` clients watch: each map is made once, and sent to all as it is.

Owns the timer that looks what is due and the tasks that wait for maps; both are there only while
somebody watches. Maps are made off the event loop by whoever makes them; here they are encoded
once, framed once for each pace, and written by the hub. What is watched by nobody costs nothing.

Knows nothing of what clients say; see `heatmap_session`.
"""

import asyncio
import logging
from collections.abc import Iterator
from typing import Final

from headwater.api.errors import problem_of
from headwater.api.heatmap_watch import PaceGroup, SymbolWatch, Watcher
from headwater.api.schemas.base import encode, iso_of
from headwater.api.schemas.heatmap_socket import (
    HeatmapErrorView,
    HeatmapStatsView,
    HeatmapWarningView,
    WatchedSymbolView,
    snapshot_view,
)
from headwater.api.stream_hub import StreamHub
from headwater.bus.topics import SlowPolicy
from headwater.core.clock import Clock
from headwater.core.errors import PlatformError
from headwater.services.live_heatmap import NewestMaps

TICK_S: Final = 0.1
"""How exact the paces are."""

COMPUTING_MAX: Final = 2
"""Maps made at a time; the symbol that waits longest comes first."""

WATCHED_MAX: Final = 500
"""Symbols watched at a time; another one is refused."""

COMPUTE_TIMEOUT_S: Final = 30.0
"""Longest wait for a map."""

TOPIC_PREFIX: Final = "heatmap/"
"""Begins the keys of these streams in the hub; no other stream's path begins so."""

_logger = logging.getLogger(__name__)


class TooManyWatched(PlatformError):
    """This server watches as many symbols as it may; some will be free later."""

    retryable = True


class HeatmapBoard:
    """Every watched symbol.

    Args:
        maps: where maps come from; None where this process makes none.
        clock: tells the time.
        default_pace_s: `update_interval` of who gives none.
        enabled: false refuses every client.
    """

    def __init__(
        self,
        maps: NewestMaps | None,
        clock: Clock,
        *,
        default_pace_s: int = 5,
        enabled: bool = True,
    ) -> None:
        self.default_pace_s = default_pace_s
        self.enabled = enabled
        self.rate_limited = 0
        """Requests refused because too many came."""
        self._maps = maps
        self._clock = clock
        self._hub: StreamHub | None = None
        self._watches: dict[str, SymbolWatch] = {}
        self._left: dict[str, SymbolWatch] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False
        self._connections = self._peak = self._total = 0
        self._computed = self._failed = self._published = self._dropped = 0

    def attach(self, hub: StreamHub) -> None:
        """Names the hub that writes to the clients, once."""
        assert self._hub is None, "there is one hub"
        self._hub = hub
        hub.close_with(self.close)

    # For the sessions

    def connected(self) -> None:
        """A client has come."""
        self._connections += 1
        self._total += 1
        self._peak = max(self._peak, self._connections)

    def disconnected(self) -> None:
        """A client has gone; it has left every symbol before."""
        self._connections -= 1

    def now_ms(self) -> int:
        """Wall time, ms."""
        return self._clock.now_ms()

    def now_s(self) -> float:
        """Monotonic seconds."""
        return self._clock.monotonic()

    def join(self, symbol: str, pace_s: int, watcher: Watcher) -> str:
        """Has a client watch a symbol: `begin` is called with its first snapshot, perhaps at once.

        Args:
            symbol: canonical symbol.
            pace_s: seconds between two snapshots.
            watcher: the client; one that has another pace is to `leave` that one next, and goes on
                without another first snapshot.

        Returns:
            Key of the hub's topic that brings the later snapshots.

        Raises:
            TooManyWatched: there is no room for another symbol or topic.
        """
        assert self._hub is not None, "attach comes first"
        watch = self._watches.get(symbol)
        if watch is None:
            if len(self._watches) >= WATCHED_MAX or self._closed:
                raise TooManyWatched
            watch = self._left.get(symbol) or SymbolWatch(symbol)
        group = watch.groups.get(pace_s)
        if group is None:
            key = f"{TOPIC_PREFIX}{symbol}?update_interval={pace_s}"
            try:
                topic = self._hub.topic(key, SlowPolicy.DROP_OLDEST, _slow_warning)
            except ValueError as error:
                raise TooManyWatched from error
            group = watch.groups[pace_s] = PaceGroup(topic, pace_s, self._clock.monotonic())
        self._watches[symbol] = watch
        self._left.pop(symbol, None)
        if not watch.has(watcher):
            watch.waiting[watcher] = None
        group.watchers.add(watcher)
        return group.topic.key

    def greet(self, symbol: str, watcher: Watcher) -> None:
        """Begins a client that joined, as far as can be done at once; the rest comes by itself."""
        watch = self._watches[symbol]
        if watch.payload is not None and watch.is_fresh(self._clock.monotonic()):
            watch.waiting.pop(watcher, None)
            watcher.begin(symbol, watch.payload)
        elif watch.failure is not None and watcher not in watch.told:
            watch.told.add(watcher)
            watcher.fail(symbol, watch.failure)
        self.tick()

    def leave(self, symbol: str, pace_s: int, watcher: Watcher) -> None:
        """Ends a client's watch, after it has ceased to hear the topic."""
        watch = self._watches[symbol]
        group = watch.groups[pace_s]
        group.watchers.discard(watcher)
        if not watch.has(watcher):
            watch.waiting.pop(watcher, None)
            watch.told.discard(watcher)
        if group.watchers:
            return
        del watch.groups[pace_s]
        self._dropped += group.topic.dropped
        if self._hub is not None:
            self._hub.discard_topic(group.topic.key)
        if not watch.groups:
            self._put_aside(watch)

    # Time

    def tick(self) -> None:
        """Gives out and starts what is due now; the timer calls this."""
        if self._closed:
            return
        now_s = self._clock.monotonic()
        for watch in self._watches.values():
            if watch.is_fresh(now_s) and watch.is_wanted(now_s):
                self._give_out(watch, now_s)
        wanting = [
            watch
            for watch in self._watches.values()
            if watch.symbol not in self._tasks
            and watch.may_compute(now_s)
            and watch.is_wanted(now_s)
        ]
        wanting.sort(key=SymbolWatch.waits_since_s)
        for watch in wanting[: COMPUTING_MAX - len(self._tasks)]:
            self._start(watch, now_s)
        self._arm()

    async def close(self) -> None:
        """Ends the timer and every task; harmless when repeated."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        tasks = tuple(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def stats(self) -> HeatmapStatsView:
        """Counters now."""
        return HeatmapStatsView(
            enabled=self.enabled,
            connections=self._connections,
            connections_peak=self._peak,
            connections_total=self._total,
            subscriptions=sum(watch.clients for watch in self._watches.values()),
            computed=self._computed,
            failed=self._failed,
            published=self._published,
            dropped_messages=self._dropped + sum(one.topic.dropped for one in self._groups()),
            rate_limited=self.rate_limited,
            symbols=tuple(_symbol_view(self._watches[name]) for name in sorted(self._watches)),
        )

    # Inside

    def _groups(self) -> Iterator[PaceGroup]:
        return (group for watch in self._watches.values() for group in watch.groups.values())

    def _put_aside(self, watch: SymbolWatch) -> None:
        """Nobody watches a symbol any more.

        When its map was made last is kept: who comes and goes must not have it made more often.
        """
        del self._watches[watch.symbol]
        watch.payload = None
        self._left[watch.symbol] = watch
        if len(self._left) > WATCHED_MAX:
            del self._left[next(iter(self._left))]
        task = self._tasks.get(watch.symbol)
        if task is not None:
            task.cancel()

    def _start(self, watch: SymbolWatch, now_s: float) -> None:
        """Has a map made."""
        watch.start(now_s)
        task = asyncio.get_running_loop().create_task(
            self._compute(watch), name=f"heatmap-{watch.symbol}"
        )
        self._tasks[watch.symbol] = task

    async def _compute(self, watch: SymbolWatch) -> None:
        """Waits for a map and gives it out, or tells why there is none."""
        started_s = self._clock.monotonic()
        try:
            payload, moment = await self._make(watch.symbol)
        except PlatformError as error:
            self._fail(watch, _reason(error))
        except TimeoutError:
            self._fail(watch, f"no map within {COMPUTE_TIMEOUT_S:g} s")
        except Exception:
            _logger.exception("the map of %s failed", watch.symbol)
            self._fail(watch, "internal error")
        else:
            self._computed += 1
            watch.made(payload, moment)
            self._give_out(watch, self._clock.monotonic())
        finally:
            watch.end(started_s, self._clock.monotonic())
            del self._tasks[watch.symbol]
            self.tick()  # the next one that is due may begin

    async def _make(self, symbol: str) -> tuple[bytes, str]:
        """The map as it is sent, and its moment."""
        if self._maps is None:
            raise _NoMaps("this process makes no maps")
        async with asyncio.timeout(COMPUTE_TIMEOUT_S):
            snapshot = await self._maps.newest(symbol)
        payload = encode(snapshot_view(snapshot))
        assert self._hub is not None, "attach comes first"
        most = self._hub.limits.max_payload_bytes
        if len(payload) > most:
            raise _NoMaps(f"the map takes {len(payload)} bytes, allowed: {most}")
        return payload, iso_of(snapshot.timestamp_ms)

    def _give_out(self, watch: SymbolWatch, now_s: float) -> None:
        """Sends the newest map to the groups that are due and to those who wait for a first one."""
        payload = watch.payload
        assert payload is not None, "there is a map to give out"
        for group in watch.due(now_s):
            group.rearm(now_s)
            if group.topic.has_subscribers:
                group.topic.publish(payload)
                self._published += 1
                watch.published += 1
        waiting, watch.waiting = watch.waiting, {}
        for watcher in waiting:
            watcher.begin(watch.symbol, payload)

    def _fail(self, watch: SymbolWatch, reason: str) -> None:
        """Tells every client of the symbol once, until there is a map again."""
        self._failed += 1
        watch.failed += 1
        if reason != watch.reason:
            _logger.warning("no map of %s: %s", watch.symbol, reason)
        watch.payload, watch.reason = None, reason
        words = f"{watch.symbol}: {reason}; snapshots come as soon as there is a map"
        error = HeatmapErrorView(code="SERVER_ERROR", message=words, symbol=watch.symbol)
        watch.failure = encode(error)
        now_s = self._clock.monotonic()
        for group in watch.groups.values():
            if group.due_s <= now_s:
                group.rearm(now_s)
            for watcher in group.watchers - watch.told:
                watch.told.add(watcher)
                watcher.fail(watch.symbol, watch.failure)

    def _arm(self) -> None:
        """Sees to it that `tick` is called soon, while anybody watches."""
        if self._timer is None and self._watches and not self._closed:
            self._timer = asyncio.get_running_loop().call_later(TICK_S, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self.tick()


class _NoMaps(PlatformError):
    """There is no map, for a reason of this module."""


def _reason(error: PlatformError) -> str:
    """Why there is no map, without what is no client's business."""
    return str(error) if isinstance(error, _NoMaps) else problem_of(error).detail


def _slow_warning(key: str, count: int) -> bytes:
    """What a client is told that did not read fast enough."""
    symbol = key.removeprefix(TOPIC_PREFIX).partition("?")[0]
    words = f"{symbol}: you read too slowly, the oldest snapshots were dropped; ask for fewer"
    return encode(HeatmapWarningView(code="SLOW_CONSUMER", message=words, dropped_messages=count))


def _symbol_view(watch: SymbolWatch) -> WatchedSymbolView:
    return WatchedSymbolView(
        symbol=watch.symbol,
        clients=watch.clients,
        computed=watch.computed,
        failed=watch.failed,
        published=watch.published,
        newest=watch.newest_at,
        compute_ms=watch.compute_s * 1000,
        error=watch.reason,
    )
