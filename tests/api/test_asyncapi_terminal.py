"""The terminal's part of the stream documents, by doing what its examples say on real sockets."""

import json
from collections import Counter
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator
from tests.api.served import Platform
from tests.api.terminal.viewing import Viewing, viewing
from tests.api.test_asyncapi import read_document

from headwater.api.asyncapi import catalog
from headwater.api.asyncapi_terminal import EXAMPLES_KEY, TEXT, channel_id
from headwater.api.settings import ApiSettings
from headwater.api.terminal.addresses import PREFIX
from headwater.api.terminal.declaration import TerminalSocket
from headwater.api.terminal.sockets import SOCKETS

EVERY_ADDRESS = [(one, address) for one in SOCKETS for address in one.addresses]


def payload_of(document: dict[str, Any], reference: str) -> dict[str, Any]:
    """The schema at the end of the references of a message."""
    _, _, *steps = ("/" + reference).split("/")
    found: Any = document
    for step in steps:
        found = found[step]
    if "$ref" in found:
        return payload_of(document, found["$ref"])
    if "payload" in found:
        return payload_of(document, found["payload"]["$ref"])
    schema: dict[str, Any] = found
    return schema


def schemas_of(document: dict[str, Any], socket: TerminalSocket, action: str) -> dict[str, Any]:
    """Schemas of the messages of one direction, by their `type`."""
    operation = document["operations"][f"{action}_{channel_id(socket)}"]
    schemas = [payload_of(document, one["$ref"]) for one in operation["messages"]]
    return {
        schema["properties"]["type"]["enum"][0]: schema
        for schema in schemas
        if "properties" in schema
    }


def test_every_declared_socket_is_documented() -> None:
    document = read_document()
    for socket in SOCKETS:
        channel = document["channels"][channel_id(socket)]
        assert channel["address"].startswith(f"{PREFIX}{socket.name}")
        assert ("{symbol}" in channel["address"]) == socket.takes_symbol
        query = channel["bindings"]["ws"]["query"]["properties"]
        assert list(query) == list(socket.known)
        assert channel[EXAMPLES_KEY] == [f"{PREFIX}{one}" for one in socket.addresses]
        for kinds, action in ((socket.requests, "receive"), (socket.answers, "send")):
            tags = [str(kind.__struct_config__.tag) for kind in kinds]
            assert list(schemas_of(document, socket, action)) == tags
            operation = document["operations"][f"{action}_{channel_id(socket)}"]
            for message in operation["messages"]:
                Draft202012Validator.check_schema(payload_of(document, message["$ref"]))
    titles = Counter(socket.name for socket in SOCKETS)
    assert set(titles.values()) == {1}
    assert document["components"]["schemas"][TEXT]["type"] == "string"


def test_o_d1_every_socket_of_a_symbol_has_examples_of_both_spellings() -> None:
    """Each of them is connected to below: what the documents say can be connected to."""
    for socket in SOCKETS:
        if socket.takes_symbol:
            forms = {"symbol=" in address for address in socket.addresses}
            assert forms == {True, False}, socket.name


def test_people_see_every_socket_with_its_parameters_and_examples() -> None:
    entries = msgspec.to_builtins(catalog(ApiSettings(), ["binance"]))["terminal"]
    assert [entry["path"] for entry in entries] == [one.path for one in SOCKETS]
    for entry, socket in zip(entries, SOCKETS, strict=True):
        assert list(entry["parameters"]) == list(socket.known)
        assert all(words.strip() for words in entry["parameters"].values())
        assert entry["addresses"] == tuple(f"{PREFIX}{one}" for one in socket.addresses)
        assert entry["examples"] == socket.said


@pytest.mark.parametrize("socket", SOCKETS, ids=lambda one: one.name)
def test_example_requests_fit_the_schema_of_their_type(socket: TerminalSocket) -> None:
    if not socket.requests:
        return
    schemas = schemas_of(read_document(), socket, "receive")
    assert {json.loads(said)["type"] for said in socket.said} == set(schemas), "one of each kind"
    for said in socket.said:
        message = json.loads(said)
        Draft202012Validator(schemas[message["type"]]).validate(message)


@pytest.mark.parametrize(("socket", "address"), EVERY_ADDRESS, ids=lambda one: str(one)[:40])
async def test_each_example_address_connects_and_its_messages_fit_their_schemas(
    platform: Platform, socket: TerminalSocket, address: str
) -> None:
    """Every example request is sent; an example never has an error for its answer."""
    platform.source.offer_everything()
    async with viewing(platform.port, address) as client:
        if not socket.answers:
            for said in socket.said:
                await client.socket.send_str(said)
                assert await client.socket.receive_str(timeout=10) == said
            return
        heard = await everything_heard(client, socket)
    schemas = schemas_of(read_document(), socket, "send")
    for message in heard:
        Draft202012Validator(schemas[message["type"]]).validate(message)
    kinds = [message["type"] for message in heard]
    assert kinds[0] not in ("pong", "error"), "data come first"
    assert "error" not in kinds, heard


async def everything_heard(client: Viewing, socket: TerminalSocket) -> list[dict[str, Any]]:
    """The first message, and what is sent until the last example request was answered."""
    heard = [await client.hear()]
    for said in socket.said:
        await client.socket.send_str(said)
        heard += await client.until_pong()
        if json.loads(said)["type"] == "ping":
            heard.append(await client.hear_next("pong"))
    return heard


BOUNDED = [
    (socket, parameter.name, parameter.schema())
    for socket in SOCKETS
    for parameter in socket.parameters
    if "minimum" in parameter.schema() or "enum" in parameter.schema()
]


@pytest.mark.parametrize(
    ("socket", "name", "schema"), BOUNDED, ids=lambda one: getattr(one, "name", str(one))[:20]
)
async def test_what_the_document_allows_of_a_parameter_is_what_is_allowed(
    platform: Platform, socket: TerminalSocket, name: str, schema: dict[str, Any]
) -> None:
    """At its bounds it connects; beyond them there is an error that names it, and code 4000."""
    platform.source.offer_everything()
    if "enum" in schema:
        good, bad = [schema["enum"][0], schema["enum"][-1]], ["7q"]
    else:
        least, most = int(schema["minimum"]), int(schema["maximum"])
        good, bad = [str(least), str(most)], [str(least - 1), str(most + 1)]
    for value in good:
        async with viewing(platform.port, f"{socket.name}/BTCUSDT?{name}={value}") as client:
            assert (await client.hear())["type"] != "error"
    for value in bad:
        async with viewing(platform.port, f"{socket.name}/BTCUSDT?{name}={value}") as client:
            (error,), code, _ = await client.closing()
            assert (error["type"], error["field"], code) == ("error", name, 4000)
