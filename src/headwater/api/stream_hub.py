"""The hub: topics, the clients of this process, and everything that is due at a time.

Publishing is `hub.topic(key, policy).publish(payload)`: the event is framed once, joined with
the other events of the loop turn, and the same bytes go to every client's transport in one write.
Clients come from `stream_protocol`; whether one gets a stream is the application's decision
(`StreamResolver`). One timer serves pings and time-outs of all clients.

Knows nothing of venues, symbols and HTTP routes. Belongs to one event loop.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from headwater.api.errors import make_problem
from headwater.api.schemas.platform import Problem
from headwater.api.stream_admission import AdmissionRules
from headwater.api.stream_backlog import dropped_notice
from headwater.api.stream_client import Phase, StreamClient
from headwater.api.stream_contract import (
    HubCounters,
    HubStats,
    StreamAccepted,
    StreamLimits,
    StreamRefused,
    StreamRequest,
    StreamResolver,
)
from headwater.api.stream_topics import Audience, AudienceKey, HubTopic, Notice, Wants
from headwater.api.websocket_frames import CloseCode, Opcode, encode_frame
from headwater.api.websocket_handshake import (
    Headers,
    RequestHead,
    encode_accept,
    encode_problem,
    encode_refusal,
)
from headwater.bus.topics import SlowPolicy

_logger = logging.getLogger(__name__)

_RETRY_AFTER_S = 5
_CONTENDED_WRITE_S = 100e-6
"""A write takes 2-5 µs; when many take so much longer, another thread holds the interpreter."""
_CROWD = 64
"""Fewer writes than this tell nothing."""
_CONTENTION_PAUSE_S = 10.0
"""Time without direct writes after contention was seen. Measured with 1,000 clients beside a thread
that computes: half of the events took longer than 3 s without this rule, and 8 ms with it."""
_INTERNAL_ERROR = StreamRefused(close_code=CloseCode.INTERNAL_ERROR, reason="Internal error")
_TIMED_OUT = StreamRefused(
    close_code=CloseCode.INTERNAL_ERROR, reason="Internal error: no decision in time"
)


Closer = Callable[[], Awaitable[None]]


class StreamHub:
    """All streaming clients of one process.

    Args:
        resolver: decides on every request.
        limits: bounds.
        allowed_origins: see `AdmissionRules`.
        allowed_hosts: see `AdmissionRules`.
        trusted_proxies: see `AdmissionRules`.
        clock: monotonic seconds; the event loop's when None.
    """

    def __init__(
        self,
        resolver: StreamResolver,
        limits: StreamLimits | None = None,
        *,
        allowed_origins: frozenset[str] = frozenset(),
        allowed_hosts: frozenset[str] = frozenset(),
        trusted_proxies: frozenset[str] = frozenset(),
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.limits = limits or StreamLimits()
        self.counters = HubCounters()
        self._resolver = resolver
        self._rules = AdmissionRules(
            allowed_origins=allowed_origins,
            allowed_hosts=allowed_hosts,
            trusted_proxies=trusted_proxies,
        )
        self._clock = clock
        self._topics: dict[str, HubTopic] = {}
        self._audiences: dict[AudienceKey, Audience] = {}
        self._dirty: list[Audience] = []
        self._clients: set[StreamClient] = set()
        self._clients_by_ip: dict[str, int] = {}
        self._tasks: dict[StreamClient, asyncio.Task[None]] = {}
        self._sweeper: asyncio.TimerHandle | None = None
        self._empty: asyncio.Event | None = None
        self._connected = 0
        self.direct = True
        """Whether sockets may be written to beneath their transports; see `stream_topics`."""
        self._direct_from = 0.0
        self._closing = False
        self._closers: list[Closer] = []

    # For publishers and the application

    def topic(self, key: str, policy: SlowPolicy, notice: Notice = dropped_notice) -> HubTopic:
        """The topic `key`, made when there is none.

        Args:
            key: any text; clients read it in the `dropped` message.
            policy: what happens to the events of a slow client.
            notice: makes what a client is told of events it missed.

        Raises:
            ValueError: the topic exists with another policy, or there are too many topics.
        """
        topic = self._topics.get(key)
        if topic is None:
            if len(self._topics) >= self.limits.max_topics:
                raise ValueError(f"topic {key}: there are already {self.limits.max_topics}")
            topic = HubTopic(key, policy, self.limits.max_payload_bytes, notice)
            self._topics[key] = topic
        elif topic.policy is not policy:
            raise ValueError(f"topic {key} has the policy {topic.policy}, not {policy}")
        return topic

    def discard_topic(self, key: str) -> bool:
        """Forgets a topic and its counters, unless it has clients; whether it is gone now."""
        topic = self._topics.get(key)
        if topic is not None and topic.has_subscribers:
            return False
        self._topics.pop(key, None)
        return True

    def close_with(self, closer: Closer) -> None:
        """Has `closer` awaited when the hub is closed, after the last client; safe to repeat."""
        self._closers.append(closer)

    def stats(self) -> HubStats:
        """Counters now. Takes time in proportion to topics and slow clients."""
        slow = [c for c in self._clients if c.phase in (Phase.SLOW, Phase.LOADING)]
        return HubStats(
            clients=len(self._clients),
            slow_clients=sum(client.phase is Phase.SLOW for client in slow),
            buffered_bytes=sum(client.buffered_bytes for client in slow),
            delivered=self.counters.delivered,
            bytes_written=self.counters.bytes_written,
            closed_slow=self.counters.closed_slow,
            refused=dict(self.counters.refused),
            topics=tuple(topic.stats() for topic in self._topics.values()),
        )

    async def close(self, code: int = CloseCode.SERVICE_RESTART, timeout_s: float = 5.0) -> None:
        """Closes every client and takes no new ones. Harmless when repeated.

        Args:
            code: close code they are told.
            timeout_s: time they have to answer; then they are cut, and decisions still pending
                are cancelled.
        """
        self._closing = True
        self._flush()
        for client in tuple(self._clients):
            client.begin_close(code, "service restart")
        try:
            async with asyncio.timeout(timeout_s):
                await self._wait_empty()
        except TimeoutError:
            for client in tuple(self._clients):
                client.abort()
            tasks = tuple(self._tasks.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._wait_empty()
        for closer in self._closers:
            await closer()

    # For the protocol

    def connect(
        self,
        transport: asyncio.Transport,
        head: RequestHead,
        connections: set[asyncio.Protocol],
        extra_headers: Headers = (),
    ) -> StreamClient:
        """Takes over a connection that asks for an upgrade.

        Args:
            transport: of the connection; not yet told of its new protocol.
            head: the request.
            connections: the server's set of connections.
            extra_headers: for the answer.

        Returns:
            The connection's protocol from now on.
        """
        host = self._rules.client_host(transport.get_extra_info("peername"), head)
        refusal = self._refusal(head, host)
        client = StreamClient(self, transport, connections, host)
        self._clients.add(client)
        self._clients_by_ip[host] = self._clients_by_ip.get(host, 0) + 1
        self._start_sweeping()
        if refusal is not None:
            self.counters.refuse(f"http_{refusal.status}")
            client.answer(encode_problem(refusal, extra_headers))
            return client
        request = StreamRequest(
            path=head.path,
            query=head.query,
            headers=head.headers,
            client_host=host,
            scheme="https" if transport.get_extra_info("sslcontext") else "http",
        )
        response = encode_accept(head, extra_headers)
        self._connected += 1
        self._tasks[client] = asyncio.get_running_loop().create_task(
            self._admit(client, request, response, extra_headers),
            name=f"stream-admission-{self._connected}",
        )
        return client

    def now(self) -> float:
        """Monotonic seconds."""
        if self._clock is not None:
            return self._clock()
        return asyncio.get_running_loop().time()

    def client_lost(self, client: StreamClient) -> None:
        """The socket of `client` has ended; it counts until its admission has ended too."""
        if client not in self._tasks:
            self._forget(client)

    def audience_of(self, keys: tuple[str, ...], wants: Wants | None = None) -> Audience:
        """The audience of topics that exist and of a filter, made when there is none."""
        audience_key = (frozenset(keys), wants)
        audience = self._audiences.get(audience_key)
        if audience is None:
            topics = tuple(self._topics[key] for key in dict.fromkeys(keys))
            chunk_bytes = self.limits.chunk_bytes
            audience = Audience(
                self, key=audience_key, topics=topics, wants=wants, chunk_bytes=chunk_bytes
            )
            self._audiences[audience_key] = audience
            for topic in topics:
                topic.add_audience(audience)
        return audience

    # For the audiences

    def mark_dirty(self, audience: Audience) -> None:
        """Sees to it that `audience` is flushed at the end of this loop turn."""
        if not self._dirty:
            asyncio.get_running_loop().call_soon(self._flush)
        self._dirty.append(audience)

    def audience_empty(self, audience: Audience) -> None:
        """Forgets an audience without members."""
        if self._audiences.pop(audience.key, None) is not None:
            for topic in audience.topics:
                topic.remove_audience(audience)

    # Time

    def sweep(self) -> None:
        """Does what is due for every client now; the hub's timer calls this."""
        now = self.now()
        for client in tuple(self._clients):
            if client.deadline <= now:
                client.expire(now)

    # Inside

    async def _admit(
        self, client: StreamClient, request: StreamRequest, response: bytes, extra: Headers
    ) -> None:
        """Asks the application, then lets the client in or turns it away."""
        try:
            outcome = await self._decide(request)
            if isinstance(outcome, StreamAccepted):
                await self._let_in(client, outcome, response)
            elif outcome.http_status is not None:
                self.counters.refuse(f"http_{outcome.http_status}")
                client.answer(encode_refusal(outcome.http_status, outcome.body, extra))
            elif outcome.close_code is not None:
                self.counters.refuse(f"close_{outcome.close_code}")
                told = [encode_frame(Opcode.TEXT, message) for message in outcome.messages]
                client.refuse(b"".join((response, *told)), outcome.close_code, outcome.reason)
        finally:
            del self._tasks[client]
            if client.phase is Phase.ENDED:
                self._forget(client)
            elif client.phase is Phase.RESOLVING:  # this task was cancelled
                client.abort()

    async def _decide(self, request: StreamRequest) -> StreamAccepted | StreamRefused:
        """The application's decision, or the refusal its failure means."""
        try:
            async with asyncio.timeout(self.limits.resolve_timeout_s):
                return await self._resolver(request)
        except TimeoutError:
            _logger.warning(
                "no decision on %s within %g s", request.path, self.limits.resolve_timeout_s
            )
            return _TIMED_OUT
        except Exception:
            _logger.exception("the decision on %s failed", request.path)
            return _INTERNAL_ERROR

    async def _let_in(
        self, client: StreamClient, accepted: StreamAccepted, response: bytes
    ) -> None:
        """Joins the client to its audience and sends its initial messages."""
        client.own(accepted.on_close)
        if client.phase is not Phase.RESOLVING:
            return
        unknown = [key for key in accepted.topics if key not in self._topics]
        if unknown:
            _logger.error("a decision names topics that do not exist: %s", unknown)
            client.refuse(response, CloseCode.INTERNAL_ERROR, "Internal error")
            return
        client.open(response, accepted, self.audience_of(accepted.topics, accepted.wants))
        initial = list(accepted.initial)
        try:
            if accepted.on_open is not None:
                accepted.on_open(client)
            if accepted.load_initial is not None:
                async with asyncio.timeout(self.limits.resolve_timeout_s):
                    initial += await accepted.load_initial()
            client.start(initial)
        except Exception:
            _logger.exception("the initial messages of %s failed", accepted.topics)
            client.begin_close(CloseCode.INTERNAL_ERROR, "Internal error")

    def _refusal(self, head: RequestHead, host: str) -> Problem | None:
        """Why a request is turned away before the application is asked; None when it is not."""
        problem = self._rules.problem(head)
        if problem is not None:
            return problem
        limits = self.limits
        if self._closing:
            status, detail = 503, "shutting down"
        elif len(self._clients) >= limits.max_clients:
            status, detail = 503, f"{limits.max_clients} clients connected"
        elif self._clients_by_ip.get(host, 0) >= limits.max_clients_per_ip:
            status, detail = 429, f"{limits.max_clients_per_ip} clients connected from {host}"
        else:
            return None
        return make_problem(status, "too_many_clients", detail, retry_after=_RETRY_AFTER_S)

    def _flush(self) -> None:
        """Sends what was published in this loop turn."""
        dirty, self._dirty = self._dirty, []
        started, writes = self.now(), self.counters.writes
        self.direct = started >= self._direct_from
        for audience in dirty:
            audience.flush()
        writes = self.counters.writes - writes
        if self.direct and writes >= _CROWD and self.now() - started > writes * _CONTENDED_WRITE_S:
            self._direct_from = started + _CONTENTION_PAUSE_S

    def _forget(self, client: StreamClient) -> None:
        """The client no longer counts."""
        self._clients.discard(client)
        left = self._clients_by_ip[client.host] - 1
        if left:
            self._clients_by_ip[client.host] = left
        else:
            del self._clients_by_ip[client.host]
        if not self._clients:
            if self._sweeper is not None:
                self._sweeper.cancel()
                self._sweeper = None
            if self._empty is not None:
                self._empty.set()

    async def _wait_empty(self) -> None:
        """Waits until no client is left."""
        while self._clients:
            self._empty = asyncio.Event()
            await self._empty.wait()

    def _start_sweeping(self) -> None:
        """Arms the timer, unless it runs."""
        if self._sweeper is None:
            loop = asyncio.get_running_loop()
            self._sweeper = loop.call_later(self.limits.sweep_interval_s, self._on_sweep)

    def _on_sweep(self) -> None:
        """The timer: sweeps, and goes on while there are clients."""
        self._sweeper = None
        self.sweep()
        if self._clients:
            self._start_sweeping()
