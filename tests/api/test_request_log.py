"""Ids, times, log lines."""

import logging
import random
import re

import pytest
from structlog.testing import capture_logs
from tests.api.served import Platform

from headwater.api.request_log import SLOW_S, hex_ids, request_id_of


@pytest.mark.parametrize("given", ["a", "Req-1.2_3~4", "x" * 64])
async def test_a_sane_request_id_is_kept(platform: Platform, given: str) -> None:
    reply = await platform.get("/health/live", {"x-request-id": given})
    assert reply.headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "x" * 65, "a b", 'a"b', "a\tb", "é", "<script>", "a,b"])
async def test_a_strange_request_id_is_replaced(platform: Platform, given: str) -> None:
    reply = await platform.get("/health/live", {"x-request-id": given})
    assert re.fullmatch(r"made-\d+", reply.headers["x-request-id"])


async def test_every_answer_has_id_time_and_no_sniffing(platform: Platform) -> None:
    for target in ("/", "/nope", "/binance/oi/BTC", "/binance/oi/XYZ", "/docs", "/metrics"):
        reply = await platform.get(target)
        assert reply.headers["x-request-id"].startswith("made-"), target
        assert float(reply.headers["x-process-time"]) >= 0
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert "server" not in reply.headers


async def test_one_line_per_request_quiet_for_probes_and_the_cache(
    platform: Platform, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "headwater.api")
    with capture_logs() as lines:
        await platform.get("/binance/oi/BTC?x=1")
        await platform.get("/binance/oi/BTC")
        await platform.get("/binance/oi/BTC")
        await platform.get("/health/live")
    assert [line["log_level"] for line in lines] == ["info", "info", "debug", "debug"]
    assert [line["status"] for line in lines] == [422, 200, 200, 200]
    assert {line["route"] for line in lines[:3]} == {"/{exchange}/oi/{symbol}"}
    assert set(lines[0]) >= {"request_id", "method", "path", "seconds", "event"}


async def test_o_r10_every_answer_of_the_terminal_api_tells_its_time(platform: Platform) -> None:
    for target in (
        "/api/v1/liquidation-volume/BTCUSDT/1h",
        "/api/v1/liquidation-volume/NOSUCH/1h",
        "/api/v1/liquidation-volume/BTCUSDT/7m",
        "/api/v1/nothing",
    ):
        reply = await platform.get(target)
        assert re.fullmatch(r"\d+\.\d{6}", reply.headers["x-process-time"]), target
        assert reply.headers["x-request-id"].startswith("made-")


async def test_o_r10_a_request_slower_than_a_second_is_a_warning(platform: Platform) -> None:
    """In every environment, not in development alone; one of just a second is none."""
    taken_s = [SLOW_S + 0.001, SLOW_S]

    def pass_time() -> None:
        platform.advance(taken_s.pop(0))

    platform.source.before_answer = pass_time
    with capture_logs() as lines:
        for symbol in ("BTC", "ETH"):
            reply = await platform.get(f"/binance/oi/{symbol}", {"x-request-id": symbol})
            assert reply.status == 200
    found = [(line["event"], line["log_level"], line["request_id"]) for line in lines]
    assert found == [("slow request", "warning", "BTC"), ("request", "info", "ETH")]
    assert lines[0]["seconds"] == pytest.approx(1.001)
    assert lines[0]["path"] == "/binance/oi/BTC"


def test_an_id_is_the_first_sane_one_or_a_new_one() -> None:
    made = hex_ids(random.Random(1))
    assert request_id_of([(b"x-request-id", b"a b"), (b"x-request-id", b"c")], made) == "c"
    ids = {request_id_of([(b"host", b"x")], made) for _ in range(100)}
    assert len(ids) == 100
    assert all(re.fullmatch("[0-9a-f]{16}", one) for one in ids)


async def test_quiet_requests_are_not_even_formatted_without_debug(platform: Platform) -> None:
    with capture_logs() as lines:
        await platform.get("/health/live")
    assert lines == []


async def test_a_bug_is_logged_once_with_its_trace(platform: Platform) -> None:
    platform.source.error = RuntimeError("a bug")
    with capture_logs() as lines:
        reply = await platform.get("/binance/oi/BTC")
    assert reply.status == 500
    failed = [line for line in lines if line["log_level"] == "error"]
    assert len(failed) == 1
    assert failed[0]["exc_info"]
    assert failed[0]["request_id"] == reply.headers["x-request-id"]


async def test_a_long_path_is_cut_in_the_log(platform: Platform) -> None:
    with capture_logs() as lines:
        await platform.get("/" + "%0A" * 2000)
    assert len(lines[0]["path"]) == 200
    assert lines[0]["route"] == "unmatched"
