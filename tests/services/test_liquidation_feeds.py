"""Statistics of the feeds by hand: counts, sums, shares, and holes counted once."""

from pathlib import Path

import msgspec
import pytest
from tests.services.test_liquidation_history import MINUTE_MS, START_MS, forced, wanted
from tests.storage.ready_tables import with_tables
from tests.storage.samples import gap, live_spell

from headwater.core.clock import ManualClock
from headwater.core.enums import Channel, GapState
from headwater.core.records import ALL_SYMBOLS, Gap
from headwater.services import liquidation_feeds
from headwater.services.liquidation_feeds import LiquidationFeeds, covered_ms
from headwater.storage.store import Store


def hole(
    start_ms: int,
    until_ms: int | None,
    gap_id: int,
    symbol: str = ALL_SYMBOLS,
    state: GapState = GapState.OPEN,
) -> Gap:
    """An interruption of Bybit's liquidations, from and until so long after the start."""
    return msgspec.structs.replace(
        gap(START_MS + start_ms),
        exchange="bybit",
        symbol=symbol,
        channel=Channel.LIQUIDATIONS,
        gap_id=gap_id,
        state=state,
        until_ms=None if until_ms is None else START_MS + until_ms,
    )


async def test_each_venue_by_hand(tmp_path: Path) -> None:
    """Bybit: 100 + 200 USD; holes before, across the start, twice over, of another symbol, open.

    Of the hole from 400 to 500 s everything came back: it is none any more.
    The span is ten minutes. A hole from −60 s to 30 s has 30 s in it; 60–120 s and 90–150 s are
    90 s together; the open one from 540 s has 60 s. That makes 180 s in four holes.
    """
    clock = ManualClock((START_MS + 60 * MINUTE_MS) * 1_000_000)
    async with Store(with_tables(tmp_path / "made.sqlite3"), clock) as store:
        for event in (forced(5, 100.0), forced(10, 200.0), forced(7, 50.0, exchange="okx")):
            store.put(event)
        for one in (
            hole(-90_000, -60_000, 1),
            hole(-60_000, 30_000, 2),
            hole(60_000, 120_000, 3),
            hole(90_000, 150_000, 4, "BTCUSDT"),
            hole(200_000, 300_000, 5, "ETHUSDT"),
            hole(540_000, None, 6),
            hole(400_000, 500_000, 7, state=GapState.REPAIRED),
        ):
            store.put(one)
        for since_ms in (START_MS - 5, START_MS + 30):
            store.put(
                live_spell(since_ms, exchange="bybit", symbol="*", channel=Channel.LIQUIDATIONS)
            )
        feeds = LiquidationFeeds(store, clock)
        bybit, okx, binance = await feeds.statistics(wanted(), ["bybit", "okx", "binance"])
    assert (bybit.count, bybit.value_usd, bybit.floor_share) == (2, 300.0, 0.0)
    assert (bybit.first_ms, bybit.last_ms) == (START_MS + 5, START_MS + 10)
    assert (bybit.holes, bybit.missing_ms) == (4, 180_000)
    assert (bybit.heard_since_ms, okx.heard_since_ms) == (START_MS - 5, None)
    assert (okx.count, okx.value_usd, okx.floor_share, okx.holes) == (1, 50.0, 1.0, 0)
    assert (binance.count, binance.first_ms, binance.floor_share) == (0, None, None)


async def test_holes_of_other_times_and_contracts_hide_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bound on holes is on those that are asked for: one of ten seconds, and it is found."""
    monkeypatch.setattr(liquidation_feeds, "HOLES_MAX", 2)
    clock = ManualClock((START_MS + 60 * MINUTE_MS) * 1_000_000)
    async with Store(with_tables(tmp_path / "made.sqlite3"), clock) as store:
        store.put(hole(20_000, 30_000, 1))
        for number in range(2, 9):
            store.put(hole(60_000 + number, 70_000, number, "ETHUSDT"))
        (found,) = await LiquidationFeeds(store, clock).statistics(wanted(), ["bybit"])
    assert (found.holes, found.missing_ms) == (1, 10_000)


@pytest.mark.parametrize(
    ("spans", "total"),
    [([], 0), ([(0, 5)], 5), ([(3, 5), (0, 4)], 5), ([(0, 9), (2, 3), (10, 11)], 10)],
)
def test_what_lies_in_several_spans_is_counted_once(
    spans: list[tuple[int, int]], total: int
) -> None:
    assert covered_ms(spans) == total
