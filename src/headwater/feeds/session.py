"""One connection's subscriptions: what is wanted, asked, confirmed, silent. Pure.

The session is told what happens (opened, acknowledged, time passes) and answers with decisions:
messages to send, a reconnect with its reason, changes of state to publish. It never sends, waits
or reads a clock. A subscription is live after its acknowledgement or its first data, whichever is
first; silence is judged by `SilenceWatch`, per channel and symbol.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeAlias

import msgspec

from headwater.core.enums import FeedState
from headwater.feeds.settings import SessionSettings
from headwater.feeds.staleness import Remedy, SilenceWatch
from headwater.venues.base import MarketStream
from headwater.venues.facts import StreamLimits
from headwater.venues.messages import Ack, StreamRequest, Subscription

_ASKS_MAX: Final = 2


class Send(msgspec.Struct, frozen=True):
    """Send this text, paced.

    Attributes:
        text: the frame.
        request_id: of what asks for subscriptions or gives them up; None for a heartbeat.
    """

    text: str
    request_id: int | None = None


class Reconnect(msgspec.Struct, frozen=True):
    """Renew the connection.

    Attributes:
        reason: in words.
        graceful: whether the old one still carries data: then the new one comes first.
    """

    reason: str
    graceful: bool


class Confirmed(msgspec.Struct, frozen=True):
    """The venue acknowledged subscriptions; data may still be far off.

    Attributes:
        subscriptions: which.
    """

    subscriptions: tuple[Subscription, ...]


class Change(msgspec.Struct, frozen=True):
    """A subscription changed its state.

    Attributes:
        subscription: which.
        state: the new state.
        reason: why it is not live; empty when it is.
    """

    subscription: Subscription
    state: FeedState
    reason: str


Decision: TypeAlias = Send | Reconnect | Confirmed | Change


class _Entry:
    """What is known of one subscription on this connection."""

    __slots__ = ("asked", "asks", "confirmed", "refused_at", "seen_ns", "sent", "state", "watch")

    def __init__(self, watch: SilenceWatch) -> None:
        self.watch = watch
        self.asked = False
        self.asks = 0
        self.sent = False
        self.confirmed = False
        self.refused_at: float | None = None
        self.seen_ns: int | None = None
        self.state = FeedState.CONNECTING


class _Pending(msgspec.Struct, frozen=True):
    """A request without its acknowledgement; it has no deadline before it is sent."""

    subscriptions: tuple[Subscription, ...]
    asks_data: bool
    deadline: float = float("inf")


class Session:
    """The subscriptions of one open connection.

    Args:
        stream: the conversation; makes the messages and knows when data came.
        limits: what the venue allows a connection.
        settings: deadlines.
        watches: silence watches by subscription; must hold every wanted one.
        now: monotonic seconds at which the connection opened.
    """

    def __init__(
        self,
        stream: MarketStream,
        limits: StreamLimits,
        settings: SessionSettings,
        watches: Mapping[Subscription, SilenceWatch],
        now: float,
    ) -> None:
        self._stream = stream
        self._limits = limits
        self._settings = settings
        self._watches = watches
        self._entries: dict[Subscription, _Entry] = {}
        self._unwanted: list[Subscription] = []
        self._halves: list[Sequence[Subscription]] = []
        self._pending: dict[int, _Pending] = {}
        self._decided: list[Decision] = []
        self._signs = -1
        self._last_sign = now
        self._next_heartbeat = now + (limits.heartbeat_s or 0.0)

    def want(self, subscriptions: Iterable[Subscription]) -> None:
        """Adds to what is wanted; asked for at the next tick, all in one go."""
        for subscription in subscriptions:
            if subscription not in self._entries:
                self._entries[subscription] = _Entry(self._watches[subscription])

    def unwant(self, subscriptions: Iterable[Subscription]) -> None:
        """Gives subscriptions up; the venue is told at the next tick if it was ever asked."""
        for subscription in subscriptions:
            entry = self._entries.pop(subscription, None)
            if entry is not None and entry.asked:
                self._unwanted.append(subscription)

    @property
    def wanted(self) -> Sequence[Subscription]:
        """What is wanted."""
        return list(self._entries)

    @property
    def confirmed(self) -> Sequence[Subscription]:
        """What the venue acknowledged or sent data of."""
        return [wanted for wanted, entry in self._entries.items() if entry.confirmed]

    @property
    def live(self) -> Sequence[Subscription]:
        """What is live on this connection."""
        return [one for one, entry in self._entries.items() if entry.state is FeedState.LIVE]

    @property
    def last_data_ns(self) -> int | None:
        """When this connection last brought data of anything wanted, None before the first."""
        seen = map(self._stream.last_data_ns, self._entries)
        return max((one for one in seen if one is not None), default=None)

    def has_data(self, subscription: Subscription) -> bool:
        """Whether this connection carried data of `subscription` already."""
        entry = self._entries.get(subscription)
        return entry is not None and entry.seen_ns is not None

    def sent(self, request_id: int, now: float, *, is_active: bool = True) -> None:
        """A request has gone out: its answer is due, and what it asks for may be silent no longer.

        Args:
            request_id: as its `Send` has it.
            now: monotonic seconds.
            is_active: whether no other connection carries the subscriptions meanwhile.
        """
        pending = self._pending.get(request_id)
        if pending is None:
            return
        deadline = now + self._settings.ack_timeout_s
        self._pending[request_id] = _Pending(pending.subscriptions, pending.asks_data, deadline)
        for subscription in pending.subscriptions if pending.asks_data else ():
            entry = self._entries.get(subscription)
            if entry is not None and not entry.sent:
                entry.sent = True
                if is_active:
                    entry.watch.asked(now)

    def acked(self, ack: Ack, now: float) -> None:
        """Takes the venue's answer to a request."""
        if ack.request_id is None:
            return
        pending = self._pending.pop(ack.request_id, None)
        if pending is None:
            return
        answered = ack.subscriptions or pending.subscriptions
        rest = tuple([one for one in pending.subscriptions if one not in answered])
        if rest:
            self._pending[ack.request_id] = _Pending(rest, pending.asks_data, pending.deadline)
        if not pending.asks_data:
            return
        if ack.error is not None and ack.may_be_partial and len(answered) > 1:
            # Halves find the bad ones in a few rounds; the others must not wait for them.
            middle = len(answered) // 2
            self._halves += (answered[:middle], answered[middle:])
            return
        if ack.error is None:
            self._decided.append(Confirmed(answered))
        for subscription in answered:
            entry = self._entries.get(subscription)
            if entry is None:
                continue
            if ack.error is None:
                entry.confirmed = True
                if not entry.watch.watched:
                    self._change(subscription, entry, FeedState.LIVE, "")
            else:
                entry.refused_at = now
                entry.asked = False
                self._change(subscription, entry, FeedState.DOWN, f"refused: {ack.error}")

    def renew(self, subscriptions: Sequence[Subscription]) -> None:
        """Gives subscriptions up and asks for them again, whoever shares their topics."""
        asked = [one for one in subscriptions if one in self._entries and self._entries[one].asked]
        if not asked:
            return
        self._send(self._stream.renew(asked))
        for subscription in asked:
            entry = self._entries[subscription]
            entry.confirmed = False
            entry.asks = 1
            entry.seen_ns = self._stream.last_data_ns(subscription)

    def quiet(self, subscription: Subscription, now: float) -> None:
        """Other evidence shows that a silent subscription missed nothing."""
        entry = self._entries.get(subscription)
        if entry is not None:
            entry.watch.known_quiet(now)
            if entry.confirmed and entry.state is FeedState.STALE:
                self._change(subscription, entry, FeedState.LIVE, "")

    def tick(self, now: float, signs: int, *, judge_silence: bool = True) -> list[Decision]:
        """Looks at everything once.

        Args:
            now: monotonic seconds.
            signs: count of all frames so far, control frames included.
            judge_silence: false while another connection still carries the subscriptions.

        Returns:
            What to do, in order. After a `Reconnect` nothing else is decided.
        """
        if signs != self._signs:
            self._signs = signs
            self._last_sign = now
        self._look_for_data(now, tell_watches=judge_silence)
        reconnect = self._dead_connection(now) or self._overdue_answers(now)
        if reconnect is None and judge_silence:
            reconnect = self._silence(now)
        if reconnect is None:
            self._ask(now)
            self._beat(now)
        decided, self._decided = self._decided, []
        if reconnect is not None:
            decided.append(reconnect)
        return decided

    def _look_for_data(self, now: float, *, tell_watches: bool) -> None:
        last_data_ns = self._stream.last_data_ns
        for subscription, entry in self._entries.items():
            if not entry.asked:
                continue
            seen = last_data_ns(subscription)
            if seen is not None and seen != entry.seen_ns:
                entry.seen_ns = seen
                entry.confirmed = True
                entry.asks = 0
                if tell_watches:
                    entry.watch.seen(now)
                if entry.state is not FeedState.LIVE:
                    self._change(subscription, entry, FeedState.LIVE, "")

    def _dead_connection(self, now: float) -> Reconnect | None:
        quiet_s = now - self._last_sign
        if quiet_s > self._limits.quiet_limit_s:
            return Reconnect(f"no frame at all for {quiet_s:.0f} s", graceful=False)
        return None

    def _overdue_answers(self, now: float) -> Reconnect | None:
        overdue = [key for key, pending in self._pending.items() if now > pending.deadline]
        for request_id in overdue:
            pending = self._pending.pop(request_id)
            for subscription in pending.subscriptions if pending.asks_data else ():
                entry = self._entries.get(subscription)
                if entry is None or entry.confirmed:
                    continue
                if entry.asks >= _ASKS_MAX:
                    return Reconnect(f"{_name(subscription)}: not acknowledged", graceful=False)
                entry.asked = False
        return None

    def _silence(self, now: float) -> Reconnect | None:
        watched = [
            (subscription, entry)
            for subscription, entry in self._entries.items()
            if entry.asked and entry.sent and entry.watch.watched
        ]
        overdue = [pair for pair in watched if pair[1].watch.overdue(now)]
        if not overdue:
            return None
        silent_s = now - self._last_sign
        if len(overdue) == len(watched) > 1 and silent_s > self._settings.watch_interval_s * 4:
            for subscription, entry in overdue:
                self._stale(subscription, entry)
            return Reconnect(f"all channels silent, no frame for {silent_s:.0f} s", graceful=False)
        again: list[Subscription] = []
        reconnect: list[Subscription] = []
        for subscription, entry in overdue:
            self._stale(subscription, entry)
            remedy = entry.watch.remedy(now)
            (again if remedy is Remedy.RESUBSCRIBE else reconnect).append(subscription)
        if reconnect:
            alive = silent_s < self._settings.ack_timeout_s
            names = f"{_name(reconnect[0])} and {len(reconnect) - 1} more silent"
            return Reconnect(f"{names} after subscribing again", graceful=alive)
        self.renew(again)
        return None

    def _ask(self, now: float) -> None:
        if self._unwanted:
            gone = [one for one in self._unwanted if one not in self._entries]
            self._unwanted = []
            if gone:
                self._send(self._stream.unsubscribe(gone))
        halves, self._halves = self._halves, []
        for half in halves:
            still = [one for one in half if one in self._entries and self._entries[one].asked]
            if still:
                self._send(self._stream.subscribe(still))
        retry_before = now - self._settings.refused_retry_s
        asked: list[Subscription] = []
        for subscription, entry in self._entries.items():
            if entry.asked or (entry.refused_at is not None and entry.refused_at > retry_before):
                continue
            entry.asked = True
            entry.asks += 1
            entry.sent = False
            entry.refused_at = None
            asked.append(subscription)
        if asked:
            self._send(self._stream.subscribe(asked))

    def _beat(self, now: float) -> None:
        if self._limits.heartbeat_s is not None and now >= self._next_heartbeat:
            self._next_heartbeat = now + self._limits.heartbeat_s
            text = self._stream.heartbeat()
            if text is not None:
                self._decided.append(Send(text))

    def _send(self, requests: Iterable[StreamRequest]) -> None:
        for request in requests:
            self._pending[request.request_id] = _Pending(
                request.subscriptions, not request.gives_up
            )
            self._decided.append(Send(request.payload, request.request_id))

    def _stale(self, subscription: Subscription, entry: _Entry) -> None:
        limit = entry.watch.limit_s or 0.0
        reason = f"silent for more than {limit:.1f} s"
        self._change(subscription, entry, FeedState.STALE, reason)

    def _change(
        self, subscription: Subscription, entry: _Entry, state: FeedState, reason: str
    ) -> None:
        entry.state = state
        self._decided.append(Change(subscription, state, reason))


def _name(subscription: Subscription) -> str:
    interval = "" if subscription.interval is None else f"@{subscription.interval}"
    return f"{subscription.channel}{interval} {subscription.native_symbol or 'all symbols'}"
