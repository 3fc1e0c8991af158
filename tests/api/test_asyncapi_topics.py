"""The document of the many-topic socket agrees with what the socket reads and sends."""

import json
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator
from tests.api.test_asyncapi import read_document

from headwater.api.asyncapi import catalog
from headwater.api.asyncapi_topics import CHANNEL
from headwater.api.errors import make_problem
from headwater.api.schemas.base import View, encode, schema_name
from headwater.api.schemas.topics import (
    ANSWERS,
    REQUESTS,
    ErrorView,
    PongView,
    SnapshotView,
    SubscribedTopic,
    SubscribedView,
    TopicState,
    TopicsView,
    UnsubscribedView,
    UpdateView,
)
from headwater.api.settings import ApiSettings
from headwater.api.topic_requests import OPERATIONS, read_request

SENT: list[View] = [
    SubscribedView(id=1, topics=(SubscribedTopic(topic="a", seq=1, resumed=True, asked="b"),)),
    UnsubscribedView(id="x", topics=("a",)),
    PongView(time="2025-01-31T12:00:00.000Z"),
    TopicsView(topics=(TopicState(topic="a", seq=5),)),
    ErrorView(topic="a", problem=make_problem(422, "bad_message", "no")),
    SnapshotView(topic="a", seq=1, data=[]),
    UpdateView(topic="a", seq=2, data={"price": 1.0}),
]


def test_every_message_has_its_place_in_the_document() -> None:
    document = read_document()
    channel = document["channels"][CHANNEL]
    names = [schema_name(view) for view in (*REQUESTS, *ANSWERS)]
    assert channel["address"] == "/ws"
    assert list(channel["messages"]) == [*names, "Dropped"]
    for name in names:
        message = document["components"]["messages"][name]
        assert message["payload"] == {"$ref": f"#/components/schemas/{name}"}
        Draft202012Validator.check_schema(document["components"]["schemas"][name])
    spoken = document["operations"][f"receive_{CHANNEL}"]["messages"]
    assert len(spoken) == len(REQUESTS) == len(OPERATIONS)


def test_what_is_sent_fits_its_schema() -> None:
    schemas = read_document()["components"]["schemas"]
    assert {type(view) for view in SENT} == set(ANSWERS)
    for view in SENT:
        message = json.loads(encode(view))
        Draft202012Validator(schemas[schema_name(type(view))]).validate(message)


def entry() -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(catalog(ApiSettings(), ["binance"]).many_topics)
    return found


@pytest.mark.parametrize("example", entry()["examples"])
def test_the_examples_for_people_are_understood(example: str) -> None:
    schemas = read_document()["components"]["schemas"]
    read = read_request(example)
    assert read.request is not None
    assert read.errors == ()
    Draft202012Validator(schemas[schema_name(type(read.request))]).validate(json.loads(example))


def test_people_see_every_operation() -> None:
    assert tuple(entry()["requests"]) == OPERATIONS
    assert len(entry()["answers"]) == len(ANSWERS) + 1
