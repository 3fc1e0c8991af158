"""Reference-counted leases on a venue's live streams, spread over its connections.

However many ask for a stream, the venue is asked once. A stream without a lease lingers for a
while (a page reload costs nothing), then it is given up. Subscriptions are placed on the fewest
connections that the venue's limit allows, each kept by its own task; an empty one is closed.
"""

import asyncio
from collections.abc import Callable, Sequence

from headwater.core.clock import Clock
from headwater.core.errors import RequestError
from headwater.feeds.connection import Connection
from headwater.feeds.connection_parts import ConnectionParts
from headwater.venues.messages import Subscription

_SWEEP_MIN_S = 0.05


class PoolLease:
    """A hold on one stream. Made by `SubscriptionPool.acquire`."""

    def __init__(self, pool: "SubscriptionPool", subscription: Subscription) -> None:
        self._pool: SubscriptionPool | None = pool
        self.subscription = subscription

    def release(self) -> None:
        """Gives the hold up; harmless when repeated."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.give_back(self.subscription)


class _Placed:
    """One stream: who carries it and how many hold it."""

    __slots__ = ("connection", "idle_since", "leases")

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.leases = 0
        self.idle_since: float | None = None


class SubscriptionPool:
    """The live streams of one venue.

    Args:
        parts: what its connections share.
        on_added: told of each stream that begins to be wanted, before the venue is asked.
        on_removed: told of each stream that nobody wants any more.
    """

    def __init__(
        self,
        parts: ConnectionParts,
        on_added: Callable[[Subscription], None],
        on_removed: Callable[[Subscription], None],
    ) -> None:
        self._parts = parts
        self._clock: Clock = parts.clock
        self._on_added = on_added
        self._on_removed = on_removed
        self._placed: dict[Subscription, _Placed] = {}
        self._connections: dict[Connection, asyncio.Task[None]] = {}
        self._made = 0
        self._past_frames = 0
        self._past_reconnects = 0
        self._past_rotations = 0

    def acquire(self, subscription: Subscription) -> PoolLease:
        """Holds a stream; the first hold opens it.

        Raises:
            RequestError: every connection the settings allow is full.
        """
        placed = self._placed.get(subscription)
        if placed is None:
            placed = self._place(subscription)
        placed.leases += 1
        placed.idle_since = None
        return PoolLease(self, subscription)

    def give_back(self, subscription: Subscription) -> None:
        """Ends one hold; called by the lease."""
        placed = self._placed.get(subscription)
        if placed is None:
            return
        placed.leases -= 1
        assert placed.leases >= 0, "more leases released than acquired"
        if placed.leases == 0:
            placed.idle_since = self._clock.monotonic()

    def leases(self, subscription: Subscription) -> int:
        """Holds on a stream now."""
        placed = self._placed.get(subscription)
        return 0 if placed is None else placed.leases

    def age_s(self, subscription: Subscription) -> float | None:
        """Seconds since the last data of a stream, None before the first."""
        placed = self._placed.get(subscription)
        return None if placed is None else placed.connection.age_s(subscription)

    def renew(self, subscription: Subscription) -> None:
        """Asks for a stream anew, on the connection that carries it."""
        placed = self._placed.get(subscription)
        if placed is not None:
            placed.connection.renew(subscription)

    def quiet(self, subscription: Subscription) -> None:
        """Other evidence shows that a silent stream missed nothing."""
        placed = self._placed.get(subscription)
        if placed is not None:
            placed.connection.quiet(subscription)

    @property
    def subscriptions(self) -> Sequence[Subscription]:
        """Every stream that is wanted or lingers, oldest first."""
        return list(self._placed)

    @property
    def open_connections(self) -> int:
        """Connections that stand now."""
        return sum(connection.is_open for connection in self._connections)

    @property
    def lost_connections(self) -> Sequence[str]:
        """Connections that were lost or refused and are not back: endpoint and reason."""
        lost = (one for one in self._connections if one.lost_because)
        return [f"{one.endpoint} connection down: {one.lost_because}" for one in lost]

    @property
    def frames(self) -> int:
        """Frames received since the start."""
        return self._past_frames + sum(one.frames for one in self._connections)

    @property
    def reconnects(self) -> int:
        """Connections lost and opened again since the start."""
        return self._past_reconnects + sum(one.reconnects for one in self._connections)

    @property
    def rotations(self) -> int:
        """Connections replaced without a gap since the start."""
        return self._past_rotations + sum(one.rotations for one in self._connections)

    async def run(self) -> None:
        """Gives up streams that lingered long enough, for ever."""
        interval_s = min(1.0, max(_SWEEP_MIN_S, self._parts.settings.linger_s / 4))
        while True:
            await asyncio.sleep(interval_s)
            self.sweep()

    def sweep(self) -> None:
        """Looks once."""
        idle_before = self._clock.monotonic() - self._parts.settings.linger_s
        for subscription, placed in list(self._placed.items()):
            if placed.idle_since is not None and placed.idle_since <= idle_before:
                del self._placed[subscription]
                placed.connection.unwant((subscription,))
                self._on_removed(subscription)
                if not placed.connection.wanted:
                    self._close(placed.connection)

    def _place(self, subscription: Subscription) -> _Placed:
        endpoint = self._parts.venue.endpoint_of(subscription.channel)
        limits = self._parts.venue.facts.stream_limits
        max_streams = limits.max_streams
        most = limits.streams_total_max
        if most is not None and len(self._placed) >= most:
            raise RequestError(
                "subscription", subscription.channel, f"at most {most} streams of the venue at once"
            )
        mine = [one for one in self._connections if one.endpoint == endpoint]
        chosen = next((one for one in mine if len(one.wanted) < max_streams), None)
        if chosen is None:
            limit = self._connections_max(len(self._connections) - len(mine))
            if len(mine) >= limit:
                raise RequestError(
                    "subscription",
                    subscription.channel,
                    f"at most {limit * max_streams} streams of {endpoint} at once",
                )
            chosen = self._connect(endpoint)
        placed = self._placed[subscription] = _Placed(chosen)
        self._on_added(subscription)
        chosen.want((subscription,))
        return placed

    def _connections_max(self, elsewhere: int) -> int:
        """Connections that one endpoint may have beside those of the others.

        One of what the venue allows an address is left free, for the one that replaces another.
        """
        limit = self._parts.settings.per_endpoint_max
        allowed = self._parts.venue.facts.stream_limits.connections_max
        return limit if allowed is None else max(1, min(limit, allowed - 1 - elsewhere))

    def _connect(self, endpoint: str) -> Connection:
        self._made += 1
        name = f"{endpoint}-{self._made}"
        connection = Connection(name, endpoint, self._parts)
        self._connections[connection] = self._parts.supervisor.keep(name, connection.run)
        return connection

    def _close(self, connection: Connection) -> None:
        self._connections.pop(connection).cancel()
        self._past_frames += connection.frames
        self._past_reconnects += connection.reconnects
        self._past_rotations += connection.rotations
