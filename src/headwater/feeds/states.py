"""State of every wanted subscription, combined from what connections and books say.

A connection says whether a subscription is confirmed, carries data or is silent; a book may be
resynchronising although its stream flows. Each change of the combination is published as a
`ConnectionState`; health reads the board.
"""

from collections.abc import Callable, Iterable

from headwater.bus.bus import Bus
from headwater.core.clock import Clock
from headwater.core.enums import Channel, FeedState
from headwater.core.records import ALL_SYMBOLS, ConnectionState
from headwater.feeds.source import ChannelHealth
from headwater.venues.messages import Subscription


class _Row:
    """One subscription."""

    __slots__ = ("book", "reason", "since_ms", "state", "stream")

    def __init__(self, since_ms: int) -> None:
        self.stream = (FeedState.CONNECTING, "")
        self.book: tuple[FeedState, str] | None = None
        self.state = FeedState.CONNECTING
        self.reason = ""
        self.since_ms = since_ms


class StateBoard:
    """The states of one venue.

    Args:
        exchange: venue id.
        bus: hears changes.
        clock: stamps them.
        symbol_of: canonical symbol of a native one.
    """

    def __init__(
        self, exchange: str, bus: Bus, clock: Clock, symbol_of: Callable[[str], str]
    ) -> None:
        self._exchange = exchange
        self._bus = bus
        self._clock = clock
        self._symbol_of = symbol_of
        self._rows: dict[Subscription, _Row] = {}

    def add(self, subscription: Subscription) -> None:
        """Begins to keep the state of `subscription`."""
        row = self._rows.setdefault(subscription, _Row(self._clock.now_ms()))
        if subscription.channel is Channel.BOOK and row.book is None:
            row.book = (FeedState.CONNECTING, "waits for its first snapshot")

    def remove(self, subscription: Subscription) -> None:
        """Ends it: nobody wants the subscription any more."""
        self._rows.pop(subscription, None)

    def set_stream(self, subscription: Subscription, state: FeedState, reason: str) -> None:
        """Notes what the connection says."""
        row = self._rows.get(subscription)
        if row is not None:
            row.stream = (state, reason)
            self._combine(subscription, row)

    def set_book(self, native_symbol: str, state: FeedState, reason: str) -> None:
        """Notes what the book keeper says."""
        subscription = Subscription(channel=Channel.BOOK, native_symbol=native_symbol)
        row = self._rows.get(subscription)
        if row is not None:
            row.book = (state, reason)
            self._combine(subscription, row)

    def set_connection(self, endpoint: str, state: FeedState, reason: str) -> None:
        """Publishes the state of a whole connection."""
        now_ms = self._clock.now_ms()
        self._bus.publish(
            ConnectionState(
                exchange=self._exchange,
                symbol=ALL_SYMBOLS,
                native_symbol=ALL_SYMBOLS,
                timestamp_ms=now_ms,
                received_ns=self._clock.now_ns(),
                channel=None,
                state=state,
                reason=f"{endpoint}: {reason}" if reason else endpoint,
                since_ms=now_ms,
            )
        )

    def state_of(self, subscription: Subscription) -> FeedState | None:
        """The combined state, None for what is not wanted."""
        row = self._rows.get(subscription)
        return None if row is None else row.state

    def is_live(self, subscription: Subscription) -> bool:
        """Whether the subscription carries data now."""
        return self.state_of(subscription) is FeedState.LIVE

    def channels(
        self,
        leases_of: Callable[[Subscription], int],
        age_of: Callable[[Subscription], float | None],
    ) -> tuple[ChannelHealth, ...]:
        """Every wanted subscription, for health."""
        return tuple(
            ChannelHealth(
                channel=subscription.channel,
                symbol=self._name(subscription),
                interval=subscription.interval,
                state=row.state,
                since_ms=row.since_ms,
                age_s=age_of(subscription),
                reason=row.reason,
                subscribers=leases_of(subscription),
            )
            for subscription, row in self._rows.items()
        )

    @property
    def subscriptions(self) -> Iterable[Subscription]:
        """Everything on the board."""
        return self._rows.keys()

    def _combine(self, subscription: Subscription, row: _Row) -> None:
        state, reason = row.stream
        if state is FeedState.LIVE and row.book is not None:
            state, reason = row.book
        if state is row.state:
            row.reason = reason
            return
        row.state = state
        row.reason = reason
        row.since_ms = self._clock.now_ms()
        self._bus.publish(
            ConnectionState(
                exchange=self._exchange,
                symbol=self._name(subscription),
                native_symbol=subscription.native_symbol or ALL_SYMBOLS,
                timestamp_ms=row.since_ms,
                received_ns=self._clock.now_ns(),
                channel=subscription.channel,
                state=state,
                reason=reason,
                since_ms=row.since_ms,
            )
        )

    def _name(self, subscription: Subscription) -> str:
        native_symbol = subscription.native_symbol
        return ALL_SYMBOLS if native_symbol is None else self._symbol_of(native_symbol)
