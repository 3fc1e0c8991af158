"""A venue's past into a real database, asked of a simulated exchange over loopback."""

from pathlib import Path

import pytest
from tests.app.staged_download import Stage, staged

from headwater.app.fetch_request import Kind
from headwater.app.stored_download import (
    STORED_KINDS,
    StoredSpan,
    demand_stored,
    retention_note,
    store_series,
)
from headwater.core.clock import SystemClock
from headwater.core.enums import StoredTable
from headwater.core.errors import ConfigError
from headwater.core.intervals import Interval
from headwater.storage import candles, funding, mark_candles, open_interest
from headwater.storage.base import LIMIT_MAX, Span
from headwater.storage.sqlite import SqliteDatabase
from headwater.storage.store import Store
from headwater.venues.discovery import venue

HOUR_MS = 3_600_000
ALL = Span(limit=LIMIT_MAX)


def span(kind: Kind, interval: Interval | None, since_ms: int) -> StoredSpan:
    return StoredSpan(kind=kind, interval=interval, since_ms=since_ms, until_ms=None)


async def fill(stage: Stage, store: Store, wanted: StoredSpan) -> list[str]:
    one = stage.download.table.resolve("BTCUSDT")
    return await store_series([(stage.download, one)], wanted, store, SystemClock())


@pytest.mark.parametrize("name", ["binance", "bybit", "okx"])
async def test_each_kind_is_stored_as_the_market_made_it(name: str, tmp_path: Path) -> None:
    """Ten hours of quarters of an hour: at least the forty that are over; a settlement a day."""
    clock = SystemClock()
    async with (
        Store(SqliteDatabase(tmp_path / "made.sqlite3"), clock) as store,
        staged(name) as stage,
    ):
        asked_ms = stage.download.now_ms()
        since_ms = asked_ms - 10 * HOUR_MS
        for kind, interval in (
            (Kind.CANDLES, Interval.M15),
            (Kind.MARK_CANDLES, Interval.M15),
            (Kind.OPEN_INTEREST, Interval.M15),
            (Kind.FUNDING, None),
        ):
            assert await fill(stage, store, span(kind, interval, since_ms)) == []
        where = (name, "BTCUSDT", Interval.M15, ALL)
        traded = await store.fetch(candles.between(*where))
        real = stage.market.candles("BTCUSDT", Interval.M15, limit=1_000)
        made = {one.timestamp_ms: one.close for one in real if one.is_closed}
        known = {one.timestamp_ms: one.close for one in traded}
        # A quarter that ends while this runs may be there or not.
        due = [at for at in made if since_ms <= at <= asked_ms - Interval.M15.nominal_ms]
        assert len(due) >= 39
        assert {at: known[at] for at in due} == {at: pytest.approx(made[at]) for at in due}
        marked = {one.timestamp_ms for one in await store.fetch(mark_candles.between(*where))}
        assert marked.issuperset(due)
        readings = await store.fetch(open_interest.period_times(*where))
        assert set(readings).issuperset(due[1:])
        assert await store.fetch(funding.between(name, "BTCUSDT", ALL))


async def test_what_fails_is_told_and_the_next_call_goes_on(tmp_path: Path) -> None:
    """The venue knows no such contract any more: nothing is marked as done."""
    clock = SystemClock()
    async with Store(SqliteDatabase(tmp_path / "made.sqlite3"), clock) as store:
        async with staged("binance") as stage:
            since_ms = stage.download.now_ms() - 3 * HOUR_MS
            wanted = span(Kind.CANDLES, Interval.M1, since_ms)
            (one,) = stage.download.instruments(["BTCUSDT"])
            unknown = type(one)(
                **{name: getattr(one, name) for name in one.__struct_fields__}
                | {"native_symbol": "NONEUSDT"}
            )
            problems = await store_series([(stage.download, unknown)], wanted, store, clock)
            assert problems == ["binance BTCUSDT candles: the venue refused to go on; why is above"]
            assert await fill(stage, store, wanted) == []
        where = ("binance", "BTCUSDT", Interval.M1, ALL)
        assert len(await store.fetch(candles.between(*where))) >= 178


def test_what_cannot_be_stored_is_refused() -> None:
    for kind, interval in ((Kind.CANDLES, Interval.M1), (Kind.FUNDING, None)):
        demand_stored(venue("okx"), kind, interval)
    with pytest.raises(ConfigError, match="trades do not go into storage"):
        demand_stored(venue("okx"), Kind.TRADES, None)
    with pytest.raises(ConfigError, match="1w do not go into storage"):
        demand_stored(venue("okx"), Kind.CANDLES, Interval.W1)
    assert Kind.INSTRUMENTS not in STORED_KINDS


def test_rows_that_would_be_deleted_are_noted() -> None:
    """Kept ten days: a start eleven days back is noted, one nine days back is not."""
    kept = {StoredTable.OPEN_INTEREST: 10.0}
    day_ms = 86_400_000
    old = span(Kind.OPEN_INTEREST, Interval.M5, 9 * day_ms)
    assert "open_interest are kept 10 days" in retention_note(old, kept, 20 * day_ms)
    assert retention_note(old, kept, 18 * day_ms) == ""
    assert retention_note(span(Kind.CANDLES, Interval.M1, 0), kept, 20 * day_ms) == ""
