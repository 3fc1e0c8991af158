"""The document of `/ws/heatmap` agrees with what the socket reads and sends."""

import json
from typing import Any, get_args

import msgspec
import pytest
from jsonschema import Draft202012Validator
from tests.api.heatmap_maps import make_snapshot
from tests.api.test_asyncapi import read_document

from headwater.api.asyncapi import catalog
from headwater.api.asyncapi_heatmap import CHANNEL
from headwater.api.heatmap_requests import ACTIONS, ERROR_CODES, read_heatmap_request
from headwater.api.schemas.base import View, encode, schema_name
from headwater.api.schemas.heatmap_socket import (
    HEATMAP_ANSWERS,
    HEATMAP_REQUESTS,
    ErrorCode,
    HeatmapErrorView,
    HeatmapPongView,
    HeatmapWarningView,
    snapshot_view,
)
from headwater.api.settings import ApiSettings

SENT: list[View] = [
    snapshot_view(make_snapshot()),
    *(HeatmapErrorView(code=code, message="no") for code in get_args(ErrorCode)),
    HeatmapWarningView(code="SLOW_CONSUMER", message="slow", dropped_messages=3),
    HeatmapPongView(timestamp="2025-01-31T12:00:00.000Z"),
]


def test_every_message_has_its_place_in_the_document() -> None:
    document = read_document()
    channel = document["channels"][CHANNEL]
    names = [schema_name(view) for view in (*HEATMAP_REQUESTS, *HEATMAP_ANSWERS)]
    assert channel["address"] == "/ws/heatmap"
    assert list(channel["messages"]) == names
    for name in names:
        message = document["components"]["messages"][name]
        assert message["payload"] == {"$ref": f"#/components/schemas/{name}"}
        Draft202012Validator.check_schema(document["components"]["schemas"][name])
    assert len(document["operations"][f"receive_{CHANNEL}"]["messages"]) == len(ACTIONS)
    assert len(document["operations"][f"send_{CHANNEL}"]["messages"]) == len(HEATMAP_ANSWERS)


def test_what_is_sent_fits_its_schema() -> None:
    schemas = read_document()["components"]["schemas"]
    assert {type(view) for view in SENT} == set(HEATMAP_ANSWERS)
    for view in SENT:
        message = json.loads(encode(view))
        Draft202012Validator(schemas[schema_name(type(view))]).validate(message)
    assert schemas["HeatmapError"]["properties"]["code"]["enum"] == sorted(ERROR_CODES)


def entry() -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(catalog(ApiSettings(), ["binance"]).heatmap)
    return found


@pytest.mark.parametrize("example", entry()["examples"])
def test_the_examples_for_people_are_understood(example: str) -> None:
    schemas = read_document()["components"]["schemas"]
    read = read_heatmap_request(example)
    assert not isinstance(read, HeatmapErrorView)
    Draft202012Validator(schemas[schema_name(type(read))]).validate(json.loads(example))


def test_people_see_every_action_and_answer() -> None:
    assert tuple(entry()["requests"]) == ACTIONS
    assert list(entry()["answers"]) == ["snapshot", "error", "warning", "pong"]
