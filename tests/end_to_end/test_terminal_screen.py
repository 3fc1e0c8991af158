"""What a screen is given over simulated exchanges: symbols, charts, liquidations, health, errors.

The running platform over the simulated venues' sockets, in virtual time. What the order book, the
tape and the liquidations have of their own is in the tests beside this one.
"""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any, Final

import aiohttp
import pytest
from tests.api.terminal.viewing import Message, viewing
from tests.end_to_end.test_terminal_liquidations import (
    CHAIN,
    LIVE_WITHIN_S,
    THROTTLED,
    WHOLE,
    Scene,
    happened,
    in_virtual_time,
    told,
)

from headwater.core.formatting import read_formatted

SPELLINGS: Final = ("BTCUSDT", "btc-usdt", "BTC/USDT:USDT", "BTC-USDT-SWAP", "BTC")
UNSHOWN: Final = {"timestamp", "time", "count", "revision"}
PERIODS: Final = 50
"""Buckets in the moving average (O-S16)."""


async def ask(scene: Scene, path: str, **headers: str) -> tuple[int, Any, aiohttp.ClientResponse]:
    """Status, body and all of one answer; redirects are not followed."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(
            scene.platform.base_url + path, headers=headers, allow_redirects=False
        ) as reply,
    ):
        return reply.status, await reply.json(content_type=None), reply


def rows_of(message: Message) -> Iterator[Message]:
    """Every row of a message, and the message itself."""
    yield message
    for value in message.values():
        for row in value if isinstance(value, list) else [value]:
            if isinstance(row, dict):
                yield from rows_of(row)


def assert_readable(message: Message) -> int:
    """Each number of a row has its text, which says the number to its last place.

    Returns:
        How many there were.
    """
    seen = 0
    for row in rows_of(message):
        for name, value in row.items():
            assert "_" not in name, name
            if isinstance(value, float) and name not in {*UNSHOWN, "minMove"}:
                text = row[f"{name}Formatted"].removeprefix("≥")
                digits = text.rstrip("KMBT")
                places = len(digits.partition(".")[2])
                half = read_formatted(f"0.{'0' * places}5{text[len(digits) :]}")
                assert abs(read_formatted(text) - Decimal(repr(value))) <= half, (name, value, text)
                seen += 1
        if "time" in row:
            assert row["time"] == row["timestamp"] // 1_000
    return seen


@pytest.mark.timeout(240)
def test_o_r3_o_r9_o_r10_o_s19_the_platform_says_how_it_is_and_what_is_wrong() -> None:
    """Health is measured: a venue that goes away is told, and the platform is degraded by it."""

    async def main(scene: Scene) -> None:
        status, root, _ = await ask(scene, "/")
        assert (status, root["status"], root["simulated"]) == (200, "operational", True)
        assert root["exchanges"] == sorted((THROTTLED, WHOLE))
        status, _, reply = await ask(scene, "/", Accept="text/html")
        assert (status, reply.headers["Location"]) == (307, "dashboard/")

        status, health, _ = await ask(scene, "/health")
        assert (status, health["status"], health["service"]) == (200, "healthy", "headwater")
        assert health["version"] == root["version"]
        assert health["exchanges"] == {THROTTLED: True, WHOLE: True}
        told_at = datetime.fromisoformat(health["timestamp"])
        assert abs(told_at.timestamp() * 1_000 - scene.clock.now_ms()) < 1_000
        await scene.simulator.venues[WHOLE].stop()
        end = scene.clock.monotonic() + 2 * LIVE_WITHIN_S
        while (await ask(scene, "/health"))[1]["exchanges"][WHOLE]:
            assert scene.clock.monotonic() < end, "nobody noticed"
            await asyncio.sleep(1.0)
        _, health, _ = await ask(scene, "/health")
        assert health["status"] == "degraded"
        assert health["exchanges"][THROTTLED] is True

        for path, wanted, field in (
            ("orderbook/NOPE", 404, "symbol"),
            ("orderbook/BTCUSDT?exchange=nope", 404, "exchange"),
            ("candles/BTCUSDT?timeframe=7m", 422, "timeframe"),
            ("liquidation-volume/BTCUSDT/1m?start_time=5&end_time=1", 422, "start_time"),
        ):
            status, problem, reply = await ask(scene, f"/api/v1/{path}", **{"X-Request-ID": "me-1"})
            assert (status, problem["status"], problem["errors"][0]["field"]) == (
                wanted,
                wanted,
                field,
            )
            assert problem["detail"]
            assert reply.headers["Content-Type"] == "application/problem+json"
            assert reply.headers["X-Request-ID"] == problem["instance"] == "me-1"
            assert 0 <= float(reply.headers["X-Process-Time"]) < 10

    in_virtual_time(main, THROTTLED, WHOLE)


@pytest.mark.timeout(240)
def test_o_s1_o_s3_o_s4_o_s6_o_w5_one_authority_for_symbols_and_all_is_readable() -> None:
    """What the list names opens every socket by any spelling; what it does not name opens none."""

    async def main(scene: Scene) -> None:
        async with viewing(scene.port, "test") as echo:
            await echo.socket.send_str("any words")
            assert await echo.socket.receive_str() == "any words"
        for venue in (THROTTLED, WHOLE):
            _, (row,), _ = await ask(scene, f"/api/v1/symbols?exchange={venue}")
            assert assert_readable(
                {key: one for key, one in row.items() if "ounding" not in key}
            ) == (row["volume24h"] is not None)
            assert (row["id"], row["baseAsset"], row["quoteAsset"]) == ("BTCUSDT", "BTC", "USDT")
            precision = row["pricePrecision"]
            assert row["priceFormat"] == {
                "type": "price",
                "precision": precision,
                "minMove": float(Decimal(1).scaleb(-precision)),
            }
            options = row["roundingOptions"]
            assert options[0] == float(Decimal(1).scaleb(-precision))
            assert [after / before for before, after in pairwise(options)] == pytest.approx(
                [10] * (len(options) - 1)
            )
            assert len(options) <= 7
            assert row["defaultRounding"] == options[2]
            assert [float(read_formatted(one)) for one in row["roundingOptionsFormatted"]] == (
                options
            )
            for number, kind in enumerate(("orderbook", "trades", "candles", "liquidations")):
                spelling = SPELLINGS[number + (venue == WHOLE)]
                async with viewing(scene.port, f"{kind}/{spelling}?exchange={venue}") as client:
                    first = await client.hear()
                assert (first["symbol"], first["exchange"]) == ("BTCUSDT", venue)
                if kind == "orderbook":
                    assert first["roundingOptions"] == options
                    assert first["roundingOptionsFormatted"] == row["roundingOptionsFormatted"]
                    del first["roundingOptions"]
                    prices = [one["price"] for one in first["bids"]]
                    assert prices == sorted(prices, reverse=True)
                    assert options[0] < first["asks"][0]["price"] - prices[0] + 2 * options[2]
                assert assert_readable(first) or kind == "liquidations", kind
                path = f"{kind}?symbol=NOPE&exchange={venue}"
                async with viewing(scene.port, path) as stranger:
                    (error,), code, _ = await stranger.closing()
                assert (error["code"], code) == ("UNKNOWN_SYMBOL", 4000)

    in_virtual_time(main, THROTTLED, WHOLE)


@pytest.mark.timeout(240)
def test_o_m1_o_s9_o_s10_o_s11_each_liquidation_as_it_was_and_the_newest_for_who_comes_late() -> (
    None
):
    """Items equal the truth, each once; a late client begins with the same ones, newest first."""

    async def main(scene: Scene) -> None:
        first = await scene.listener(f"{CHAIN}?exchange={WHOLE}")
        since_ms = scene.clock.now_ms()
        await scene.until(lambda: len(first.of("liquidation")) > 5, 120.0)
        await scene.rest()
        truth = scene.truth(WHOLE, since_ms)
        assert told(first.closes, WHOLE, since_ms) == happened(truth)
        assert len({one["id"] for one in first.closes}) == len(first.closes), "each once"
        for item in first.closes:
            assert assert_readable(item) == 3
            assert item["priceUsdt"] == pytest.approx(item["quantity"] * item["avgPrice"])
            assert item["priceUsdtFormatted"] == f"{Decimal(repr(item['priceUsdt'])):,.0f}"
            assert len(item["quantityFormatted"].partition(".")[2]) == 3, "the step is 0.001"
            assert (item["baseAsset"], item["symbol"]) == ("BTC", "BTCUSDT")
            assert item["positionSide"] == {"sell": "long", "buy": "short"}[item["side"]]
            moment = datetime.fromtimestamp(item["time"], UTC)
            assert item["displayTime"] == f"{moment:%H:%M:%S}"
        late = await scene.listener(f"{CHAIN}?exchange={WHOLE}")
        await scene.until(lambda: bool(late.heard))
        (begun,) = late.of("liquidations")
        assert begun["initial"] is True
        assert begun["missing"] is None
        newest = sorted(first.closes, key=lambda one: -one["timestamp"])[:50]
        times = [one["timestamp"] for one in begun["data"]]
        assert times == [one["timestamp"] for one in newest]
        assert {one["id"] for one in begun["data"]} == {one["id"] for one in newest}

    in_virtual_time(main, WHOLE)


@pytest.mark.timeout(300)
def test_o_r2_o_m2_o_m3_o_s12_o_s13_o_s15_o_s16_the_chart_of_the_route_is_the_sockets() -> None:
    """Zeros between, times both ways, the average worked out anew; as many as the chart is wide."""

    async def main(scene: Scene) -> None:
        chart = await scene.listener(f"{CHAIN}/1m?exchange={WHOLE}&container_width=300")
        await scene.until(lambda: sum(map(_is_busy, chart.buckets.values())) > 3, 600.0)
        await scene.rest()
        assert all(one["timeframe"] == "1m" for one in chart.of("liquidation_volume"))
        path = f"/api/v1/liquidation-volume/BTCUSDT/1m?exchange={WHOLE}"
        _, found, _ = await ask(scene, path)
        assert (found["symbol"], found["timeframe"], found["exchanges"]) == (
            "BTCUSDT",
            "1m",
            [WHOLE],
        )
        assert found["endTime"] - found["startTime"] == 86_400_000
        rows = found["data"]
        # The route's sums are the database's: their last digit may be another one.
        assert list(map(_near, rows)) == [_near(chart.buckets[at]) for at in sorted(chart.buckets)]
        times = [row["timestamp"] for row in rows]
        assert times == list(range(times[0], times[-1] + 1, 60_000)), "zeros between"
        sizes: list[float] = []
        for row in rows:
            assert assert_readable(row) == 4 + (row["maValue"] is not None)
            assert row["totalVolume"] == pytest.approx(row["buyVolume"] + row["sellVolume"])
            assert row["deltaVolume"] == pytest.approx(row["buyVolume"] - row["sellVolume"])
            assert (row["count"] == 0) is (row["totalVolume"] == 0)
            if row["deltaVolume"] and row["timestamp"] + 60_000 <= scene.clock.now_ms():
                sizes.append(abs(row["deltaVolume"]))
            window = sizes[-PERIODS:]
            average = sum(window) / len(window) if window else None
            assert row["maValue"] == (average if average is None else pytest.approx(average))
        for width, count in ((300, 200), (800, 400), (3_000, 1_000)):
            tail = f"1m?container_width={width}&exchange={WHOLE}"
            async with viewing(scene.port, f"candles/BTCUSDT/{tail}") as client:
                first = await client.hear()
            assert first["count"] == len(first["data"]) == count, width
            assert assert_readable(first) == 5 * count
            opened = [one["timestamp"] for one in first["data"]]
            assert opened == list(range(opened[0], opened[-1] + 1, 60_000))
            async with viewing(scene.port, f"{CHAIN}/{tail}") as client:
                volume = await client.hear_next("liquidation_volume")
            assert len(volume["data"]) <= count
            assert volume["data"][-1]["timestamp"] <= opened[-1]

    in_virtual_time(main, WHOLE)


def _near(row: Message) -> Message:
    """A row, its numbers to the millionth part of a dollar."""
    return {key: round(one, 6) if isinstance(one, float) else one for key, one in row.items()}


def _is_busy(row: Message) -> bool:
    return bool(row["deltaVolume"])
