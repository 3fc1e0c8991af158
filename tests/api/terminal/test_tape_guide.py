"""The guide's sections on trades and candles: addresses connect, samples are what is sent."""

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.api.served import Platform
from tests.api.terminal.charted import chart_at, minute
from tests.api.terminal.viewing import Message, viewing

GUIDE = Path(__file__).parents[3] / "docs/guides/terminal.md"
ADDRESS = re.compile(r"ws://127\.0\.0\.1:8000/api/v1/ws/((?:trades|candles)\S+)")


def section(title: str) -> str:
    """The text under a heading."""
    return GUIDE.read_text().split(f"\n## {title}\n")[1].split("\n## ")[0]


def samples(title: str) -> dict[str, Message]:
    """The messages that a section shows, by their type."""
    found = map(json.loads, re.findall(r"```json\n(.*?)\n```", section(title), re.DOTALL))
    return {one["type"]: one for one in found}


def shape(value: Any) -> Any:
    """Names in their order and kinds, without the values."""
    if isinstance(value, dict):
        return [(key, shape(one)) for key, one in value.items()]
    return [shape(value[0])] if isinstance(value, list) else type(value)


@pytest.fixture
def everywhere(platform: Platform) -> Platform:
    """Every venue of the guide is there."""
    for name in ("okx", "bybit"):
        platform.sources[name] = chart_at(platform)
    return platform


@pytest.mark.parametrize("path", ADDRESS.findall(section("Trades") + section("Candles")))
async def test_o_d1_the_addresses_of_the_guide_connect(everywhere: Platform, path: str) -> None:
    async with viewing(everywhere.port, path) as client:
        assert (await client.hear())["type"] in ("trades_update", "historical_candles")


async def test_the_samples_are_what_is_sent(platform: Platform) -> None:
    chart_at(platform)
    shown = samples("Trades") | samples("Candles")
    assert set(shown) == {"trades_update", "historical_candles", "candle_update"}
    sent = []
    async with viewing(platform.port, "trades/BTCUSDT") as client:
        sent.append(await client.hear())
    async with viewing(platform.port, "candles/BTCUSDT") as client:
        sent.append(await client.hear())
        platform.bus.publish(minute(0, closed=False, close=106.0, later=1))
        sent.append(await client.hear())
    for one in sent:
        assert shape(one) == shape(shown[one["type"]]), one["type"]
    assert sent[2] == shown["candle_update"]
    assert sent[1]["data"][-1] == shown["historical_candles"]["data"][-1]
    assert sent[0]["trades"][0] == shown["trades_update"]["trades"][0]


async def test_the_request_of_the_guide_is_answered_as_it_says(platform: Platform) -> None:
    chart_at(platform)
    (request,) = re.findall(r'\{"type":"load_history".*?\}', section("Candles"))
    async with viewing(platform.port, "candles/BTCUSDT") as client:
        first = await client.hear()
        before = msgspec.json.decode(request)["before"]
        assert first["data"][0]["timestamp"] == before
        await client.socket.send_str(request)
        page = await client.hear()
    assert (page["before"], page["isLast"], page["count"]) == (before, False, 500)
