"""Trades without loss and without doubles, per symbol, by the venue's own count.

A trade that continues its symbol's count is published at once; that path is three comparisons.
A trade seen before is dropped. A trade that leaves a hole is held back for a short grace (it may
only have overtaken its predecessor), then the hole goes into the ledger and is fetched by REST,
and everything is published in order. When holding back reaches its bound or deadline the live
trades go out first and the fetched ones after them, and the ledger says so. After a reconnect a
symbol that stays quiet is compared with REST, so that a loss at the end is noticed too.

Where a venue does not count its trades, doubles are dropped by id and a reconnect is repaired by
overlap (`overlap.py`).
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import Final

from headwater.bus.bus import Bus
from headwater.core.clock import Clock
from headwater.core.enums import Channel, GapCause, GapState
from headwater.core.errors import PlatformError, RequestError, VenueRejected
from headwater.core.records import Trade
from headwater.feeds.gaps import GapLedger
from headwater.feeds.overlap import FetchNewest, OverlapRepair
from headwater.feeds.repairs import RepairCrew, retry_after_s
from headwater.feeds.settings import TradeSettings
from headwater.feeds.takers import Takers, takers_of
from headwater.feeds.trade_line import Hole, TradeLine, sequence_of
from headwater.transport.backoff import FullJitterBackoff
from headwater.venues.base import Taker
from headwater.venues.messages import TradeRun

_TIMER_SLACK_S: Final = 0.001
FetchBetween = Callable[[str, int, int], Awaitable[Sequence[Trade]]]
"""(native symbol, first sequence, last sequence) → those trades."""

PAGE: Final = 1000
"""Trades of a hole fetched at once, so that each step of a long repair is kept."""


class TradeContinuity:
    """The trades of one venue.

    Args:
        bus: hears every trade exactly once.
        ledger: hears every hole.
        crew: runs the fetches.
        clock: measures graces and deadlines.
        fetch_between: brings a hole back.
        fetch_newest: what the venue calls its newest trades.
        backoff: makes the delays between tries of one hole.
        settings: bounds and deadlines.
        on_quiet: told a native symbol whose silence was real, as REST shows.
    """

    def __init__(
        self,
        bus: Bus,
        ledger: GapLedger,
        crew: RepairCrew,
        clock: Clock,
        fetch_between: FetchBetween,
        fetch_newest: FetchNewest,
        backoff: Callable[[], FullJitterBackoff],
        settings: TradeSettings,
        on_quiet: Callable[[str], None],
    ) -> None:
        self._bus = bus
        self._publish = bus.outlet(Trade, ledger.exchange)
        self._ledger = ledger
        self._crew = crew
        self._clock = clock
        self._fetch_between = fetch_between
        self._fetch_newest = fetch_newest
        self._backoff = backoff
        self._settings = settings
        self._on_quiet = on_quiet
        self._lines: dict[str, TradeLine] = {}
        self._takers: dict[str, Takers] = {}
        self._holding: dict[str, TradeLine] = {}
        self._suspects: dict[str, TradeLine] = {}
        self._interrupted: set[str] = set()
        self._wanted_since: dict[str, int] = {}
        self._wake = asyncio.Event()
        self.overlap = OverlapRepair(
            self._publish, ledger, crew, clock, fetch_newest, backoff, settings, on_quiet
        )
        self.duplicates = self.recovered = self.lost = 0

    def on_trade(self, trade: Trade) -> None:
        """Takes a live trade."""
        takers = self._takers.get(trade.symbol)
        if takers is None:
            self._begin(trade)
            self._publish(trade)
        else:
            takers.one(trade)

    def on_run(self, trades: TradeRun) -> None:
        """Takes several live trades of one symbol."""
        takers = self._takers.get(trades[0].symbol)
        if takers is not None:
            takers.run(trades)
            return
        for trade in trades:
            self.on_trade(trade)

    def taker_of(self, symbol: str) -> Taker | None:
        """What takes the live trades of one symbol, for who has many; None before the first."""
        return self._takers[symbol].one if symbol in self._takers else None

    def want(self, native_symbol: str) -> None:
        """Somebody wants the trades of a symbol from now on."""
        self._wanted_since[native_symbol] = self._clock.now_ms()

    def suspect(self, native_symbols: Iterable[str], cause: GapCause) -> None:
        """A stream of these symbols was interrupted: holes found next have this cause."""
        wanted = set(native_symbols)
        self._interrupted |= wanted
        for line in self._lines.values():
            if line.native_symbol not in wanted:
                continue
            if not line.counted:
                self.overlap.suspect(line, cause)
                continue
            line.cause = cause
            self._watch_tail(line)
        self._wake.set()
        if cause is GapCause.STALE:
            known = {line.native_symbol for line in self._lines.values()}
            for native in sorted(wanted - known):
                self._crew.submit(("first", native), partial(self._check_first, native))

    def resumed(self, native_symbols: Iterable[str]) -> None:
        """The venue confirmed the streams of these symbols: what was lost at the end is all."""
        back = self._interrupted.intersection(native_symbols)
        self._interrupted -= back
        for line in self._lines.values() if back else ():
            if line.native_symbol in back and line.counted:
                self._watch_tail(line)
            elif line.native_symbol in back:
                self.overlap.resumed(line.symbol)

    def forget(self, native_symbol: str, symbol: str) -> None:
        """Nobody wants the trades of `symbol` any more: its count starts anew next time."""
        self._wanted_since.pop(native_symbol, None)
        self._interrupted.discard(native_symbol)
        line = self._lines.pop(symbol, None)
        self._takers.pop(symbol, None)
        self.overlap.forget(symbol)
        self._holding.pop(symbol, None)
        self._suspects.pop(symbol, None)
        if line is not None:
            for hole in list(line.holes):
                self._settle(line, hole, "nobody wants the symbol any more")
            line.end()

    def release_all(self, reason: str) -> None:
        """Lets every held trade go: nothing more will come before it."""
        for line in list(self._holding.values()):
            self._release(line, reason)
        self.overlap.release_all(reason)

    def recent(self, symbol: str, limit: int) -> list[Trade] | None:
        """The newest `limit` trades, oldest first; None when so many are not known whole."""
        return self._lines[symbol].newest(limit) if symbol in self._lines else None

    def last_heard(self, symbol: str) -> Trade | None:
        """The trade that was taken last, None before the first."""
        return self._lines[symbol].recent[-1] if symbol in self._lines else None

    def latest(self, symbol: str, limit: int) -> list[Trade]:
        """At most the newest `limit` trades known, oldest first; holes may be among them."""
        return self._lines[symbol].by_time()[-limit:] if symbol in self._lines else []

    def next_sequence(self, symbol: str) -> int | None:
        """The count that the next trade in order will have, None before the first."""
        line = self._lines.get(symbol)
        return None if line is None or not line.counted else line.next

    async def run(self) -> None:
        """Looks after held and suspect symbols for ever."""
        while True:
            if not self._holding and not self._suspects and not self.overlap.is_waiting:
                self._wake.clear()
                await self._wake.wait()
            await asyncio.sleep(self._settings.reorder_grace_s)
            self.sweep()

    def sweep(self) -> None:
        """Looks once: graces that ended, holds that lasted too long, symbols still quiet."""
        now = self._clock.monotonic()
        self.overlap.sweep(now)
        for line in list(self._holding.values()):
            if now - line.looked_at >= self._settings.reorder_grace_s - _TIMER_SLACK_S:
                self._open_holes(line, line.looked_to)
                line.looked_to = max(line.held, default=-1)
                line.looked_at = now
            if now - line.held_since >= self._settings.hold_deadline_s:
                self._release(line, f"{self._settings.hold_deadline_s:g} s had passed")
        for symbol, line in list(self._suspects.items()):
            if line.next != line.suspect_at or line.is_holding:
                del self._suspects[symbol]
            elif now - line.suspect_since >= self._settings.tail_check_s:
                del self._suspects[symbol]
                self._crew.submit(("tail", symbol), partial(self._check_tail, line))

    def _watch_tail(self, line: TradeLine) -> None:
        """Compares a counted symbol with REST if it stays quiet from now on."""
        line.suspect_since = self._clock.monotonic()
        line.suspect_at = line.next
        self._suspects[line.symbol] = line
        self._wake.set()

    def _unusual(self, trade: Trade, line: TradeLine) -> None:
        """Everything but the next trade in order."""
        if line.is_over:
            self.on_trade(trade)
            return
        sequence = trade.sequence
        if sequence is None:
            self.overlap.on_trade(line, trade)
            return
        if line.knows(sequence):
            self.duplicates += 1
            return
        now = self._clock.monotonic()
        line.hold(now)
        line.held[sequence] = trade
        self._holding[line.symbol] = line
        self._wake.set()
        self._send_out(line, line.ready(now))
        if len(line.held) > self._settings.hold_max:
            self._release(line, f"{self._settings.hold_max} trades waited")

    def _begin(self, first: Trade) -> TradeLine:
        """The line of a symbol of which there was none."""
        symbol = first.symbol
        line = self._lines[symbol] = TradeLine(first, self._settings.recent_max)
        publish = self._bus.outlet(Trade, self._ledger.exchange, symbol)
        self._takers[symbol] = takers_of(line, publish, self._unusual, self.overlap.waits)
        return line

    def _send_out(self, line: TradeLine, trades: Iterable[Trade]) -> None:
        """Publishes trades and settles the holes that are whole now."""
        for trade in trades:
            self._publish(trade)
        for hole in [hole for hole in line.holes if not hole.missing]:
            self._settle(line, hole, "")
        if not line.is_holding:
            self._holding.pop(line.symbol, None)

    def _open_holes(self, line: TradeLine, up_to: int) -> None:
        """Puts what is missing before held trades into the ledger and asks for its repair."""
        for first, last, until_ms in line.find_holes(up_to):
            self._register(line, first, last, until_ms)
        if line.holes and not self._crew.submit(("line", line.symbol), partial(self._repair, line)):
            for hole in list(line.holes):
                self._give_up(line, hole, [], "too many repairs wait")

    def _register(self, line: TradeLine, first: int, last: int, until_ms: int) -> None:
        gap_id = self._ledger.open(
            Channel.TRADES,
            line.symbol,
            line.native_symbol,
            line.cause,
            start_ms=line.last_ms,
            first_sequence=first,
            last_sequence=last,
            detail=f"{last - first + 1} trades missing",
        )
        line.holes.append(Hole(gap_id, first, last, until_ms))
        line.covers(first, last)
        line.cause = GapCause.SEQUENCE_BREAK

    def _release(self, line: TradeLine, bound: str) -> None:
        """Lets held trades go before the missing ones."""
        self._open_holes(line, max(line.held, default=-1))
        for hole in line.holes:
            hole.overtaken = True
            self._ledger.note(
                hole.gap_id,
                f"{hole.missing} trades missing; held back until {bound}, then newer ones "
                "were published first",
            )
        self._send_out(line, line.release())

    async def _repair(self, line: TradeLine) -> None:
        """Fetches the holes of a symbol page by page until none is left.

        A venue that cannot be reached is asked again for as long as it may still know the trades;
        one that answers without them only a few times.
        """
        backoff = self._backoff()
        started = self._clock.monotonic()
        refusals = 0
        while line.holes and self._lines.get(line.symbol) is line:
            hole = line.holes[0]
            before = hole.first
            last = min(hole.first + PAGE - 1, line.holes[-1].last)
            trades: list[Trade] = []
            not_before_s, final = 0.0, False
            try:
                found = await self._fetch_between(line.native_symbol, hole.first, last)
                trades = sorted(found, key=sequence_of)
                problem = "the venue leaves them out"
                self._take(line, trades)
                refusals += 1
            except (RequestError, VenueRejected) as error:
                problem, final = str(error), True
            except PlatformError as error:
                problem = str(error)
                not_before_s = retry_after_s(error)
                final = self._clock.monotonic() - started > self._settings.repair_horizon_s
            if not hole.missing or hole.first > before or hole not in line.holes:
                refusals = 0
                started = self._clock.monotonic()
            elif final or refusals >= self._settings.repair_attempts_max:
                refusals = 0
                self._give_up(line, hole, trades, problem)
            else:
                await asyncio.sleep(backoff.next_delay(not_before_s))

    def _take(self, line: TradeLine, trades: Iterable[Trade]) -> None:
        self._send_out(line, line.take_fetched(trades, self._clock.monotonic()))

    def _give_up(self, line: TradeLine, hole: Hole, trades: list[Trade], problem: str) -> None:
        """Gives up what the venue leaves out, up to the next trade that it gave."""
        given = (trade.sequence or 0 for trade in trades)
        resume = min((one for one in given if one > hole.first), default=hole.last + 1)
        before = hole.lost
        ready = line.skip(hole, resume, self._clock.monotonic())
        self.lost += hole.lost - before
        self._ledger.note(hole.gap_id, f"{hole.lost} of {hole.size} trades lost: {problem}")
        self._send_out(line, ready)
        self._take(line, trades)

    def _settle(self, line: TradeLine, hole: Hole, detail: str) -> None:
        line.holes.remove(hole)
        brought = hole.size - hole.lost - hole.missing
        self.recovered += brought
        whole = not hole.lost and not hole.missing
        if whole:
            order = " after newer ones were published" if hole.overtaken else ""
            detail = f"{brought} missing trades fetched{order}"
        first_lost, last_lost = hole.gone
        self._ledger.settle(
            hole.gap_id,
            GapState.REPAIRED if whole else GapState.UNRECOVERABLE,
            until_ms=hole.until_ms,
            recovered=brought,
            detail=detail,
            first_sequence=first_lost,
            last_sequence=last_lost,
        )

    async def _check_tail(self, line: TradeLine) -> None:
        """Compares a quiet symbol with the venue's newest trades."""
        try:
            trades = sorted(await self._fetch_newest(line.native_symbol), key=sequence_of)
        except PlatformError:
            if self._lines.get(line.symbol) is line:
                self._watch_tail(line)
            return
        self._compare(line, trades)

    async def _check_first(self, native_symbol: str) -> None:
        """A symbol has been silent since it was wanted: is that real, or is the stream mute?"""
        try:
            trades = sorted(await self._fetch_newest(native_symbol), key=sequence_of)
        except PlatformError:
            return  # the next remedy asks again
        since_ms = self._wanted_since.get(native_symbol)
        known = any(line.native_symbol == native_symbol for line in self._lines.values())
        if known or since_ms is None or not trades or trades[-1].sequence is None:
            return
        earlier = [trade for trade in trades if trade.timestamp_ms < since_ms]
        if earlier:
            line = self._begin(earlier[-1])
        else:
            self.on_trade(trades[0])
            line = self._lines[trades[0].symbol]
        line.cause = GapCause.STALE
        self._compare(line, trades)

    def _compare(self, line: TradeLine, trades: list[Trade]) -> None:
        """Takes the venue's newest trades, ascending: what is new among them was missed."""
        if self._lines.get(line.symbol) is not line or line.is_holding:
            return
        newest = sequence_of(trades[-1]) if trades else -1
        if newest < line.next:
            self._on_quiet(line.native_symbol)
            return
        line.hold(self._clock.monotonic())
        self._holding[line.symbol] = line
        self._wake.set()
        self._register(line, line.next, newest, trades[-1].timestamp_ms)
        self._take(line, trades)
        self._open_holes(line, -1)
