"""What `/metrics` shows is true and bounded."""

import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.api import fake_source as fake
from tests.api.served import Platform

from headwater.api.app import create_app
from headwater.api.metrics import BUCKETS_S, RequestMeter
from headwater.api.settings import ApiSettings
from headwater.api.streams import STREAMS
from headwater.core.errors import VenueTimeout
from headwater.services.backfill import BackfillProgress

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


async def scrape(platform: Platform) -> Samples:
    reply = await platform.get("/metrics")
    assert reply.status == 200
    assert reply.headers["content-type"].startswith("text/plain")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(reply.body.decode())
        for sample in family.samples
    }


def labels(**named: str) -> frozenset[tuple[str, str]]:
    return frozenset(named.items())


async def test_requests_are_counted_by_route_template(platform: Platform) -> None:
    for target in ("/binance/oi/BTC", "/binance/oi/BTC", "/binance/oi/ETH", "/binance/oi/NOPE"):
        await platform.get(target)
    for number in range(30):
        await platform.get(f"/strange/{number}")
    await platform.request("PROPFIND", "/health")
    samples = await scrape(platform)
    count = "headwater_http_requests_total"
    route = "/{exchange}/oi/{symbol}"
    assert samples[count, labels(method="GET", route=route, status="200")] == 3
    assert samples[count, labels(method="GET", route=route, status="404")] == 1
    assert samples[count, labels(method="GET", route="unmatched", status="404")] == 30
    assert samples[count, labels(method="other", route="/health", status="405")] == 1
    assert samples["headwater_http_request_seconds_count", labels(route=route)] == 4
    assert samples["headwater_cache_requests_total", labels(outcome="hit")] == 1


async def test_failing_venues_and_our_own_failures_are_counted(platform: Platform) -> None:
    platform.source.error = VenueTimeout("binance", "nothing")
    await platform.get("/binance/oi/BTC")
    platform.source.error = None
    await platform.get("/binance/oi/BTC")
    samples = await scrape(platform)
    asked = labels(exchange="binance", call="open_interest")
    assert samples["headwater_exchange_call_seconds_count", asked] == 2
    failed = labels(exchange="binance", call="open_interest", error="VenueTimeout")
    assert samples["headwater_exchange_call_failures_total", failed] == 1
    route = labels(route="/{exchange}/oi/{symbol}")
    assert samples["headwater_http_errors_total", route] == 1


async def test_feeds_bus_and_streams_are_shown(platform: Platform) -> None:
    key = platform.publisher.open(STREAMS["trades"], "binance", "BTCUSDT", None)
    platform.bus.publish(fake.make_trade())
    platform.hub.topic(key, STREAMS["trades"].policy).dropped = 7
    samples = await scrape(platform)
    venue = labels(exchange="binance")
    assert samples["headwater_exchange_healthy", venue] == 1
    assert samples["headwater_feed_reconnects_total", venue] == 2
    assert samples["headwater_feed_open_gaps", venue] == 0
    assert samples["headwater_exchange_clock_offset_seconds", venue] == -0.003
    assert samples["headwater_exchange_used_weight", labels(exchange="binance", pool="ip")] == 17
    stream = labels(exchange="binance", channel="trades", symbol="BTCUSDT", interval="")
    assert samples["headwater_feed_age_seconds", stream] == 0.25
    assert samples["headwater_exchange_delay_seconds", venue] == pytest.approx(0.002)
    assert samples["headwater_bus_published_total", labels()] == 1
    assert samples["headwater_bus_dropped_total", labels(reader="streams")] == 0
    assert samples["headwater_websocket_clients", labels()] == 0
    assert samples["headwater_stream_dropped_total", labels(topic=key)] == 7


async def test_a_token_may_be_demanded() -> None:
    async with Platform(ApiSettings(metrics_token="s3cret")).served() as platform:
        for given in ({}, {"authorization": "Bearer wrong"}, {"authorization": "Bearer é"}):
            reply = await platform.get("/metrics", given)
            assert reply.status == 401
            assert reply.headers["www-authenticate"] == "Bearer"
        reply = await platform.get("/metrics", {"authorization": "Bearer s3cret"})
        assert reply.status == 200


def test_buckets_are_cumulative() -> None:
    meter = RequestMeter()
    for seconds in (0.0, BUCKETS_S[0], BUCKETS_S[1], 99.0):
        meter.observe("GET", "/", 200, seconds)
    family = next(f for f in meter.collect() if f.name == "headwater_http_request_seconds")
    found = {s.labels.get("le"): s.value for s in family.samples if s.name.endswith("_bucket")}
    assert found[str(BUCKETS_S[0])] == 2
    assert found[str(BUCKETS_S[1])] == 3
    assert found["+Inf"] == 4


async def test_back_fill_is_measured_where_there_is_one() -> None:
    made = Platform()
    told = BackfillProgress(
        exchange="okx", parts_total=9, parts_done=4, rows_stored=70, passes=2, waits=3
    )
    made.deps = msgspec.structs.replace(made.deps, history_progress=lambda: [told])
    made.app = create_app(made.deps)
    async with made.served() as platform:
        samples = await scrape(platform)
    assert samples["headwater_backfill_rows_total", labels(exchange="okx")] == 70
    assert samples["headwater_backfill_passes_total", labels(exchange="okx")] == 2
    assert samples["headwater_backfill_waits_total", labels(exchange="okx")] == 3
    assert samples["headwater_backfill_parts_left", labels(exchange="okx")] == 5


async def test_lists_of_symbols_are_measured() -> None:
    async with Platform(lists_symbols=True).served() as platform:
        await platform.symbols.listed("binance")
        venue = labels(exchange="binance")
        samples = await scrape(platform)
        assert samples["headwater_symbols_loads_total", venue] == 1
        assert samples["headwater_symbols_listed", venue] == 3
        assert samples["headwater_symbols_stale", venue] == 0
        platform.source.error = VenueTimeout("binance", "too slow")
        await platform.request("POST", "/api/v1/refresh-symbols")
        samples = await scrape(platform)
        assert samples["headwater_symbols_failures_total", venue] == 1
        assert samples["headwater_symbols_stale", venue] == 1
