"""When each stream of a venue was live, and what the platform missed while it did not run.

While it runs, each beat carries the spells of live streams on, after everything heard before it is
written: storage then knows until when it is whole, whatever ends the process. At the next start
what lies between that moment and the return of a stream is a hole with the cause `downtime`, told
in the ledger from the start. Repairs settle it where the venue can tell of the past; order books
and liquidations no venue replays. Rows that the database did not take in time are a hole as well,
with the cause `overflow`. Holes that were open when the process ended are settled with it. Of open
interest, a missed reading is a hole only where the venue has no history of it.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from typing import Final, Protocol

import msgspec
import structlog

from headwater.bus.bus import Bus
from headwater.core.clock import Clock
from headwater.core.enums import Channel, GapCause, GapState, StoredTable
from headwater.core.errors import StorageError
from headwater.core.records import Gap
from headwater.storage import gaps, live_spells
from headwater.storage.base import LIMIT_MAX, Span
from headwater.storage.live_spells import LiveSpell
from headwater.storage.store import Store

BEAT_S: Final = 5.0
"""How often spells are carried on: so much longer than it was may a downtime seem."""

ON_ITS_WAY_MS: Final = 1_000
"""How long after it happened an event may still be on its way: a hole begins so much earlier."""

READING_MS: Final = 60_000
"""Open interest is kept once a minute: a shorter interruption misses no reading."""

RECORDED: Final = frozenset(
    {
        Channel.TRADES,
        Channel.CANDLES,
        Channel.BOOK,
        Channel.LIQUIDATIONS,
        Channel.OPEN_INTEREST,
    }
)
"""Channels whose downtime is told. Of the others the next message supersedes what was missed, and
storage keeps nothing of them that the venue does not tell again (funding)."""

_NOT_REPLAYED: Final = frozenset({Channel.BOOK, Channel.LIQUIDATIONS})

_LOST_FOR_GOOD: Final = {
    StoredTable.TRADES: Channel.TRADES,
    StoredTable.LIQUIDATIONS: Channel.LIQUIDATIONS,
    StoredTable.OPEN_INTEREST: Channel.OPEN_INTEREST,
}
"""Channels of the tables whose dropped rows no back-fill finds."""

StreamKey = tuple[Channel, str]
"""Channel and canonical symbol, `*` for a whole market."""

_log: Final = structlog.stdlib.get_logger("headwater.services.stream_life")


class LiveStream(msgspec.Struct, frozen=True, kw_only=True):
    """A stream that carries data now.

    Attributes:
        channel: which stream.
        symbol: canonical symbol, `*` for a whole market.
        native_symbol: the venue's spelling.
        last_sequence: number of its last trade, None where the venue does not count.
    """

    channel: Channel
    symbol: str
    native_symbol: str
    last_sequence: int | None = None

    @property
    def key(self) -> StreamKey:
        """What tells it from others of the venue."""
        return (self.channel, self.symbol)


class GapBook(Protocol):
    """The gap ledger of one venue, as far as it is needed here."""

    def open(
        self,
        channel: Channel,
        symbol: str,
        native_symbol: str,
        cause: GapCause,
        *,
        start_ms: int,
        first_sequence: int | None = None,
        last_sequence: int | None = None,
        detail: str = "",
    ) -> int:
        """Notes a new hole and publishes it; returns its number."""
        ...

    def note(self, gap_id: int, detail: str) -> None:
        """Changes the words of an open hole and publishes that."""
        ...

    def settle(
        self,
        gap_id: int,
        state: GapState,
        *,
        until_ms: int | None = None,
        recovered: int = 0,
        detail: str = "",
    ) -> None:
        """Says what became of a hole and publishes that."""
        ...


class FormerLife(msgspec.Struct, frozen=True, kw_only=True):
    """What an earlier process left of one venue.

    Attributes:
        last_gap_id: number of its newest hole, 0 when there was none.
        spells: the newest one of each stream.
        open_gaps: holes that were not settled.
    """

    last_gap_id: int = 0
    spells: tuple[LiveSpell, ...] = ()
    open_gaps: tuple[Gap, ...] = ()


class Downtime(msgspec.Struct, frozen=True, kw_only=True):
    """A hole that began before this process.

    Attributes:
        spell: the last time in which the stream was live.
        gap_id: number of the hole in the ledger.
        start_ms: its beginning.
        until_ms: when the stream was live again.
        inherited: holes of the stream that were open when the earlier process ended.
    """

    spell: LiveSpell
    gap_id: int
    start_ms: int
    until_ms: int
    inherited: tuple[Gap, ...]

    @property
    def first_sequence(self) -> int | None:
        """First trade that is missing; None where the venue does not count."""
        last = self.spell.last_sequence
        if last is None:
            return None
        firsts = [gap.first_sequence for gap in self.inherited if gap.first_sequence is not None]
        return min([last + 1, *firsts])


async def read_former(store: Store, exchange: str) -> FormerLife:
    """What storage tells of a venue's streams before this process.

    Raises:
        StorageError: the database does not answer.
    """
    newest = Span(limit=LIMIT_MAX, newest_first=True)
    spells: dict[StreamKey, LiveSpell] = {}
    for spell in await store.fetch(live_spells.between(newest, exchange=exchange)):
        spells.setdefault((spell.channel, spell.symbol), spell)
    still_open = gaps.between(newest, exchange=exchange, state=GapState.OPEN)
    numbers = await store.fetch(gaps.last_number(exchange))
    return FormerLife(
        last_gap_id=max(numbers, default=0),
        spells=tuple(spells.values()),
        open_gaps=tuple(await store.fetch(still_open)),
    )


class StreamLife:
    """The streams of one venue.

    Args:
        exchange: venue id.
        ledger: hears the holes.
        bus: hears what became of holes of the earlier process.
        store: keeps the spells.
        clock: tells the time.
        former: what the earlier process left.
        live: the streams that carry data now.
        wanted: streams that are held all the time; others are not watched.
        has_interest_history: whether the venue tells past open interest.
        gathered_s: how long the venue gathers events of a channel before it sends them.
    """

    def __init__(
        self,
        exchange: str,
        ledger: GapBook,
        bus: Bus,
        store: Store,
        clock: Clock,
        *,
        former: FormerLife,
        live: Callable[[], Sequence[LiveStream]],
        wanted: Collection[StreamKey],
        has_interest_history: bool,
        gathered_s: Callable[[Channel], float] = lambda _channel: 0.0,
    ) -> None:
        self._exchange = exchange
        self._ledger = ledger
        self._bus = bus
        self._store = store
        self._clock = clock
        self._live = live
        self._wanted = frozenset(key for key in wanted if key[0] in RECORDED)
        self._has_interest_history = has_interest_history
        self._gathered_s = gathered_s
        self._spells: dict[StreamKey, LiveSpell] = {}
        self._away: dict[StreamKey, int] = {}
        self._waiting: dict[StreamKey, Downtime] = {}
        self._back: list[Downtime] = []
        self._begin(former)

    async def run(self) -> None:
        """Beats until cancelled."""
        while True:
            await self.beat()
            await asyncio.sleep(BEAT_S)

    async def beat(self) -> None:
        """Looks at every stream once and carries the spells of the live ones on."""
        now_ms = self._clock.now_ms()
        streams = [one for one in self._live() if one.key in self._wanted]
        live = {one.key for one in streams}
        for stream in streams:
            self._carry_on(stream, now_ms)
        for key in self._spells.keys() - live:
            self._lost(key, now_ms)
        spells = [self._spells[key] for key in live]
        try:
            # First what was heard until now, then the word that it was: never the other way.
            await self._store.flush()
        except StorageError as error:
            _log.warning("spells_not_kept", exchange=self._exchange, reason=str(error))
            return
        self._tell_lost()
        for spell in spells:
            self._store.put(spell)

    def take_back(self) -> list[Downtime]:
        """Downtimes of streams that are live again and that the venue may tell of; each once."""
        back, self._back = self._back, []
        return back

    def settle(self, hole: Downtime, state: GapState, recovered: int, detail: str) -> None:
        """Says what became of a downtime and of what it inherited."""
        self._ledger.settle(
            hole.gap_id, state, until_ms=hole.until_ms, recovered=recovered, detail=detail
        )
        self._close(hole.inherited, state, hole.until_ms, f"settled after a restart: {detail}")

    def _begin(self, former: FormerLife) -> None:
        """Tells the holes that the earlier process left."""
        left: dict[StreamKey, list[Gap]] = {}
        for gap in former.open_gaps:
            left.setdefault((gap.channel, gap.symbol), []).append(gap)
        for spell in former.spells:
            key = (spell.channel, spell.symbol)
            if key not in self._wanted:
                continue
            unsent_ms = round(self._gathered_s(spell.channel) * 1000) + ON_ITS_WAY_MS
            hole = Downtime(
                spell=spell,
                gap_id=0,
                start_ms=spell.until_ms - unsent_ms,
                until_ms=0,
                inherited=tuple(left.pop(key, ())),
            )
            gap_id = self._ledger.open(
                spell.channel,
                spell.symbol,
                spell.native_symbol,
                GapCause.DOWNTIME,
                start_ms=hole.start_ms,
                first_sequence=hole.first_sequence,
                detail="the platform did not run",
            )
            self._waiting[key] = msgspec.structs.replace(hole, gap_id=gap_id)
        for gaps_left in left.values():
            for gap in gaps_left:
                words = f"{gap.detail}; the platform stopped before it was settled"
                self._close((gap,), GapState.UNRECOVERABLE, self._clock.now_ms(), words)

    def _carry_on(self, stream: LiveStream, now_ms: int) -> None:
        """A stream is live: its spell goes on, or a new one begins and its downtime ends."""
        key = stream.key
        waiting = self._waiting.pop(key, None)
        if waiting is not None:
            self._returned(msgspec.structs.replace(waiting, until_ms=now_ms))
        spell = self._spells.get(key)
        gap_id = self._away.pop(key, None)
        if gap_id:
            self._ledger.settle(gap_id, GapState.UNRECOVERABLE, until_ms=now_ms)
        since_ms = now_ms if spell is None or gap_id is not None else spell.since_ms
        self._spells[key] = LiveSpell(
            exchange=self._exchange,
            symbol=stream.symbol,
            native_symbol=stream.native_symbol,
            channel=stream.channel,
            since_ms=since_ms,
            until_ms=now_ms,
            last_sequence=stream.last_sequence,
        )

    def _lost(self, key: StreamKey, now_ms: int) -> None:
        """A stream is not live: 0 stands for an interruption that is nobody's hole here."""
        spell = self._spells[key]
        self._away.setdefault(key, 0)
        is_ours = key[0] is Channel.OPEN_INTEREST and not self._has_interest_history
        if is_ours and not self._away[key] and now_ms - spell.until_ms >= READING_MS:
            self._away[key] = self._ledger.open(
                spell.channel,
                spell.symbol,
                spell.native_symbol,
                GapCause.DISCONNECT,
                start_ms=spell.until_ms,
                detail="the stream is away and the venue has no history of open interest",
            )

    def _tell_lost(self) -> None:
        """What the database did not take in time is a hole too, and nobody brings it back.

        Candles and funding are not told: the back-fill finds what is missing of them.
        """
        for lost in self._store.take_lost(self._exchange):
            channel = _LOST_FOR_GOOD.get(lost.table)
            if channel is None or (channel is Channel.OPEN_INTEREST and self._has_interest_history):
                continue
            words = f"{lost.count} rows were dropped: the database did not take them in time"
            gap_id = self._ledger.open(
                channel,
                lost.symbol,
                lost.native_symbol,
                GapCause.OVERFLOW,
                start_ms=lost.first_ms,
                detail=words,
            )
            self._ledger.settle(gap_id, GapState.UNRECOVERABLE, until_ms=lost.last_ms, detail=words)

    def _returned(self, hole: Downtime) -> None:
        """A stream of before is live again: what nobody can tell of is lost for good."""
        channel = hole.spell.channel
        if channel in _NOT_REPLAYED:
            reason = f"the platform did not run; the venue does not replay {channel}"
            self.settle(hole, GapState.UNRECOVERABLE, 0, reason)
        elif channel is Channel.OPEN_INTEREST and not self._has_interest_history:
            reason = "the platform did not run; the venue has no history of open interest"
            self.settle(hole, GapState.UNRECOVERABLE, 0, reason)
        else:
            self._back.append(hole)
            words = "the platform did not run; the stream is back, the past is fetched"
            self._ledger.note(hole.gap_id, words)

    def _close(self, left: Sequence[Gap], state: GapState, until_ms: int, detail: str) -> None:
        """Settles holes that are not in this process's ledger, only in storage."""
        for gap in left:
            self._bus.publish(
                msgspec.structs.replace(
                    gap,
                    received_ns=self._clock.now_ns(),
                    state=state,
                    until_ms=max(until_ms, gap.timestamp_ms),
                    detail=detail,
                )
            )
