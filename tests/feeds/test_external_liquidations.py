"""The asker of the external service, against a small one on loopback."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

import pytest
from tests.feeds.external_service import ExternalService, client, http_reply, order_row

from headwater.core.clock import ManualClock
from headwater.core.external_liquidations import ExternalVolume
from headwater.core.intervals import Interval
from headwater.feeds import external_liquidations as subject
from headwater.feeds.external_liquidations import (
    CALLS_MAX,
    FAILURE_KEPT_S,
    KEPT_MAX,
    SUCCESS_KEPT_S,
    ExternalLiquidations,
)

HOUR_MS = 3_600_000
T0 = 480_000 * HOUR_MS
REPLY_BYTES = 100_000
Asker = tuple[ExternalService, ExternalLiquidations, ManualClock]


@asynccontextmanager
async def asking(timeout_s: float = 10.0) -> AsyncIterator[Asker]:
    clock = ManualClock((T0 + 10 * HOUR_MS) * 1_000_000)
    rows = [
        order_row(T0 + 1_000, 60_000.0),
        order_row(T0 + 2_000, 50_000.0, "BUY", 0.5),
        order_row(T0 + 3_000, 9.0, symbol="ETHUSDT"),
    ]
    async with (
        asyncio.timeout(20),
        ExternalService(rows).served() as service,
        client(clock, max_reply_bytes=REPLY_BYTES) as http,
    ):
        external = ExternalLiquidations(service.base_url, http, clock, timeout_s=timeout_s)
        yield service, external, clock


async def test_o_s20_both_questions() -> None:
    async with asking() as (service, external, _):
        orders = await external.orders("BTCUSDT")
        assert [(one.price, one.value, one.side) for one in orders.rows] == [
            (50_000.0, 25_000.0, "buy"),
            (60_000.0, 60_000.0, "sell"),
        ]
        sums = await external.volumes("BTCUSDT", Interval.H1, T0, T0 + 2 * HOUR_MS)
        assert sums.rows == (ExternalVolume(opened_at_ms=T0, buy_usd=25_000.0, sell_usd=60_000.0),)
        assert (await external.orders("XRPUSDT")).rows == ()
        assert orders.problem + sums.problem == ""
        assert [path for path, _ in service.asked] == [
            "/api/liquidation-orders",
            "/api/liquidations",
            "/api/liquidation-orders",
        ]
        health = external.health
        assert (health.calls, health.failures, health.rows_kept) == (3, 0, 3)
        assert health.failing_since_ms is None


async def test_o_s9_a_symbol_is_asked_once_by_however_many() -> None:
    async with asking() as (service, external, clock):
        together = await asyncio.gather(*(external.orders("BTCUSDT") for _ in range(50)))
        assert {len(one.rows) for one in together} == {2}
        clock.advance(SUCCESS_KEPT_S - 0.001)
        await external.orders("BTCUSDT")
        assert len(service.asked) == 1
        clock.advance(0.001)
        await external.orders("BTCUSDT")
        assert len(service.asked) == 2


REDIRECT = http_reply(b"", HTTPStatus.FOUND, headers=b"Location: file:///etc/passwd\r\n")


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (http_reply(b"boom secret", HTTPStatus.INTERNAL_SERVER_ERROR), "HTTP status 500"),
        (REDIRECT, "HTTP status 302: redirects are not followed"),
        (http_reply(b"<html>secret</html>"), "GET /liquidation-orders: the reply means nothing"),
        (http_reply(b'[{"side":"secret"}]'), "GET /liquidation-orders: the reply means nothing"),
        (http_reply(b" " * (REPLY_BYTES + 1)), "GET /liquidation-orders: reply longer than"),
        (b"secret\r\n\r\n", "GET /liquidation-orders: the reply is not HTTP"),
    ],
)
async def test_a_failure_is_words_and_is_remembered_for_a_while(reply: bytes, words: str) -> None:
    async with asking() as (service, external, clock):
        service.reply = reply
        failed = await external.orders("BTCUSDT")
        assert failed.rows == ()
        assert failed.problem.startswith(words)
        assert "secret" not in failed.problem, "nothing of the reply is passed on"
        assert external.health.failing_since_ms == clock.now_ms()
        assert (await external.orders("BTCUSDT")).problem == failed.problem
        clock.advance(FAILURE_KEPT_S - 0.001)
        assert (await external.orders("BTCUSDT")).problem == failed.problem
        assert len(service.asked) == 1
        service.reply = None
        clock.advance(0.001)
        assert len((await external.orders("BTCUSDT")).rows) == 2
        health = external.health
        assert (health.failures, health.failing_since_ms, health.problem) == (1, None, "")


async def test_a_service_that_is_down_keeps_nobody_else_waiting() -> None:
    async with asking(timeout_s=0.05) as (service, external, clock):
        service.is_silent = True
        failed = await external.orders("BTCUSDT")
        assert failed.problem == "GET /liquidation-orders: no reply in 0.05 s"
        for symbol in ("ETHUSDT", "SOLUSDT"):
            assert (await external.orders(symbol)).problem == failed.problem
        assert len(service.asked) == 1
        service.is_silent = False
        clock.advance(FAILURE_KEPT_S)
        assert len((await external.orders("ETHUSDT")).rows) == 1


async def test_a_service_that_is_not_there() -> None:
    clock = ManualClock()
    async with asyncio.timeout(20), client(clock) as http:
        gone = ExternalLiquidations("http://127.0.0.1:1", http, clock)
        assert "no connection" in (await gone.orders("BTCUSDT")).problem


async def test_a_refusal_of_one_symbol_is_not_one_of_all() -> None:
    async with asking() as (service, external, _):
        service.reply = http_reply(b"{}", HTTPStatus.BAD_REQUEST)
        assert (await external.orders("NOPEUSDT")).problem == "HTTP status 400"
        service.reply = None
        assert len((await external.orders("BTCUSDT")).rows) == 2


async def test_who_goes_away_does_not_take_the_answer_along() -> None:
    async with asking() as (service, external, _):
        service.go_on.clear()
        first = asyncio.create_task(external.orders("BTCUSDT"))
        await service.heard.wait()
        second = asyncio.create_task(external.orders("BTCUSDT"))
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        service.go_on.set()
        assert len((await second).rows) == 2
        assert first.cancelled()
        assert external.health.calls == 2


async def test_questions_under_way_are_bounded_and_refused_ones_forgotten() -> None:
    async with asking() as (service, external, _):
        service.go_on.clear()
        waiting = [
            asyncio.create_task(external.orders(f"S{number}USDT")) for number in range(CALLS_MAX)
        ]
        await service.heard.wait()
        refused = await external.orders("BTCUSDT")
        assert refused.problem == f"{CALLS_MAX} questions are under way"
        assert external.health.refused == 1
        service.go_on.set()
        await asyncio.gather(*waiting)
        assert len((await external.orders("BTCUSDT")).rows) == 2


@pytest.mark.parametrize("bound", ["answers", "rows"])
async def test_memory_is_bounded(bound: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest answer goes: of three single-row answers in room for two, the first."""
    monkeypatch.setattr(subject, "KEPT_MAX" if bound == "answers" else "ROWS_KEPT_MAX", 2)
    async with asking() as (service, external, _):
        for hours in (1, 2, 3):
            span = (T0, T0 + hours * HOUR_MS)
            assert len((await external.volumes("BTCUSDT", Interval.H1, *span)).rows) == 1
        assert (external.health.answers_kept, external.health.rows_kept) == (2, 2)
        await external.volumes("BTCUSDT", Interval.H1, T0, T0 + 3 * HOUR_MS)
        assert len(service.asked) == 3, "the newest is remembered"
        await external.volumes("BTCUSDT", Interval.H1, T0, T0 + HOUR_MS)
        assert len(service.asked) == 4, "the oldest is not"
        assert KEPT_MAX > 2
