"""Trades that were made while the platform did not run: fetched by id, or from the newest ones.

Those are stored that are stored live (`store_trades`). Where the venue counts its trades the hole
is known to the trade; else the newest trades it tells are held against the time of the hole.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec

from headwater.analytics.large_trades import large_trade_of
from headwater.core.enums import GapState, StoredTrades
from headwater.core.records import Trade
from headwater.services.stream_life import Downtime
from headwater.storage.store import Store

TRADES_MAX: Final = 100_000
"""Most trades that are fetched for one hole, the newest of it; older ones are given up."""

PAGE: Final = 1_000
"""Trades asked for at a time, and held in memory."""


Keep = Callable[[Trade], Trade | None]
"""What is stored of a trade: itself, the same marked as large, or nothing."""


class TradeQuestions(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of a venue.

    Attributes:
        between: (native symbol, first, last sequence) → those trades, ascending.
        newest: native symbol → the newest trades, ascending.
        wait: waits until the venue's budget has room for back-fill.
    """

    between: Callable[[str, int, int], Awaitable[Sequence[Trade]]]
    newest: Callable[[str], Awaitable[Sequence[Trade]]]
    wait: Callable[[], Awaitable[None]]


class Healed(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a hole.

    Attributes:
        state: repaired or unrecoverable.
        recovered: trades brought back.
        detail: in words.
    """

    state: GapState
    recovered: int
    detail: str


def keeper(which: StoredTrades, threshold_usd: float) -> Keep:
    """The rule by which trades are stored.

    Args:
        which: what the setting says.
        threshold_usd: least value of a large trade.
    """

    def keep(trade: Trade) -> Trade | None:
        if which is StoredTrades.NONE:
            return None
        large = large_trade_of(trade, threshold_usd)
        return trade if large is None and which is StoredTrades.ALL else large

    return keep


async def heal_trades(
    hole: Downtime, questions: TradeQuestions, store: Store, keep: Keep
) -> Healed:
    """Brings back what the venue still tells of a hole and stores what is to be stored of it.

    Args:
        hole: of a stream of trades.
        questions: put to the venue.
        store: gets the trades, durably.
        keep: which of them; see `keeper`.

    Raises:
        VenueError: the venue failed; what was stored stays, asking again is safe.
        StorageError: trades could not be stored.
    """
    native = hole.spell.native_symbol
    await questions.wait()
    newest = await questions.newest(native)
    first = hole.first_sequence
    if first is None:
        return await _overlay(hole, newest, store, keep)
    before = [
        one.sequence
        for one in newest
        if one.sequence is not None and one.timestamp_ms <= hole.until_ms
    ]
    if not before:
        # A busy market: all of the newest are of after the return. The live stream joins them.
        numbered = [one.sequence for one in newest if one.sequence is not None]
        last = min(numbered, default=first) - 1
    else:
        last = max(before)
    return await _by_number(native, first, last, questions, store, keep)


async def _by_number(
    native: str,
    first: int,
    last: int,
    questions: TradeQuestions,
    store: Store,
    keep: Keep,
) -> Healed:
    """Fetches by id, the newest page first."""
    begin = max(first, last - TRADES_MAX + 1)
    recovered = 0
    high = last
    while high >= begin:
        low = max(begin, high - PAGE + 1)
        await questions.wait()
        page = await questions.between(native, low, high)
        recovered += len(page)
        await _store(page, store, keep)
        high = low - 1
    wanted = last - first + 1
    if recovered >= wanted:
        return Healed(
            state=GapState.REPAIRED,
            recovered=recovered,
            detail="the platform did not run; all trades came back by id",
        )
    return Healed(
        state=GapState.UNRECOVERABLE,
        recovered=recovered,
        detail=f"the platform did not run; {wanted - recovered} of {wanted} trades are lost",
    )


async def _overlay(hole: Downtime, newest: Sequence[Trade], store: Store, keep: Keep) -> Healed:
    """Takes what lies in the hole of the newest trades; they cover it, or its end."""
    inside = [one for one in newest if hole.start_ms <= one.timestamp_ms <= hole.until_ms]
    await _store(inside, store, keep)
    if newest and newest[0].timestamp_ms < hole.start_ms:
        return Healed(
            state=GapState.REPAIRED,
            recovered=len(inside),
            detail="the platform did not run; the venue's newest trades reach back before it",
        )
    return Healed(
        state=GapState.UNRECOVERABLE,
        recovered=len(inside),
        detail="the platform did not run; the venue tells only its newest trades",
    )


async def _store(trades: Sequence[Trade], store: Store, keep: Keep) -> None:
    kept = [keep(one) for one in trades]
    found = [one for one in kept if one is not None]
    if found:
        await store.put_durable(found)
