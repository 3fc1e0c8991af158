"""Keeps one connection to a venue's endpoint for ever.

Connects (gate, full-jitter back-off), subscribes, watches, and renews: a lost connection is
opened again; one that grows old, that the venue will close, or that has a silent channel among
living ones, is replaced by a new one that listens beside it first, so that nothing is missed and
nothing comes twice. The rules are in `session` and `staleness`; this module only carries their
decisions out.
"""

import asyncio
from collections.abc import Iterable, Sequence

from headwater.core.enums import FeedState, GapCause
from headwater.core.errors import PlatformError, VenueError
from headwater.feeds.connection_parts import ConnectionParts
from headwater.feeds.link import Link
from headwater.feeds.serving import Serving
from headwater.feeds.session import Change, Confirmed, Decision, Reconnect, Send, Session
from headwater.feeds.staleness import SilenceWatch
from headwater.transport.pacing import MessagePacer
from headwater.transport.ws import ConnectFailed, open_socket
from headwater.venues.messages import Subscription


class Connection:
    """One connection to one endpoint, kept for ever.

    Args:
        name: of its tasks.
        endpoint: name of the venue's endpoint.
        parts: what it shares with the venue's other connections.

    Attributes:
        lost_because: why it was lost or could not be had; empty while it stands, or is opened for
            the first time.
    """

    def __init__(self, name: str, endpoint: str, parts: ConnectionParts) -> None:
        self.name = name
        self.endpoint = endpoint
        self._parts = parts
        self._limits = parts.venue.facts.stream_limits
        self._wanted: dict[Subscription, SilenceWatch] = {}
        self._active: Serving | None = None
        self._shadow: Serving | None = None
        self._renewing: asyncio.Task[None] | None = None
        self._renew_after = 0.0
        self._renew_reason = ""
        self._wake = asyncio.Event()
        self._old_frames = 0
        self._made = 0
        self.lost_because = ""
        self.reconnects = 0
        self.rotations = 0

    def want(self, subscriptions: Iterable[Subscription]) -> None:
        """Adds subscriptions; the venue is asked at the next turn of the loop."""
        now = self._parts.clock.monotonic()
        stale_after_s = self._parts.venue.facts.stale_after_s
        for one in subscriptions:
            if one in self._wanted:
                continue
            configured = stale_after_s.get(one.channel)
            self._wanted[one] = SilenceWatch(configured, self._parts.session_settings, now)
            for serving in (self._active, self._shadow):
                if serving is not None:
                    serving.session.want((one,))
            if self._active is not None and not self._active.link.knows(one):
                self._renew("an instrument is new", now)
        self._wake.set()

    def unwant(self, subscriptions: Iterable[Subscription]) -> None:
        """Gives subscriptions up."""
        gone = [one for one in subscriptions if self._wanted.pop(one, None) is not None]
        for serving in (self._active, self._shadow):
            if serving is not None:
                serving.session.unwant(gone)
        self._wake.set()

    @property
    def wanted(self) -> Sequence[Subscription]:
        """What this connection carries or shall carry."""
        return list(self._wanted)

    @property
    def is_open(self) -> bool:
        """Whether the connection stands now."""
        return self._active is not None and self._active.link.is_open

    @property
    def frames(self) -> int:
        """Frames received so far, over all its sockets."""
        serving = (one for one in (self._active, self._shadow) if one is not None)
        return self._old_frames + sum(one.link.frames for one in serving)

    def age_s(self, subscription: Subscription) -> float | None:
        """Seconds since the last data of a subscription, None before the first."""
        watch = self._wanted.get(subscription)
        if watch is None or watch.last_data is None:
            return None
        return max(0.0, self._parts.clock.monotonic() - watch.last_data)

    def renew(self, subscription: Subscription) -> None:
        """Asks for a subscription anew: a book whose stream has to send its image again."""
        if self._active is not None:
            self._active.session.renew((subscription,))
            self._wake.set()

    def quiet(self, subscription: Subscription) -> None:
        """Other evidence shows that a silent subscription missed nothing."""
        if self._active is not None:
            self._active.session.quiet(subscription, self._parts.clock.monotonic())

    async def run(self) -> None:
        """Keeps the connection until cancelled."""
        try:
            while True:
                await self._wait_until_wanted()
                self._parts.sink.on_connection(self.endpoint, FeedState.CONNECTING, "")
                serving = await self._connect()
                self.lost_because = ""
                self._parts.sink.on_connection(self.endpoint, FeedState.LIVE, "")
                await self._serve(serving)
        finally:
            await self._close_all()

    async def _wait_until_wanted(self) -> None:
        while not self._wanted:
            self.lost_because = ""  # nobody misses it
            self._wake.clear()
            await self._wake.wait()

    async def _connect(self) -> Serving:
        """Opens a connection, trying for ever."""
        while True:
            try:
                return await self._open(shadow_max=None)
            except (ConnectFailed, VenueError) as error:
                self._down(str(error))
                await asyncio.sleep(self._delay_after(error))

    def _delay_after(self, error: PlatformError) -> float:
        """How long to wait after a failed attempt; a refusal with a time holds for the venue."""
        retry_after_s: float | None = getattr(error, "retry_after_s", None)
        if retry_after_s is not None:
            self._parts.gate.block_until(self._parts.clock.monotonic() + retry_after_s)
        return self._parts.backoff.next_delay(retry_after_s or 0.0)

    async def _open(self, shadow_max: int | None) -> Serving:
        parts = self._parts
        await parts.gate.turn()
        table = parts.table()
        stream = parts.venue.stream(self.endpoint, table)
        url = parts.venue.stream_url(parts.addresses, self.endpoint)
        link = Link(
            url,
            stream,
            table,
            parts.sink.handlers,
            parts.sink.on_wire_error,
            self._wake.set,
            parts.tap,
            shadow_max,
            parts.sink.taker_of,
        )
        link.socket = await open_socket(url, link, clock=parts.clock, options=parts.options)
        now = parts.clock.monotonic()
        session = Session(stream, self._limits, parts.session_settings, self._wanted, now)
        session.want(self._wanted)
        pacer = MessagePacer(
            parts.venue.facts.venue_id,
            self._limits.messages_per_s,
            clock=parts.clock,
            requests=self._limits.requests_per_window,
            request_window_s=self._limits.request_window_s,
        )
        serving = Serving(link, session, pacer, parts.clock)
        self._made += 1
        serving.start(parts.supervisor, f"{self.name}/{self._made}")
        return serving

    async def _serve(self, serving: Serving) -> None:
        """Serves until no link is left; survives rotations."""
        self._active = serving
        serving.is_active = True
        while True:
            active = self._active
            if not active.link.is_open:
                if not self._take_over_from_lost(active):
                    return
                continue
            now = self._parts.clock.monotonic()
            reconnect = self._turn(active, now, judge_silence=True)
            if reconnect is not None and not reconnect.graceful:
                active.end(reconnect.reason)  # the loop then treats it as lost
                continue
            if reconnect is not None:
                self._renew(reconnect.reason, now)
            elif active.link.ends_because:
                self._renew(f"the venue will close it: {active.link.ends_because}", now)
            elif self._too_old(active, now):
                self._renew("its permitted life ends soon", now)
            elif self._lacks_instruments(active.link):
                self._renew("instruments are new", now)
            if self._shadow is not None:
                self._attend_shadow(active, self._shadow)
            await self._pause()

    def _turn(self, serving: Serving, now: float, *, judge_silence: bool) -> Reconnect | None:
        """Lets the session decide and carries it out; returns a reconnect that it wants."""
        session = serving.session
        for ack in serving.link.take_acks():
            session.acked(ack, now)
        decided = session.tick(now, serving.link.signs, judge_silence=judge_silence)
        reconnect: Reconnect | None = None
        for decision in decided:
            if isinstance(decision, Send):
                serving.send(decision)
            elif isinstance(decision, Reconnect):
                reconnect = decision
            elif judge_silence:
                self._tell(decision)
        if judge_silence and session.live:
            self._parts.backoff.note_healthy(now)
        return reconnect

    def _tell(self, decision: Decision) -> None:
        sink = self._parts.sink
        if isinstance(decision, Confirmed):
            sink.on_confirmed(decision.subscriptions)
        elif isinstance(decision, Change):
            sink.on_change(decision.subscription, decision.state, decision.reason)
            if decision.state is FeedState.STALE:
                sink.on_interrupted([decision.subscription], GapCause.STALE, decision.reason)

    async def _pause(self) -> None:
        """Until something happens, at most one watch interval."""
        self._wake.clear()
        try:
            async with asyncio.timeout(self._parts.session_settings.watch_interval_s):
                await self._wake.wait()
        except TimeoutError:
            return

    def _too_old(self, serving: Serving, now: float) -> bool:
        max_age_s = self._limits.max_age_s
        if max_age_s is None:
            return False
        margin_s = min(self._parts.settings.rotation_margin_s, max_age_s / 4)
        return now - serving.opened_at >= max_age_s - margin_s

    def _lacks_instruments(self, link: Link) -> bool:
        """Whether the whole market is followed with a parser that does not know all of it.

        Of one symbol `want` sees to that; of the whole market nobody asks for the new ones.
        """
        table = self._parts.table()
        if table is link.table or all(one.native_symbol is not None for one in self._wanted):
            return False
        if any(link.table.by_native(one.native_symbol) is None for one in table):
            return True
        link.table = table
        return False

    def _renew(self, reason: str, now: float) -> None:
        """Starts to bring up a replacement, unless one is on its way."""
        if self._shadow is None and self._renewing is None and now >= self._renew_after:
            self._renew_reason = reason
            task = self._parts.supervisor.once(f"{self.name}/renew", self._bring_shadow())
            task.add_done_callback(self._renewal_done)
            self._renewing = task

    def _renewal_done(self, task: "asyncio.Task[None]") -> None:
        del task
        self._renewing = None
        self._wake.set()

    async def _bring_shadow(self) -> None:
        try:
            shadow = await self._open(shadow_max=self._parts.settings.overlap_events_max)
        except (ConnectFailed, VenueError) as error:
            self._renew_after = self._parts.clock.monotonic() + self._delay_after(error)
            return
        if self._active is None or not self._wanted:
            self._drop(shadow)
            return
        self._shadow = shadow

    def _attend_shadow(self, active: Serving, shadow: Serving) -> None:
        """Lets the replacement subscribe; hands over when it carries what the old one does."""
        now = self._parts.clock.monotonic()
        problem = self._turn(shadow, now, judge_silence=False)
        if not shadow.link.is_open or problem is not None:
            self._shadow = None
            self._drop(shadow)
            self._renew_after = now + self._parts.backoff.next_delay()
            return
        settings = self._parts.settings
        # Many subscriptions go out paced: the replacement listens once all are asked for.
        listening_s = 0.0 if shadow.is_asking else now - shadow.asked_at
        ready = listening_s >= settings.overlap_min_s and all(
            shadow.session.has_data(one) for one in active.session.live if self._is_busy(one)
        )
        confirmed = len(shadow.session.confirmed) == len(shadow.session.wanted)
        if (ready and confirmed) or listening_s >= settings.overlap_max_s or shadow.link.is_full:
            self._hand_over(active, shadow)

    def _is_busy(self, subscription: Subscription) -> bool:
        """Whether data of it came within the overlap, so that the replacement should show it."""
        age_s = self.age_s(subscription)
        return age_s is not None and age_s < self._parts.settings.overlap_min_s

    def _hand_over(self, active: Serving, shadow: Serving) -> None:
        """The replacement takes over in one step, between two frames."""
        self.rotations += 1
        carried = set(shadow.session.confirmed)
        bare = [one for one in active.session.confirmed if one not in carried]
        if bare:
            reason = "its new connection has not confirmed it yet"
            self._interrupted(bare, reason, active)
        self._become_active(shadow)
        self._drop(active)
        reason = f"renewed: {self._renew_reason}"
        self._parts.sink.on_connection(self.endpoint, FeedState.LIVE, reason)

    def _take_over_from_lost(self, lost: Serving) -> bool:
        """The active link is gone: its replacement steps in, if there is one."""
        info = lost.link.closed
        reason = "connection lost" if info is None else info.reason
        self._drop(lost)
        self._active = None
        self.reconnects += 1
        shadow, self._shadow = self._shadow, None
        if shadow is not None and shadow.link.is_open:
            covered = set(shadow.session.confirmed)
            bare = [one for one in self._wanted if one not in covered]
            self._interrupted(bare, reason, lost)
            self._become_active(shadow)
            return True
        if shadow is not None:
            self._drop(shadow)
        self._interrupted(list(self._wanted), reason, lost)
        self._down(reason)
        return False

    def _down(self, reason: str) -> None:
        self.lost_because = reason
        self._parts.sink.on_connection(self.endpoint, FeedState.DOWN, reason)

    def _interrupted(
        self, subscriptions: Sequence[Subscription], reason: str, ended: Serving
    ) -> None:
        now = self._parts.clock.monotonic()
        last_ns = ended.last_data_ns
        self._parts.sink.on_interrupted(subscriptions, GapCause.DISCONNECT, reason, last_ns)
        for one in subscriptions:
            self._wanted[one].interrupted(now)
            self._parts.sink.on_change(one, FeedState.DOWN, reason)

    def _become_active(self, shadow: Serving) -> None:
        """Ends the shadow's waiting; its quiet streams get the benefit of the doubt."""
        now = self._parts.clock.monotonic()
        self._active = shadow
        shadow.is_active = True
        self._shadow = None
        for watch in self._wanted.values():
            watch.carried_over(now)
        shadow.link.promote()
        self._parts.sink.on_confirmed(tuple(shadow.session.confirmed))
        for one in shadow.session.live:
            self._parts.sink.on_change(one, FeedState.LIVE, "")

    def _drop(self, serving: Serving) -> None:
        self._old_frames += serving.link.frames
        serving.end("replaced")

    async def _close_all(self) -> None:
        for serving in (self._active, self._shadow):
            if serving is not None:
                serving.end("stopped")
        if self._renewing is not None:
            self._renewing.cancel()
        for serving in (self._active, self._shadow):
            if serving is not None and serving.link.socket is not None:
                await serving.link.socket.wait_closed()
        self._active = self._shadow = None
