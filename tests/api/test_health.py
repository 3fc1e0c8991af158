"""Health is what the parts say of themselves."""

import msgspec
import pytest
from tests.api import fake_source as fake
from tests.api.fake_source import FakeSource
from tests.api.served import Platform

from headwater.api.health import measure
from headwater.bus.topics import TopicFilter
from headwater.core.enums import StoredTable
from headwater.core.records import Trade
from headwater.feeds.external_liquidations import ExternalHealth
from headwater.feeds.recorder import RecorderStats
from headwater.services.backfill import BackfillProgress
from headwater.services.forecasts import ForecastHealth
from headwater.services.wallets import WalletsHealth
from headwater.storage.writer import TableHealth, WriterHealth


@pytest.mark.parametrize(
    ("healthy", "status"),
    [
        ((True, True), "healthy"),
        ((True, False), "degraded"),
        ((False, False), "unhealthy"),
        ((), "unhealthy"),
    ],
)
def test_the_whole_follows_from_the_venues(healthy: tuple[bool, ...], status: str) -> None:
    platform = Platform()
    sources = {}
    for number, one in enumerate(healthy):
        sources[f"v{number}"] = source = FakeSource(f"v{number}")
        source.healthy = one
    view = measure(msgspec.structs.replace(platform.deps, sources=sources))
    assert view.status == status
    assert tuple(view.exchanges.values()) == healthy
    assert view.simulated is bool(healthy)


def test_a_reader_that_is_behind_degrades_the_bus() -> None:
    platform = Platform()
    platform.bus.subscribe("sleeper", [TopicFilter(Trade)], 10)
    assert measure(platform.deps).components["bus"].status == "healthy"
    for number in range(20):
        platform.bus.publish(fake.make_trade(number))
    bus = measure(platform.deps).components["bus"]
    assert bus.status == "degraded"
    assert "sleeper" in bus.detail
    assert "10 dropped" in bus.detail


def test_storage_says_whether_it_can_write() -> None:
    deps = Platform().deps
    assert "storage" not in measure(deps).components
    written = {StoredTable.TRADES: TableHealth(written=5, waiting=2)}
    works = WriterHealth(
        tables=written, forgotten=0, packed=0, failing_since_ms=None, last_error=""
    )
    fails = msgspec.structs.replace(works, failing_since_ms=0, last_error="/secret/place is full")
    found = [
        measure(msgspec.structs.replace(deps, storage_health=lambda one=one: one))
        for one in (works, fails)
    ]
    assert [view.components["storage"].status for view in found] == ["healthy", "unhealthy"]
    assert "5 rows written, 2 waiting" in found[0].components["storage"].detail
    assert "since 1970-01-01" in found[1].components["storage"].detail
    assert "secret" not in found[1].components["storage"].detail


def test_tapes_say_what_they_lost() -> None:
    deps = Platform().deps
    assert not [name for name in measure(deps).components if name.startswith("tape")]
    stats = RecorderStats(written=5, dropped=0, waiting=2, problem="")
    tapes = {
        "records": stats,
        "raw.okx": msgspec.structs.replace(stats, dropped=3),
        "raw.bybit": msgspec.structs.replace(stats, problem="secret: no space"),
    }
    found = measure(msgspec.structs.replace(deps, tapes=lambda: tapes)).components
    assert [found[f"tape.{name}"].status for name in tapes] == ["healthy", "degraded", "unhealthy"]
    assert found["tape.raw.okx"].detail == "5 written, 2 waiting, 3 dropped"
    assert "secret" not in found["tape.raw.bybit"].detail


def test_history_says_how_far_it_is_and_what_it_waits_for() -> None:
    deps = Platform().deps
    assert "history" not in measure(deps).components
    whole = BackfillProgress(exchange="okx", parts_total=4, parts_done=4, rows_stored=70)
    away = BackfillProgress(exchange="bybit", parts_total=9, parts_done=2, problem="no answer")
    found = [
        measure(msgspec.structs.replace(deps, history_progress=lambda told=told: told))
        for told in ([whole], [whole, away])
    ]
    assert [view.components["history"].status for view in found] == ["healthy", "degraded"]
    assert "okx 4/4 parts; 70 rows" in found[0].components["history"].detail
    assert "waits for bybit; " in found[1].components["history"].detail
    assert "bybit 2/9 parts" in found[1].components["history"].detail


def test_forecasts_say_which_hours_are_missing_for_good() -> None:
    deps = Platform().deps
    assert "forecasts" not in measure(deps).components
    well = ForecastHealth(
        symbols=("BTCUSDT", "ETHUSDT"),
        next_issue_ms=7_200_000,
        last_issued_ms=3_600_000,
        stored=12,
        missed=0,
        failed=0,
        problem="",
    )
    told = [
        well,
        msgspec.structs.replace(well, missed=2),
        msgspec.structs.replace(well, failed=1, problem="/secret/place is full"),
        msgspec.structs.replace(well, symbols=(), last_issued_ms=None, stored=0),
    ]
    found = [
        measure(msgspec.structs.replace(deps, forecasts=lambda one=one: one)).components[
            "forecasts"
        ]
        for one in told
    ]
    assert [one.status for one in found] == ["healthy", "degraded", "degraded", "healthy"]
    assert found[1].detail == (
        "12 stored, 2 hours missed, 0 failed, of BTCUSDT, ETHUSDT; last of 1970-01-01T01:00:00.000Z"
    )
    assert "secret" not in found[2].detail
    assert found[3].detail == "0 stored, 0 hours missed, 0 failed, of no symbol"


def test_an_external_service_that_fails_is_degraded_and_the_whole_is_not() -> None:
    deps = Platform().deps
    assert "external_liquidations" not in measure(deps).components
    works = ExternalHealth(
        calls=3,
        failures=0,
        refused=0,
        answers_kept=3,
        rows_kept=70,
        failing_since_ms=None,
        problem="",
    )
    fails = msgspec.structs.replace(works, failures=1, failing_since_ms=0, problem="no reply")
    found = [
        measure(msgspec.structs.replace(deps, external_health=lambda told=told: told))
        for told in (works, fails)
    ]
    parts = [view.components["external_liquidations"] for view in found]
    assert [part.status for part in parts] == ["healthy", "degraded"]
    assert [view.status for view in found] == ["healthy", "healthy"]
    assert parts[0].detail.startswith("3 questions, 0 failed, 0 refused, 3 answers with 70 rows")
    assert parts[1].detail.startswith("fails since 1970-01-01T00:00:00")
    assert ": no reply; 3 questions, 1 failed" in parts[1].detail


async def test_routes_of_health(platform: Platform) -> None:
    assert b'"status":"healthy"' in (await platform.get("/health")).body
    assert (await platform.get("/health/ready")).status == 200
    platform.source.healthy = False
    reply = await platform.get("/health")
    assert reply.status == 200
    assert b'"binance":false' in reply.body
    assert b"silent for 60 s" in reply.body
    not_ready = await platform.get("/health/ready")
    assert not_ready.status == 503
    assert not_ready.headers["retry-after"]
    assert (await platform.get("/health/live")).status == 200


def test_wallets_that_cannot_be_read_are_degraded_and_nobody_learns_which() -> None:
    deps = Platform().deps
    assert "wallets" not in measure(deps).components
    well = WalletsHealth(
        wallets=3, known=3, failing=0, readings=9, failures=0, dropped=0, positions=7, problem=""
    )
    ill = msgspec.structs.replace(well, known=2, failing=1, failures=4, dropped=1, problem="away")
    found = [
        measure(msgspec.structs.replace(deps, wallets=lambda one=one: one)).components["wallets"]
        for one in (well, ill)
    ]
    assert [one.status for one in found] == ["healthy", "degraded"]
    assert found[0].detail == (
        "3 of 3 wallets known, 7 positions, 9 readings, 0 failed, 0 dropped as too old"
    )
    assert found[1].detail.startswith("1 cannot be read: away; 2 of 3 wallets known")
