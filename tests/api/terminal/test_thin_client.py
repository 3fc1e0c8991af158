"""The contract of the terminal API with a screen that computes nothing (O-S4)."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.api.fake_source import NOW_MS, make_liquidation
from tests.api.served import Platform
from tests.api.terminal.viewing import viewing
from tests.storage.ready_tables import with_tables

from headwater.core.clock import ManualClock
from headwater.core.formatting import read_formatted
from headwater.storage.store import Store

UNSHOWN = {"timestamp", "time", "count", "revision"}
"""Numbers of a row that no screen shows as they are: times have a text of their own."""

ROWS = {
    "orderbook/BTCUSDT?rounding=0.5": ("orderbook_update", ("bids", "asks")),
    "trades/BTCUSDT": ("trades_update", ("trades",)),
    "candles/BTCUSDT": ("historical_candles", ("data",)),
    "liquidations/BTCUSDT?timeframe=1m": ("liquidations", ("data",)),
    "liquidations?symbol=BTCUSDT&timeframe=1m": ("liquidation_volume", ("data",)),
}
"""By address: what is looked at, and its lists."""


@pytest.fixture
async def said(tmp_path: Path) -> dict[str, list[list[dict[str, Any]]]]:
    """The lists of the first message of each address."""
    found: dict[str, list[list[dict[str, Any]]]] = {}
    clock = ManualClock(NOW_MS * 1_000_000)
    async with (
        Store(with_tables(tmp_path / "made.sqlite3"), clock) as store,
        Platform(clock=clock, store=store).served() as platform,
    ):
        for minutes in (5, 3, 1):
            at_ms = NOW_MS - 60_000 * minutes
            store.put(msgspec.structs.replace(make_liquidation(), timestamp_ms=at_ms))
        for path, (kind, lists) in ROWS.items():
            async with viewing(platform.port, path) as client:
                message = await client.hear_next(kind)
                found[path] = [message[name] for name in lists]
    return found


def numbers_of(row: dict[str, Any]) -> Iterator[tuple[str, float]]:
    """What a screen may show of a row."""
    for name, value in row.items():
        if isinstance(value, int | float) and not isinstance(value, bool) and name not in UNSHOWN:
            yield name, value


def half_a_place(text: str) -> Decimal:
    """Half of what the last digit of a text is worth."""
    digits = text.rstrip("KMBT")
    places = len(digits.partition(".")[2])
    return read_formatted(f"0.{'0' * places}5{text[len(digits) :]}")


async def test_o_s4_every_number_has_its_text(said: dict[str, list[list[dict[str, Any]]]]) -> None:
    """And the text says the number, to the last place that it shows."""
    for path, lists in said.items():
        seen = 0
        for row in (row for rows in lists for row in rows):
            for name, value in numbers_of(row):
                text = row[f"{name}Formatted"].removeprefix("≥").strip()
                error = abs(read_formatted(text) - Decimal(repr(value)))
                assert error <= half_a_place(text), (path, name, value, text)
                seen += 1
        assert seen, path


async def test_o_s4_every_list_is_sorted(said: dict[str, list[list[dict[str, Any]]]]) -> None:
    """Books from the best price, trades and liquidations newest first, charts oldest first."""
    bids, asks = said["orderbook/BTCUSDT?rounding=0.5"]
    assert len(bids) == len(asks) > 1
    assert bids == sorted(bids, key=lambda row: -row["price"])
    assert asks == sorted(asks, key=lambda row: row["price"])
    for path, newest_first in (
        ("trades/BTCUSDT", True),
        ("liquidations/BTCUSDT?timeframe=1m", True),
        ("candles/BTCUSDT", False),
        ("liquidations?symbol=BTCUSDT&timeframe=1m", False),
    ):
        (rows,) = said[path]
        times = [row["timestamp"] for row in rows]
        assert len(times) > 1, path
        assert times == sorted(times, reverse=newest_first), path
        assert all(row["time"] == row["timestamp"] // 1000 for row in rows), path
