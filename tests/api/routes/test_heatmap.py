"""The heat map over time of models, over HTTP from a real database."""

import json
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.api.served import Platform
from tests.services.map_market import MINUTE_MS, T0, put_liquidation, put_minute, put_rise
from tests.storage.ready_tables import with_tables

from headwater.api.routes import heatmap
from headwater.api.schemas.base import encode, iso_of
from headwater.core.clock import ManualClock
from headwater.core.errors import VenueUnavailable
from headwater.services.liquidation_maps import CLOSED_AFTER_MS
from headwater.storage.store import Store

MAP = "/liquidations/heatmap-timeseries?symbol=BTCUSDT&price_bin_size=1&leverage_weights=10:1"
SPAN = f"&start_time={T0}"
FADED = 2.0 ** (-1.0 / 1344.0)


class Market:
    """A platform over a database that can be written to."""

    def __init__(self, platform: Platform, store: Store) -> None:
        self.platform = platform
        self.store = store

    async def get(self, target: str) -> Any:
        reply = await self.platform.get(target)
        assert reply.status == 200, reply
        return reply.json()


@pytest.fixture
async def market(tmp_path: Path) -> AsyncIterator[Market]:
    """45 minutes at 100; open interest rises by 10 on bybit and by 5 on okx."""
    clock = ManualClock((T0 + 45 * MINUTE_MS + CLOSED_AFTER_MS) * 1_000_000)
    async with Store(with_tables(tmp_path / "made.sqlite3"), clock) as store:
        put_rise(store, price=100.0)
        put_rise(store, "okx", to=105.0, price=100.0)
        async with Platform(clock=clock, venues=("bybit", "okx"), store=store).served() as served:
            yield Market(served, store)


async def test_l_r3_an_estimated_map_worked_by_hand(market: Market) -> None:
    """10× at maintenance 0.4 %: 100 × 0.9 / 0.996 = 90.36 and 100 × 1.1 / 1.004 = 109.56.

    Bar 1 opens 15 × 100 = 1,500 USD a side, bar 2 fades them.
    """
    body = await market.get(f"{MAP}{SPAN}&model=estimated")
    rows = [
        (one["timestamp"][11:16], one["levels"], one["positions_created"]) for one in body["data"]
    ]
    held = [
        {"price": 90.0, "long_density": 1500.0, "short_density": 0.0},
        {"price": 109.0, "long_density": 0.0, "short_density": 1500.0},
    ]
    assert rows[:2] == [("00:00", [], 0.0), ("00:15", held, pytest.approx(3000.0))]
    assert rows[2][1][0]["long_density"] == pytest.approx(1500.0 * FADED, abs=0.01)
    meta = body["meta"]
    assert (meta["model"], meta["version"], meta["unit"]) == ("estimated", "1", "usd")
    assert meta["leverage_weights"] == "10:1"
    assert meta["end_time"] == "2026-09-21T00:45:00.000Z"
    assert meta["total_snapshots"] == 3
    assert [one["exchange"] for one in meta["coverage"]] == ["bybit", "okx"]
    assert meta["price_range"] == {"min": 90.0, "max": 110.0}


async def test_l_d11_stocks_are_not_added_up_and_flows_are(market: Market) -> None:
    meta = (await market.get(f"{MAP}{SPAN}&model=estimated"))["meta"]
    assert meta["total_long_volume"] == pytest.approx(1500.0 * FADED)
    assert meta["total_created"] == pytest.approx(3000.0)
    assert meta["total_consumed"] == 0.0


async def test_l_d1_the_filter_of_venues_filters(market: Market) -> None:
    only = await market.get(f"{MAP}{SPAN}&model=estimated&exchanges=OKX")
    assert only["data"][1]["long_volume"] == pytest.approx(500.0)
    assert only["meta"]["exchanges"] == ["okx"]


async def test_the_etag_changes_with_the_last_closed_bar_only(market: Market) -> None:
    target = f"{MAP}&model=estimated&time_window=48h"
    first = await market.platform.get(target)
    put_minute(market.store, 45, 100.0, mark=(100.0, 100.0), interest=500.0)
    market.platform.advance(400.0)
    later = await market.platform.get(target)
    assert later.headers["etag"] == first.headers["etag"]
    unchanged = await market.platform.get(target, {"if-none-match": first.headers["etag"]})
    assert unchanged.status == 304
    market.platform.advance(1800.0)
    assert (await market.platform.get(target)).headers["etag"] != first.headers["etag"]


async def test_a_map_in_coinglass_shape(market: Market) -> None:
    """Cells count candles and prices: 90 is the 1st place behind the lowest bucket."""
    body = await market.get(f"{MAP}{SPAN}&model=estimated&format=coinglass")
    cells = {(x, body["y_axis"][y]): usd for x, y, usd in body["liquidation_leverage_data"]}
    assert cells[1, 90.0] == 1500.0
    assert cells[1, 109.0] == 1500.0
    assert len(cells) == 4
    assert body["price_candlesticks"][0] == [T0 // 1000, 100.0, 100.0, 100.0, 100.0, 15.0]
    assert len(body["price_candlesticks"]) == 3


async def test_the_realised_map_in_coinglass_shape(market: Market) -> None:
    put_liquidation(market.store, 20, 95.5, 300.0)
    put_liquidation(market.store, 20, 97.5, 200.0, is_long=False)
    target = f"/liquidations/heatmap-timeseries?symbol=BTCUSDT&price_bin_size=1{SPAN}"
    body = await market.get(f"{target}&format=coinglass")
    assert body["y_axis"] == [95.0, 96.0, 97.0]
    assert body["liquidation_leverage_data"] == [[1, 0, 300.0], [1, 2, 200.0]]
    plain = await market.get(target)
    assert plain["meta"]["model"] == "realised"
    assert plain["meta"]["total_consumed"] == 500.0


@pytest.mark.parametrize("model", ["empirical", "observed", "b0", "b1", "b2", "b3", "b4"])
async def test_every_model_answers_and_says_what_it_is(market: Market, model: str) -> None:
    body = await market.get(f"{MAP}{SPAN}&model={model}")
    meta = body["meta"]
    assert meta["model"] == model
    assert meta["unit"] == ("share" if model[0] == "b" else "usd")
    if model == "observed":
        assert {one["known_positions"] for one in meta["coverage"]} == {0.0}
        assert meta["total_long_volume"] == 0.0
    if model == "empirical":
        assert (body["data"], meta["price_range"], meta["total_created"]) == ([], None, 0.0)
        assert all("too few" in one["reason"] for one in meta["coverage"])
    if model in ("b0", "b4"):
        assert body["data"][-1]["long_volume"] == pytest.approx(1.0)
        assert body["data"][-1]["positions_created"] is None


async def test_l_r3_no_candles_is_empty_data_and_zero_meta(market: Market) -> None:
    body = await market.get("/liquidations/heatmap-timeseries?symbol=ETHUSDT&model=estimated")
    assert body["data"] == []
    assert body["meta"]["total_snapshots"] == body["meta"]["total_long_volume"] == 0
    assert body["meta"]["price_bin_size"] is None


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("model=mine", "model"),
        ("model=estimated&leverage_weights=", "leverage_weights"),
        ("model=estimated&leverage_weights=7:1", "leverage_weights"),
        ("model=estimated&leverage_weights=10:0,25:0", "leverage_weights"),
        ("model=estimated&leverage_weights=10:-1", "leverage_weights"),
        ("model=estimated&leverage_weights=10:1,10:2", "leverage_weights"),
        ("model=estimated&leverage_weights=10:nan", "leverage_weights"),
        ("model=estimated&format=xml", "format"),
        ("model=estimated&interval=1w", "interval"),
        ("model=estimated&interval=1m&start_time=0", "interval"),
        ("model=estimated&price_bin_size=0.001", "price_bin_size"),
        ("model=estimated&exchanges=kraken", "exchanges"),
        ("model=estimated&blend=1", "blend"),
    ],
)
async def test_bad_input_is_told_by_its_name(market: Market, query: str, field: str) -> None:
    reply = await market.platform.get(f"/liquidations/heatmap-timeseries?symbol=BTCUSDT&{query}")
    assert reply.status == 422, reply
    body: Any = reply.json()
    assert body["errors"][0]["field"] == field


async def test_where_nothing_is_stored_the_reason_is_told(platform: Platform) -> None:
    reply = await platform.get("/liquidations/heatmap-timeseries?symbol=BTCUSDT&model=estimated")
    assert reply.status == 404
    assert b"stores nothing" in reply.body


async def test_a_repeated_question_about_prints_is_answered_from_the_cache(market: Market) -> None:
    """Also while the clock goes on: within the second an answer is kept, the key stands still."""
    target = f"/liquidations/heatmap-timeseries?symbol=BTCUSDT&price_bin_size=1{SPAN}"
    await market.get(target)
    put_liquidation(market.store, 20, 95.5, 300.0)
    market.platform.advance(0.5)
    assert (await market.get(f"{target}&model=realised"))["meta"]["total_consumed"] == 0.0
    market.platform.advance(1.0)
    assert (await market.get(f"{target}&model=realised"))["meta"]["total_consumed"] == 300.0


async def test_the_realised_maps_etag_stands_still_within_a_bar(market: Market) -> None:
    """No `end_time`: the span goes to the end of the running bar and not to the moving now."""
    target = "/liquidations/heatmap-timeseries?symbol=BTCUSDT&price_bin_size=1"
    put_liquidation(market.store, 20, 95.5, 300.0)
    first = await market.platform.get(target)
    meta = json.loads(first.body)["meta"]
    assert meta["end_time"] == iso_of(T0 + 60 * MINUTE_MS)
    assert meta["start_time"] == iso_of(T0 + 60 * MINUTE_MS - 7 * 86_400_000)
    market.platform.advance(400.0)
    later = await market.platform.get(target, {"if-none-match": first.headers["etag"]})
    assert later.status == 304
    put_liquidation(market.store, 48, 95.5, 100.0)
    market.platform.advance(10.0)
    more = await market.platform.get(target)
    assert more.headers["etag"] != first.headers["etag"]
    assert json.loads(more.body)["meta"]["total_consumed"] == 400.0
    market.platform.advance(900.0)
    assert (await market.get(target))["meta"]["end_time"] == iso_of(T0 + 75 * MINUTE_MS)


@pytest.mark.parametrize("form", ["", "&format=coinglass"])
@pytest.mark.parametrize("model", ["realised", "estimated"])
async def test_answers_are_encoded_off_the_event_loop(
    market: Market, monkeypatch: pytest.MonkeyPatch, model: str, form: str
) -> None:
    threads: list[bool] = []

    def watched(view: Any) -> bytes:
        threads.append(threading.current_thread() is threading.main_thread())
        return encode(view)

    monkeypatch.setattr(heatmap, "encode", watched)
    await market.get(f"{MAP}&model={model}{form}")
    assert threads == [False]


async def test_a_map_without_a_venue_is_given_again_for_seconds_only(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A whole one is kept until the next bar; who reads one with a hole is told by a header, too.

    Bybit's tiers cannot be had: its rise of 1,000 USD a side is missing, that of OKX is 500.
    """
    source = market.platform.sources["bybit"]
    real = source.margin_tiers

    async def away(*_: Any, **__: Any) -> Any:
        raise VenueUnavailable("bybit", "away")

    monkeypatch.setattr(source, "margin_tiers", away)
    target = f"{MAP}&model=estimated{SPAN}"
    partial = await market.platform.get(target)
    assert partial.headers["x-data-incomplete"] == "bybit: not reached: bybit: away"
    assert json.loads(partial.body)["meta"]["total_created"] == pytest.approx(1_000.0)
    monkeypatch.setattr(source, "margin_tiers", real)
    market.platform.advance(heatmap.PARTIAL_S - 1.0)
    assert (await market.platform.get(target)).body == partial.body
    market.platform.advance(61.0)
    whole = await market.platform.get(target)
    assert "x-data-incomplete" not in whole.headers
    assert json.loads(whole.body)["meta"]["total_created"] == pytest.approx(3_000.0)
