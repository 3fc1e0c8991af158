"""Funding, coming and past."""

from pathlib import Path

import msgspec
from tests.api.fake_source import NOW_MS, make_funding_rate
from tests.api.served import Platform
from tests.storage.ready_tables import with_tables

from headwater.core.clock import ManualClock
from headwater.core.errors import VenueUnavailable
from headwater.storage.store import Store


async def test_the_coming_settlement(platform: Platform) -> None:
    body = (await platform.get("/binance/funding/BTCUSDT")).json()
    assert isinstance(body, dict)
    assert body["funding_rate"] == -0.0001
    assert body["funding_time"] == "2024-11-08T00:00:00.000Z"


async def test_history_takes_limit_and_span(platform: Platform) -> None:
    platform.source.offer_everything()
    reply = await platform.get("/binance/funding-hist/BTC?limit=2&end_time=1731000000")
    rows = reply.json()
    assert isinstance(rows, list)
    assert len(rows) == 2
    await platform.get("/binance/funding-hist/BTC")
    assert platform.source.calls == [
        "funding_history BTCUSDT 2 None 1731000000000",
        "funding_history BTCUSDT 100 None None",
    ]


async def test_storage_stands_in_for_a_venue_that_is_away(tmp_path: Path) -> None:
    """The settlement to come is stored too, and is no past."""
    clock = ManualClock(NOW_MS * 1_000_000)
    async with Store(with_tables(tmp_path / "made.sqlite3"), clock) as store:
        coming = make_funding_rate("BTCUSDT")
        past = msgspec.structs.replace(coming, funding_time_ms=NOW_MS - 5)
        await store.put_durable([coming, past])
        async with Platform(clock=clock, store=store).served() as platform:
            platform.source.offer_everything()
            whole = await platform.get("/binance/funding-hist/BTCUSDT?limit=3")
            assert "x-data-incomplete" not in whole.headers
            platform.source.error = VenueUnavailable("binance", "closed")
            reply = await platform.get("/binance/funding-hist/BTCUSDT?limit=2")
            assert reply.status == 200
            assert "closed" in reply.headers["x-data-incomplete"]
            rows = reply.json()
            assert isinstance(rows, list)
            assert len(rows) == 1
            nothing = await platform.get("/binance/funding-hist/ETHUSDT")
            assert nothing.status == 503
