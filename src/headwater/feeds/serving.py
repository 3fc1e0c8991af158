"""An open link with its session, and the tasks that send for it, paced.

Requests and heartbeats have a lane each: a list of subscriptions that a venue's limits spread over
minutes holds neither a heartbeat of this link back nor anything of the other link beside it. What
to send is decided elsewhere (`session.py`); here it only goes out.
"""

import asyncio
from collections import deque
from typing import Final

from headwater.core.clock import Clock
from headwater.feeds.link import Link
from headwater.feeds.session import Send, Session
from headwater.feeds.supervisor import Supervisor
from headwater.transport.pacing import MessagePacer
from headwater.transport.ws import SocketClosed

REQUESTS_MAX: Final = 10_000
"""Requests that may wait for their turn; beyond it the link is ended, and a new one asks afresh."""


class Serving:
    """One link in service, as the active one or as its replacement.

    Args:
        link: the socket and its parser.
        session: what is asked and confirmed on it.
        pacer: spaces its messages.
        clock: stamps what went out.

    Attributes:
        opened_at: monotonic time of its opening.
        opened_ns: wall time of the same.
        asked_at: when the last request went out; `opened_at` before the first.
        is_active: whether it is the one that carries the streams.
    """

    def __init__(self, link: Link, session: Session, pacer: MessagePacer, clock: Clock) -> None:
        self.link = link
        self.session = session
        self.opened_at = clock.monotonic()
        self.opened_ns = clock.now_ns()
        self.asked_at = self.opened_at
        self.is_active = False
        self._pacer = pacer
        self._clock = clock
        self._requests: deque[Send] = deque()
        self._heartbeat: Send | None = None
        self._has_request = asyncio.Event()
        self._has_heartbeat = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, supervisor: Supervisor, name: str) -> None:
        """Starts to send."""
        self._tasks = [
            supervisor.once(f"{name}/requests", self._send_requests()),
            supervisor.once(f"{name}/heartbeats", self._send_heartbeats()),
        ]

    def send(self, send: Send) -> None:
        """Takes a message for its lane; of heartbeats only the newest waits."""
        if send.request_id is None:
            self._heartbeat = send
            self._has_heartbeat.set()
            return
        self._requests.append(send)
        self._has_request.set()
        if len(self._requests) > REQUESTS_MAX:
            self.end(f"{REQUESTS_MAX} requests wait to be sent")

    @property
    def is_asking(self) -> bool:
        """Whether requests wait to be sent."""
        return bool(self._requests)

    @property
    def last_data_ns(self) -> int:
        """When the link last brought data of anything wanted; its opening before the first."""
        seen_ns = self.session.last_data_ns
        return self.opened_ns if seen_ns is None else seen_ns

    def end(self, reason: str) -> None:
        """Ends the link from our side, and the sending."""
        self.link.abandon(reason)
        for task in self._tasks:
            task.cancel()

    async def _send_requests(self) -> None:
        while True:
            if not self._requests:
                self._has_request.clear()
                await self._has_request.wait()
            send = self._requests[0]
            await self._pacer.turn()
            try:
                self.link.send(send.text)
            except SocketClosed:
                return  # whoever serves the link sees its end and ends this too
            self._requests.popleft()
            self.asked_at = self._clock.monotonic()
            assert send.request_id is not None, "heartbeats have a lane of their own"
            self.session.sent(send.request_id, self.asked_at, is_active=self.is_active)

    async def _send_heartbeats(self) -> None:
        while True:
            await self._has_heartbeat.wait()
            await self._pacer.turn(is_request=False)
            self._has_heartbeat.clear()
            if self._heartbeat is None:
                continue
            try:
                self.link.send(self._heartbeat.text)
            except SocketClosed:
                return
