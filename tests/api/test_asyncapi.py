"""Both documents of the streams come from the one table and agree with it."""

import json
from typing import Any

import msgspec
from jsonschema import Draft202012Validator
from tests.api import test_streams
from tests.api.served import Platform

from headwater.api.asyncapi import asyncapi_document, catalog
from headwater.api.asyncapi_heatmap import CHANNEL as HEATMAP_CHANNEL
from headwater.api.asyncapi_terminal import channel_id
from headwater.api.asyncapi_topics import CHANNEL
from headwater.api.settings import ApiSettings
from headwater.api.streams import AGGREGATES, STREAMS
from headwater.api.terminal.sockets import SOCKETS


def read_document() -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(asyncapi_document(ApiSettings(), ["binance"]))
    return found


def test_every_stream_has_a_channel_an_operation_and_messages() -> None:
    document = read_document()
    assert document["asyncapi"] == "3.0.0"
    everywhere = {path.replace("/", "_"): path for path in AGGREGATES}
    terminal = {channel_id(one) for one in SOCKETS}
    spoken = {CHANNEL, HEATMAP_CHANNEL, *terminal}
    assert set(document["channels"]) == {*STREAMS, *everywhere, *spoken}
    for name, path in everywhere.items():
        channel = document["channels"][name]
        assert channel["address"] == f"/ws/{path}"
        query = channel["bindings"]["ws"]["query"]["properties"]
        assert tuple(query) == AGGREGATES[path].parameters
        assert document["operations"][f"send_{name}"]["channel"] == {"$ref": f"#/channels/{name}"}
    for name in STREAMS:
        channel = document["channels"][name]
        assert channel["address"] == f"/ws/{{exchange}}/{{symbol}}/{name}"
        assert channel["parameters"]["exchange"]["enum"] == ["binance"]
        operation = document["operations"][f"send_{name}"]
        assert operation["channel"] == {"$ref": f"#/channels/{name}"}
        assert set(channel["messages"]) == {"event", "dropped"}


def test_references_resolve_and_schemas_fit_real_messages() -> None:
    document = read_document()
    named = dict(STREAMS) | {path.replace("/", "_"): spec for path, spec in AGGREGATES.items()}
    for name, spec in named.items():
        target = document["channels"][name]["messages"]["event"]["$ref"].split("/")[-1]
        payload = document["components"]["messages"][target]["payload"]["$ref"].split("/")[-1]
        schema = document["components"]["schemas"][payload]
        Draft202012Validator.check_schema(schema)
        message = json.loads(spec.encode(test_streams.EXAMPLES[spec.record]))
        Draft202012Validator(schema).validate(message)


def test_the_catalogue_lists_every_stream_with_a_path_that_works() -> None:
    view = catalog(ApiSettings(), ["binance"])
    assert set(view.streams) == set(STREAMS)
    assert "/ws/binance/BTCUSDT/ohlc?interval=1m" in view.examples
    assert len(view.examples) == len(STREAMS) + len(AGGREGATES)
    assert [entry.path for entry in view.aggregated] == [f"/ws/{path}" for path in AGGREGATES]
    assert "Default 5000.0" in view.aggregated[0].query


async def test_both_are_served(platform: Platform) -> None:
    assert (await platform.get("/asyncapi.json")).json() == read_document()
    reply = await platform.get("/ws-catalog")
    assert b'"per_exchange_pattern":"/ws/{exchange}/{symbol}/{stream}"' in reply.body
