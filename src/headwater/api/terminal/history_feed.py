"""Feeds that begin with what a venue tells of the past and go on with its stream, without a seam.

The stream is held before the past is asked for, so that it covers everything since. Whenever it was
interrupted, or this process read too slowly, the past is asked for again, until an answer reaches
what came live. While an answer is awaited nothing is shown, so that no hole is ever shown; the
waiting is bounded. Without the past the feed goes on with the stream alone and says so; when
neither can be had it ends. Nothing is made up.

Knows nothing of what is shown; the modules named after the data do.
"""

import asyncio
import logging
from abc import abstractmethod
from collections.abc import Sequence
from typing import Final

from headwater.api.schemas.base import encode
from headwater.api.terminal.desk import FeedDesk, SharedFeed, Viewer
from headwater.api.terminal.requests import error_view
from headwater.api.terminal.symbols import TerminalSymbol
from headwater.bus.topics import TopicFilter
from headwater.core.enums import Channel, FeedState
from headwater.core.errors import PlatformError, VenueTimeout, VenueUnavailable
from headwater.core.intervals import Interval
from headwater.core.records import ConnectionState, Record
from headwater.venues.messages import Subscription

WAITING_MAX: Final = 10_000
"""Records that may wait for a feed; when more come it asks for the past again."""

TRIES_MAX: Final = 5
"""Answers in a row that do not reach the stream, after which it goes on alone."""

PAUSE_S: Final = 0.4
"""Between the first two of them; each is twice as long as the one before. Venues' answers are
reused for a second or two, so the last one is fresh in any case."""

ANSWER_S: Final = 5.0
"""Longest wait for one answer, and so the longest time for which live data are held back by it."""

START_S: Final = 10.0
"""Longest wait for the first sign of a stream whose past cannot be had."""

RETRY_S: Final = 2.0
"""After the first failure; each further one waits twice as long, up to `RETRY_MAX_S`."""

RETRY_MAX_S: Final = 60.0
"""Longest time between two questions to a venue that does not answer."""

_logger = logging.getLogger(__name__)


class HistoryFeed(SharedFeed):
    """One stream of one contract, with its past.

    Args:
        desk: where it lives.
        key: names it among all feeds.
        contract: whose stream.
        channel: what is streamed.
        kind: class of the stream's records.
        interval: of candles, else None.

    Attributes:
        contract: whose stream.
    """

    def __init__(
        self,
        desk: FeedDesk,
        key: str,
        contract: TerminalSymbol,
        channel: Channel,
        kind: type[Record],
        interval: Interval | None = None,
    ) -> None:
        super().__init__(desk, key)
        self.contract = contract
        self._channel = channel
        self._kind = kind
        self._failure: PlatformError | None = None
        self._failures = 0
        self._due: float | None = None
        self._wants_history = False
        self._is_alive = False
        self._down: PlatformError | None = None
        self._dropped = 0
        native_symbol = contract.instrument.native_symbol
        self._subscription = Subscription(
            channel=channel, native_symbol=native_symbol, interval=interval
        )
        filters = [
            TopicFilter(one, contract.exchange, contract.symbol) for one in (kind, ConnectionState)
        ]
        self._reader = self.listen(filters, WAITING_MAX)
        self.hold(contract.source, self._subscription)

    # What the data decide

    @abstractmethod
    async def load(self) -> bool:
        """Asks for the past once and takes it.

        Returns:
            False when the answer does not reach what came live.

        Raises:
            PlatformError: it cannot be had.
        """

    @abstractmethod
    def hear(self, record: Record) -> None:
        """Takes a live record; calls `ask` or `ask_in` where it does not continue what is known."""

    @abstractmethod
    def interrupted(self) -> None:
        """The stream was interrupted: live records may be missing."""

    @abstractmethod
    def resumed(self) -> None:
        """The stream flows, for the first time or again; calls `ask` where something may lack."""

    @abstractmethod
    def give_up(self, problem: PlatformError | None) -> PlatformError | None:
        """Goes on with what came live, although it may not continue what was before.

        Args:
            problem: why there is no answer; None when there were some and none reached so far.

        Returns:
            What clients are told; None for nothing.
        """

    @abstractmethod
    def show(self) -> None:
        """Publishes what is new."""

    # For the data

    @property
    def is_failing(self) -> bool:
        """Whether the past cannot be had now; it is asked for again by itself."""
        return self._failure is not None

    def ask(self) -> None:
        """Has the past asked for before anything else is shown."""
        self._wants_history = True

    def ask_in(self, delay_s: float) -> None:
        """Has the past asked for after a while, unless that is due earlier anyway."""
        due = asyncio.get_running_loop().time() + delay_s
        self._due = due if self._due is None else min(self._due, due)

    def start(self, viewer: Viewer) -> None:
        """Starts one viewer, which is told first what cannot be had now."""
        for problem in (self._failure, self._down):
            if problem is not None:
                viewer.tell(self._error(problem))
        super().start(viewer)

    # Inside

    async def run(self) -> None:
        """The feed's only task; see `SharedFeed.run`."""
        started = asyncio.get_running_loop().time()
        self._read_health()
        await self._fill()
        while self._failure is not None and not self._is_alive:
            left_s = started + START_S - asyncio.get_running_loop().time()
            if left_s <= 0:
                raise self._failure
            await self._turn(left_s)
        self.show()  # to nobody yet: who begins now is sent it all
        self.begin()
        while True:
            await self._turn(None)
            if not self._wants_history:
                self.show()

    async def _turn(self, patience_s: float | None) -> None:
        """Waits for records or for a time that is due, takes them, and asks where that is needed.

        Args:
            patience_s: longest wait for either; None for no bound.
        """
        if self._wants_history:
            await self._fill()
            return
        now = asyncio.get_running_loop().time()
        due = None if self._due is None else max(0.0, self._due - now)
        waits = [one for one in (due, patience_s) if one is not None]
        try:
            async with asyncio.timeout(min(waits) if waits else None):
                self._take(await self._reader.next_batch())
        except TimeoutError:
            pass
        if self._due is not None and asyncio.get_running_loop().time() >= self._due:
            self._wants_history = True

    def _take(self, batch: Sequence[Record]) -> None:
        """Takes what the bus brought, in its order."""
        if len(batch) >= WAITING_MAX and (dropped := self._reader.stats.dropped) > self._dropped:
            self._dropped = dropped
            self.interrupted()
            self.ask()
        for record in batch:
            if isinstance(record, ConnectionState):
                self._on_state(record)
            elif isinstance(record, self._kind):
                self._is_alive = True
                self.hear(record)

    def _on_state(self, state: ConnectionState) -> None:
        if state.channel is not self._channel:
            return
        if state.state is FeedState.LIVE:
            self._is_alive, self._down = True, None
            self.resumed()
            return
        self.interrupted()
        if state.state is FeedState.DOWN and self._down is None:
            self._down = self._interruption(state.reason)
            self.tell(self._error(self._down))

    async def _fill(self) -> None:
        """Asks for the past until an answer reaches what came live, a few times."""
        self._wants_history, self._due = False, None
        pause_s = PAUSE_S
        problem: PlatformError | None = None
        for attempt in range(TRIES_MAX):
            if attempt:
                await asyncio.sleep(pause_s)
                pause_s *= 2
            try:
                async with asyncio.timeout(ANSWER_S) as patience:
                    is_joined = await self.load()
            except TimeoutError as error:
                if not patience.expired():
                    raise
                problem = VenueTimeout(self.contract.exchange, f"no answer within {ANSWER_S:g} s")
                problem.__cause__ = error
                break
            except PlatformError as error:
                problem = error
                break
            self._take(self._reader.drain())
            if is_joined:
                self._failure, self._failures = None, 0
                return
        problem = self.give_up(problem)
        if problem is None:
            self._failure, self._failures = None, 0
        else:
            self._fail(problem)

    def _fail(self, problem: PlatformError) -> None:
        """Notes that the past cannot be had now, tells it once, and asks again after a while."""
        _logger.warning("feed %s has no history: %s", self.key, problem)
        is_news = self._failure is None
        self._failure = problem
        self.ask_in(min(RETRY_S * 2**self._failures, RETRY_MAX_S))
        self._failures = min(self._failures + 1, 10)
        if is_news:
            self.tell(self._error(problem))

    def _error(self, problem: PlatformError) -> bytes:
        return encode(error_view(problem, self.desk.clock.now_ms()))

    def _interruption(self, reason: str) -> PlatformError:
        words = f"the stream is interrupted: {reason or 'no connection'}"
        return VenueUnavailable(self.contract.exchange, words)

    def _read_health(self) -> None:
        """What is known of the stream when somebody else held it before."""
        for one in self.contract.source.health().channels:
            is_ours = one.channel is self._channel and one.symbol == self.contract.symbol
            if is_ours and one.interval is self._subscription.interval:
                self._is_alive = one.state is FeedState.LIVE
                if one.state is FeedState.DOWN:
                    self._down = self._interruption(one.reason)
