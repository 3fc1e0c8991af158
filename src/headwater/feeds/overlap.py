"""Trades of venues that do not count them: a reconnect is repaired by overlap.

Such trades have ids but no numbers, so a loss shows itself nowhere. After an interruption the
venue's newest trades are asked for as soon as the stream is back, which its first trade or the
venue's confirmation shows; an answer given before that says nothing about what is missed after it.
They are laid over what was published before: what follows the newest known id was missed and goes
out first, then the live trades that were held back meanwhile. A live trade may stand for several
listed ones (`live_fills.py`): those were not missed. Without a known id among them, or when they
never reach the first live trade, something is lost, which the ledger says. What waits is bounded in
number and time.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from collections.abc import Set as AbstractSet
from functools import partial
from typing import Final

from headwater.core.clock import Clock
from headwater.core.enums import Channel, GapCause, GapState
from headwater.core.errors import PlatformError
from headwater.core.records import Trade
from headwater.feeds.gaps import GapLedger
from headwater.feeds.live_fills import told_live
from headwater.feeds.repairs import RepairCrew, retry_after_s
from headwater.feeds.settings import TradeSettings
from headwater.feeds.trade_line import TradeLine
from headwater.transport.backoff import FullJitterBackoff

FetchNewest = Callable[[str], Awaitable[Sequence[Trade]]]
"""(native symbol) → the newest trades, oldest first."""

_GONE: Final = "nobody wants the symbol any more"


class _Wait:
    """One symbol between an interruption and its repair; `since` is its cut or its return."""

    __slots__ = (
        "back",
        "before",
        "gap_id",
        "held",
        "is_asked",
        "is_back",
        "is_released",
        "line",
        "round",
        "since",
    )

    def __init__(self, line: TradeLine, gap_id: int, since: float) -> None:
        self.line = line
        self.gap_id = gap_id
        self.since = since
        self.held: list[Trade] = []
        self.before: frozenset[int | str] | None = None
        self.back: Trade | None = None  # the first live trade since the return
        self.is_back = False
        self.is_asked = False
        self.is_released = False
        self.round = 0


class OverlapRepair:
    """The uncounted trades of one venue.

    Args:
        publish: sends a trade out.
        ledger: hears every interruption.
        crew: runs the fetches.
        clock: measures waits.
        fetch_newest: what the venue calls its newest trades, oldest first.
        backoff: makes the delays between tries.
        settings: bounds and deadlines.
        on_quiet: told a native symbol whose silence was real, as REST shows.

    Attributes:
        waits: symbols between an interruption and its repair.
        duplicates: trades that came again.
        recovered: trades brought back.
    """

    def __init__(
        self,
        publish: Callable[[Trade], None],
        ledger: GapLedger,
        crew: RepairCrew,
        clock: Clock,
        fetch_newest: FetchNewest,
        backoff: Callable[[], FullJitterBackoff],
        settings: TradeSettings,
        on_quiet: Callable[[str], None],
    ) -> None:
        self._publish = publish
        self._ledger = ledger
        self._crew = crew
        self._clock = clock
        self._fetch_newest = fetch_newest
        self._backoff = backoff
        self._settings = settings
        self._on_quiet = on_quiet
        self.waits: dict[str, _Wait] = {}
        self.duplicates = 0
        self.recovered = 0

    @property
    def is_waiting(self) -> bool:
        """Whether any symbol is between an interruption and its repair."""
        return bool(self.waits)

    def on_trade(self, line: TradeLine, trade: Trade) -> None:
        """Takes a live trade of a known symbol."""
        wait = self.waits.get(line.symbol)
        if wait is None:
            if line.is_behind(trade):
                self.duplicates += 1
            else:
                self._send(line, trade)
            return
        if wait.back is None:
            wait.back = trade
        self._come_back(wait)
        if wait.is_released:
            self._send(line, trade)
        else:
            wait.held.append(trade)
        if not wait.is_asked:
            self._ask(wait)
        if len(wait.held) > self._settings.hold_max:
            self._release(wait, f"{self._settings.hold_max} trades waited")

    def suspect(self, line: TradeLine, cause: GapCause) -> None:
        """The stream of a symbol was interrupted: from its last trade on some may be missing."""
        wait = self.waits.get(line.symbol)
        if wait is not None:
            wait.round += 1
            wait.since = self._clock.monotonic()
            wait.is_back = False
            wait.back = None
            return
        gap_id = self._ledger.open(
            Channel.TRADES, line.symbol, line.native_symbol, cause, start_ms=line.last_ms,
            detail="the venue does not count its trades: compared with its newest ones",
        )  # fmt: skip
        self.waits[line.symbol] = _Wait(line, gap_id, self._clock.monotonic())

    def resumed(self, symbol: str) -> None:
        """The venue confirmed the stream of a symbol again."""
        wait = self.waits.get(symbol)
        if wait is not None:
            self._come_back(wait)

    def sweep(self, now: float) -> None:
        """Looks once: symbols that stayed quiet are compared too, holds end at their deadline."""
        for wait in list(self.waits.values()):
            is_quiet = wait.is_back and not wait.is_asked
            if is_quiet and now - wait.since >= self._settings.tail_check_s:
                self._ask(wait)
            if wait.held and now - wait.since >= self._settings.hold_deadline_s:
                self._release(wait, f"{self._settings.hold_deadline_s:g} s had passed")

    def forget(self, symbol: str) -> None:
        """Nobody wants a symbol any more."""
        wait = self.waits.pop(symbol, None)
        if wait is not None:
            self._ledger.settle(wait.gap_id, GapState.UNRECOVERABLE, detail=_GONE)

    def release_all(self, reason: str) -> None:
        """Lets every held trade go: nothing more will come before it."""
        for wait in list(self.waits.values()):
            self._release(wait, reason)

    def _send(self, line: TradeLine, trade: Trade) -> bool:
        """Publishes a trade that is new."""
        if not line.take_new(trade, self._settings.recent_ids_max):
            self.duplicates += 1
            return False
        self._publish(trade)
        return True

    def _known(self, line: TradeLine) -> AbstractSet[int | str]:
        return line.known_ids(self._settings.recent_ids_max)

    def _come_back(self, wait: _Wait) -> None:
        if not wait.is_back:
            wait.is_back = True
            wait.since = self._clock.monotonic()

    def _ask(self, wait: _Wait) -> None:
        wait.is_asked = True
        if not self._crew.submit(("overlap", wait.line.symbol), partial(self._repair, wait)):
            self._end(wait, GapState.UNRECOVERABLE, "too many repairs wait", 0)

    def _release(self, wait: _Wait, bound: str) -> None:
        """Lets held trades go before the missing ones."""
        if not wait.is_released:
            wait.before = frozenset(self._known(wait.line))
            wait.is_released = True
            self._ledger.note(wait.gap_id, f"held back until {bound}; newer trades went first")
        held, wait.held = wait.held, []
        for trade in held:
            self._send(wait.line, trade)

    async def _repair(self, wait: _Wait) -> None:
        """Asks until the venue answers about all that was missed.

        An interruption meanwhile asks once more, when the stream is back. An answer that ends
        before the first live trade is behind the stream: it is asked for again a few times.
        """
        backoff = self._backoff()
        started = self._clock.monotonic()
        behind = 0
        while self.waits.get(wait.line.symbol) is wait:
            asked_round = wait.round
            try:
                trades = list(await self._fetch_newest(wait.line.native_symbol))
            except PlatformError as error:
                if self._clock.monotonic() - started > self._settings.repair_horizon_s:
                    self._end(wait, GapState.UNRECOVERABLE, str(error), 0)
                    return
                await asyncio.sleep(backoff.next_delay(retry_after_s(error)))
                continue
            if asked_round != wait.round:
                if not wait.is_back:
                    wait.is_asked = False  # its return asks anew
                    return
            elif _reaches(trades, wait.back):
                self._merge(wait, trades, is_behind=False)
                return
            else:
                behind += 1
                if behind >= self._settings.repair_attempts_max:
                    self._merge(wait, trades, is_behind=True)
                    return
            await asyncio.sleep(backoff.next_delay(0.0))

    def _merge(self, wait: _Wait, trades: Sequence[Trade], *, is_behind: bool) -> None:
        """Lays the venue's newest trades, ascending, over what was published before."""
        line = wait.line
        if self.waits.get(line.symbol) is not wait:
            return
        known = self._known(line) if wait.before is None else wait.before
        newest = max((at for at, one in enumerate(trades) if one.trade_id in known), default=-1)
        later = [one for one in trades[newest + 1 :] if one.timestamp_ms >= line.first_ms]
        held = {trade.trade_id: trade for trade in wait.held}
        told = told_live(later, {one.trade_id: one for one in line.recent} | held)
        missed = 0
        brought = 0
        for at, one in enumerate(later):
            live = told.get(at)
            if live is None:
                missed += 1
                brought += self._send(line, one)
            elif held.get(one.trade_id) is live:
                self._send(line, held.pop(one.trade_id))
        wait.held = [trade for trade in wait.held if trade.trade_id in held]
        self.recovered += brought
        if not missed:
            self._on_quiet(line.native_symbol)
        if newest < 0:
            words = "the venue's newest trades do not reach back to the last one known"
            self._end(wait, GapState.UNRECOVERABLE, words, brought)
        elif is_behind:
            words = "the venue's newest trades do not reach the first one of the new stream"
            self._end(wait, GapState.UNRECOVERABLE, words, brought)
        else:
            self._end(wait, GapState.REPAIRED, f"{brought} missing trades fetched", brought)

    def _end(self, wait: _Wait, state: GapState, detail: str, recovered: int) -> None:
        self.waits.pop(wait.line.symbol, None)
        for trade in wait.held:
            self._send(wait.line, trade)
        wait.held = []
        self._ledger.settle(wait.gap_id, state, recovered=recovered, detail=detail)


def _reaches(listed: Sequence[Trade], back: Trade | None) -> bool:
    """Whether a list goes on to the first live trade: of one instant it may have only some."""
    if back is None:
        return True
    if not listed:
        return False
    is_later = listed[-1].timestamp_ms > back.timestamp_ms
    return is_later or any(one.trade_id == back.trade_id for one in listed)
