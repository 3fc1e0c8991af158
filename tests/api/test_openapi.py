"""The document is valid and tells the truth about parameters and statuses."""

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from tests.api.served import Platform

from headwater.api.errors import PROBLEMS
from headwater.core.intervals import Interval


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(Platform().app.openapi()))
    return found


def operations(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (path, operation) for path, item in document["paths"].items() for operation in item.values()
    ]


def test_every_promised_route_is_there(document: dict[str, Any]) -> None:
    assert set(document["paths"]) == {
        "/",
        "/health",
        "/health/live",
        "/health/ready",
        "/exchanges",
        "/exchanges/health",
        "/export/{table}",
        "/cache/clear",
        "/cache/stats",
        "/data/date-range",
        "/prices/klines",
        "/margin/calculate",
        "/margin/batch",
        "/margin/health",
        "/margin/tiers/{symbol}",
        "/multi/ohlc/{symbol}/{interval}",
        "/multi/funding/{symbol}",
        "/multi/oi/{symbol}",
        "/{exchange}/ohlc/{symbol}/{interval}",
        "/{exchange}/oi/{symbol}",
        "/{exchange}/oi-hist/{symbol}",
        "/{exchange}/funding/{symbol}",
        "/{exchange}/funding-hist/{symbol}",
        "/{exchange}/predicted-funding",
        "/ws-catalog",
        "/ws/stats",
        "/asyncapi.json",
        "/{exchange}/tickers",
        "/{exchange}/mark-prices",
        "/{exchange}/orderbook/{symbol}",
        "/{exchange}/trades/{symbol}",
        "/{exchange}/symbols",
        "/gaps",
        "/liquidations/feeds",
        "/liquidations/history",
        "/liquidations/largest",
        "/liquidations/volume",
        "/liquidations/heatmap-timeseries",
        "/liquidations/skill",
        "/oi-vol/rules",
        "/oi-vol/preview",
        "/api/v1/liquidation-volume/{symbol}/{timeframe}",
        "/api/v1/symbols",
        "/api/v1/refresh-symbols",
        "/api/v1/symbol-cache-stats",
        "/api/v1/candles/{symbol}",
        "/api/v1/trades/{symbol}",
        "/api/v1/orderbook/{symbol}",
        "/api/v1/strategies",
        "/api/v1/strategies/available",
        "/api/v1/strategies/{id}",
        "/api/v1/strategies/{id}/activate",
        "/api/v1/strategies/{id}/deactivate",
        "/api/v1/strategies/{id}/versions",
        "/api/v1/backtests",
        "/api/v1/backtests/optimize",
        "/api/v1/backtests/walkforward",
        "/api/v1/backtests/status/{id}",
        "/api/v1/backtests/results/{id}",
        "/api/v1/backtests/performance/{id}",
        "/api/v1/backtests/{id}/cancel",
        "/api/v1/backtests/{id}/report",
        "/liquidations/heatmap",
        "/liquidations/levels",
        "/liquidations/max-pain",
        "/liquidations/compare-models",
        "/liquidations/clusters",
        "/api/liquidations/clusters",
        "/metrics",
    }


def test_no_path_is_swallowed_by_another(document: dict[str, Any]) -> None:
    """Whatever fits a path that was declared earlier fits none declared later."""
    paths = [path.split("/") for path in document["paths"]]
    for number, later in enumerate(paths):
        for earlier in paths[:number]:
            covers = len(earlier) == len(later) and all(
                "{" in a or a == b for a, b in zip(earlier, later, strict=True)
            )
            assert not covers, (earlier, later)


def test_every_error_is_a_problem_and_every_status_is_explained(document: dict[str, Any]) -> None:
    for path, operation in operations(document):
        assert operation["summary"], path
        for status, answer in operation["responses"].items():
            assert answer["description"], (path, status)
            assert "X-Request-ID" in answer["headers"]
            if int(status) in PROBLEMS:
                assert set(answer["content"]) == {"application/problem+json"}, (path, status)
        assert {"400", "405", "422", "500"} <= set(operation["responses"]), path
        assert {"200", "201", "202", "204"} & set(operation["responses"]), path


def test_parameters_are_described_as_they_are_read(document: dict[str, Any]) -> None:
    operation = document["paths"]["/{exchange}/ohlc/{symbol}/{interval}"]["get"]
    schemas = {entry["name"]: entry["schema"] for entry in operation["parameters"]}
    assert schemas["exchange"]["enum"] == ["binance"]
    assert schemas["interval"]["enum"] == [interval.value for interval in Interval]
    limit = schemas["limit"]
    assert (limit["type"], limit["minimum"], limit["maximum"], limit["default"]) == (
        "integer",
        1,
        1500,
        500,
    )
    assert {choice["type"] for choice in schemas["start_time"]["anyOf"]} == {"integer", "string"}
    assert "null" not in json.dumps(schemas)


def test_a_route_may_know_words_besides_the_venues(document: dict[str, Any]) -> None:
    (parameter,) = document["paths"]["/api/v1/symbols"]["get"]["parameters"]
    assert parameter["schema"] == {
        "type": "string",
        "enum": ["binance", "all"],
        "default": "binance",
    }


def test_schemas_are_valid_and_resolve(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    assert {"Ohlc", "OrderBook", "Problem", "Liquidation"} - {"Liquidation"} <= set(schemas)
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)
    text = json.dumps(document)
    for reference in set(text.split('"#/components/schemas/')[1:]):
        assert reference.partition('"')[0] in schemas
    assert "HTTPValidationError" not in text


async def test_pages_for_people_are_served(platform: Platform) -> None:
    for target in ("/docs", "/redoc"):
        reply = await platform.get(target)
        assert reply.status == 200
        assert b"/openapi.json" in reply.body
    assert (await platform.get("/openapi.json")).status == 200
