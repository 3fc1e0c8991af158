"""The examples of the terminal's routes in the document are called, and their answers fit."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from jsonschema import Draft202012Validator
from scripts.client_model import PLATFORM_TAGS
from tests.api.fake_source import NOW_MS, make_liquidation
from tests.api.served import Platform
from tests.storage.ready_tables import with_tables

from headwater.core.clock import ManualClock
from headwater.storage.store import Store

PREFIX = "/api/v1/"


def documented() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(Platform().app.openapi()))
    return found


OPERATIONS = [
    (method, path)
    for path, item in documented()["paths"].items()
    if path.startswith(PREFIX)
    for method, operation in item.items()
    if not PLATFORM_TAGS & set(operation["tags"])
]


def example_of(parameter: Mapping[str, Any]) -> str | None:
    """The document's example of a parameter, or the first value of a list that it is one of."""
    schema = parameter["schema"]
    for found in (schema.get("examples"), schema.get("enum"), [schema.get("default")]):
        if found and found[0] is not None:
            return str(found[0])
    return None


def targets_of(path: str, operation: Mapping[str, Any]) -> list[str]:
    """The route's address with nothing but what it needs, and with every example spelled out."""
    query: dict[str, str] = {}
    for parameter in operation.get("parameters", ()):
        example = example_of(parameter)
        if parameter["in"] == "path":
            assert example is not None, f"{path}: {parameter['name']} has no example"
            path = path.replace(f"{{{parameter['name']}}}", quote(example, safe=""))
        elif example is not None:
            query[parameter["name"]] = example
    return [path, *([f"{path}?{urlencode(query)}"] if query else [])]


def inlined(node: Any, schemas: Mapping[str, Any]) -> Any:
    """A schema without references."""
    if isinstance(node, dict):
        if "$ref" in node:
            return inlined(schemas[node["$ref"].rpartition("/")[2]], schemas)
        return {key: inlined(value, schemas) for key, value in node.items()}
    return [inlined(one, schemas) for one in node] if isinstance(node, list) else node


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
async def test_the_example_of_a_route_is_answered_as_documented(
    tmp_path: Path, method: str, path: str
) -> None:
    document = documented()
    operation = document["paths"][path][method]
    content = operation["responses"]["200"]["content"]["application/json"]
    schema = inlined(content["schema"], document["components"]["schemas"])
    Draft202012Validator.check_schema(schema)
    clock = ManualClock(NOW_MS * 1_000_000)
    async with (
        Store(with_tables(tmp_path / "made.sqlite3"), clock) as store,
        Platform(clock=clock, store=store, lists_symbols=True).served() as platform,
    ):
        platform.source.offer_everything()
        store.put(make_liquidation())
        for target in targets_of(path, operation):
            platform.advance(60.0)
            reply = await platform.request(method.upper(), target)
            assert reply.status == 200, (target, reply.body)
            Draft202012Validator(schema).validate(reply.json())


def test_there_are_routes_to_try() -> None:
    assert ("get", "/api/v1/liquidation-volume/{symbol}/{timeframe}") in OPERATIONS
