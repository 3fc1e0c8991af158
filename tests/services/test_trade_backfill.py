"""Trades of a downtime: by id where they are counted, else from the newest the venue tells."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from tests.storage.ready_tables import with_tables
from tests.storage.samples import T0, gap, live_spell, trade

from headwater.core.clock import ManualClock
from headwater.core.enums import GapState, StoredTrades
from headwater.core.records import LargeTrade, Trade
from headwater.services import trade_backfill
from headwater.services.stream_life import Downtime
from headwater.services.trade_backfill import Healed, TradeQuestions, heal_trades, keeper
from headwater.storage import trades
from headwater.storage.base import LIMIT_MAX, Span
from headwater.storage.store import Store


class Tape:
    """A venue's trades: number n at T0 + n ms."""

    def __init__(self, numbers: Sequence[int], newest: int) -> None:
        self.numbers = numbers
        self.newest_max = newest
        self.asked: list[tuple[int, int]] = []

    async def between(self, native: str, first: int, last: int) -> Sequence[Trade]:
        """By number."""
        assert native == "BTC-USDT-SWAP"
        self.asked.append((first, last))
        return [trade(n, at_ms=T0 + n) for n in self.numbers if first <= n <= last]

    async def newest(self, native: str) -> Sequence[Trade]:
        """The newest."""
        assert native == "BTC-USDT-SWAP"
        return [trade(n, at_ms=T0 + n) for n in self.numbers[-self.newest_max :]]

    async def wait(self) -> None:
        """The budget is free."""


def downtime(start: int, until: int, last_sequence: int | None, **first: int) -> Downtime:
    inherited = tuple(gap(first_sequence=number) for number in first.values())
    return Downtime(
        spell=live_spell(last_sequence=last_sequence),
        gap_id=1,
        start_ms=T0 + start,
        until_ms=T0 + until,
        inherited=inherited,
    )


async def heal(folder: Path, tape: Tape, hole: Downtime) -> tuple[Healed, list[int | None]]:
    """What became of it, and the numbers that are stored."""
    questions = TradeQuestions(between=tape.between, newest=tape.newest, wait=tape.wait)
    async with Store(with_tables(folder / "made.sqlite3"), ManualClock()) as store:
        done = await heal_trades(hole, questions, store, keeper(StoredTrades.LARGE, 0.0))
        query = trades.between("binance", "BTCUSDT", Span(limit=LIMIT_MAX), large_only=True)
        return done, [one.sequence for one in await store.fetch(query)]


async def test_counted_trades_come_back_by_number(tmp_path: Path) -> None:
    """The last one heard was 100; the stream is back at 3,500; 3,600 are there."""
    tape = Tape(range(1, 3_601), newest=500)
    done, stored = await heal(tmp_path, tape, downtime(100, 3_500, 100))
    assert (done.state, done.recovered) == (GapState.REPAIRED, 3_400)
    assert stored == list(range(101, 3_501))
    assert tape.asked[0] == (2_501, 3_500), "the newest page first"


async def test_a_hole_of_before_is_healed_with_it(tmp_path: Path) -> None:
    tape = Tape(range(1, 300), newest=500)
    done, stored = await heal(tmp_path, tape, downtime(100, 200, 100, first_sequence=40))
    assert done.recovered == 161
    assert stored == list(range(40, 201))


async def test_what_the_venue_lost_is_counted(tmp_path: Path) -> None:
    tape = Tape([n for n in range(1, 300) if not 120 <= n < 125], newest=500)
    done, _ = await heal(tmp_path, tape, downtime(100, 200, 100))
    assert (done.state, done.recovered) == (GapState.UNRECOVERABLE, 95)
    assert "5 of 100 trades are lost" in done.detail


async def test_a_long_downtime_keeps_its_newest_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trade_backfill, "TRADES_MAX", 50)
    done, stored = await heal(tmp_path, Tape(range(1, 300), 500), downtime(100, 200, 100))
    assert (done.state, done.recovered) == (GapState.UNRECOVERABLE, 50)
    assert stored == list(range(151, 201))


async def test_uncounted_trades_are_whole_when_the_newest_reach_back(tmp_path: Path) -> None:
    done, stored = await heal(tmp_path, Tape(range(1, 300), 250), downtime(100, 200, None))
    assert done.state is GapState.REPAIRED
    assert stored == list(range(100, 201))


async def test_uncounted_trades_are_lost_before_the_newest(tmp_path: Path) -> None:
    """The newest 150 begin at 150: of the hole from 100 to 200 the end came back."""
    done, stored = await heal(tmp_path, Tape(range(1, 300), 150), downtime(100, 200, None))
    assert (done.state, done.recovered) == (GapState.UNRECOVERABLE, 51)
    assert stored == list(range(150, 201))


async def test_a_silent_market_has_nothing_to_tell(tmp_path: Path) -> None:
    done, stored = await heal(tmp_path, Tape([], 150), downtime(100, 200, None))
    assert (done.state, done.recovered, stored) == (GapState.UNRECOVERABLE, 0, [])


@pytest.mark.parametrize(
    ("which", "kinds"),
    [
        (StoredTrades.ALL, [Trade, LargeTrade]),
        (StoredTrades.LARGE, [None, LargeTrade]),
        (StoredTrades.NONE, [None, None]),
    ],
)
def test_what_is_stored_live_is_stored_of_a_downtime(
    which: StoredTrades, kinds: list[type | None]
) -> None:
    """At a threshold between a small trade and one of ten times its quantity."""
    small = trade(1)
    big = msgspec.structs.replace(small, quantity=small.quantity * 10, value=small.value * 10)
    keep = keeper(which, small.value * 5)
    kept = [keep(one) for one in (small, big)]
    assert [None if one is None else type(one) for one in kept] == kinds
