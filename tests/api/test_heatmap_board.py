"""The watched symbols without sockets: bounds, time-outs and the end."""

import asyncio
import json

import pytest
from tests.api.heatmap_maps import CountedMaps, make_snapshot
from tests.api.served import Platform
from tests.api.streaming import until

from headwater.api import heatmap_board
from headwater.api.heatmap_board import COMPUTING_MAX, HeatmapBoard, TooManyWatched
from headwater.services.map_question import NewestMap


class Noting:
    """A watcher that notes what it gets."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.failed: list[str] = []

    def begin(self, symbol: str, payload: bytes) -> None:
        self.begun.append(symbol)

    def fail(self, symbol: str, payload: bytes) -> None:
        self.failed.append(json.loads(payload)["message"])


def board_of(maps: CountedMaps) -> HeatmapBoard:
    return Platform(maps=maps).heatmaps


async def test_at_most_so_many_symbols_and_so_many_maps_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(heatmap_board, "WATCHED_MAX", 5)
    maps, watcher = CountedMaps(), Noting()
    maps.gate.clear()
    board = board_of(maps)
    symbols = [f"S{number}USDT" for number in range(5)]
    for symbol in symbols:
        board.join(symbol, 5, watcher)
        board.greet(symbol, watcher)
    with pytest.raises(TooManyWatched):
        board.join("MOREUSDT", 5, watcher)
    board.join(symbols[0], 7, watcher)
    await until(lambda: maps.running == COMPUTING_MAX)
    maps.gate.set()
    await until(lambda: len(watcher.begun) == 5)
    assert (sorted(watcher.begun), maps.running_peak) == (symbols, COMPUTING_MAX)
    board.leave(symbols[1], 5, watcher)
    board.join("MOREUSDT", 5, watcher)
    await board.close()
    with pytest.raises(TooManyWatched):
        board.join("LATEUSDT", 5, watcher)


async def test_a_map_that_never_comes_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heatmap_board, "COMPUTE_TIMEOUT_S", 0.05)
    maps, watcher = CountedMaps(), Noting()
    maps.gate.clear()
    board = board_of(maps)
    board.join("BTCUSDT", 5, watcher)
    board.greet("BTCUSDT", watcher)
    await until(lambda: watcher.failed)
    assert "no map within" in watcher.failed[0]
    assert maps.running == 0
    await board.close()


async def test_closing_ends_the_timer_and_every_task() -> None:
    maps, watcher = CountedMaps(), Noting()
    maps.gate.clear()
    board = board_of(maps)
    before = asyncio.all_tasks()
    board.join("BTCUSDT", 1, watcher)
    board.greet("BTCUSDT", watcher)
    await until(lambda: maps.running)
    await board.close()
    await board.close()
    assert asyncio.all_tasks() == before
    assert maps.running == 0
    board.tick()
    assert asyncio.all_tasks() == before


async def test_the_last_one_to_leave_ends_the_work() -> None:
    maps, watchers = CountedMaps(), [Noting(), Noting()]
    maps.gate.clear()
    board = board_of(maps)
    for watcher in watchers:
        board.join("BTCUSDT", 1, watcher)
        board.greet("BTCUSDT", watcher)
    await until(lambda: maps.running)
    board.leave("BTCUSDT", 1, watchers[0])
    await asyncio.sleep(0)
    assert maps.running == 1
    board.leave("BTCUSDT", 1, watchers[1])
    await until(lambda: maps.running == 0)
    assert board.stats().symbols == ()
    await board.close()


class InThread(CountedMaps):
    """Makes a map as a real service does: in a thread, holding it until told."""

    async def newest(self, symbol: str) -> NewestMap:
        await super().newest(symbol)
        return await asyncio.to_thread(make_snapshot, symbol, self.asked[symbol])


async def test_maps_may_be_made_in_threads() -> None:
    maps, watcher = InThread(), Noting()
    board = board_of(maps)
    board.join("BTCUSDT", 1, watcher)
    board.greet("BTCUSDT", watcher)
    await until(lambda: watcher.begun)
    await board.close()
