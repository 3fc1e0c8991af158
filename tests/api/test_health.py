"""Health is what the parts say of themselves."""

import msgspec
import pytest
from tests.api import fake_source as fake
from tests.api.fake_source import FakeSource
from tests.api.served import Platform

from headwater.api.health import measure
from headwater.bus.topics import TopicFilter
from headwater.core.records import Trade


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
