"""Whatever a client says becomes a request, or an error that names the field."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.api.schemas.base import encode
from headwater.api.schemas.topics import (
    ListRequest,
    PingRequest,
    SubscribeRequest,
    TopicWish,
    UnsubscribeRequest,
)
from headwater.api.topic_requests import OPERATIONS, read_request


def test_every_operation_is_read() -> None:
    assert OPERATIONS == ("subscribe", "unsubscribe", "ping", "list")
    wish = {"topic": "b", "after": 5}
    for message, request in (
        (
            {"op": "subscribe", "id": 7, "topics": ["a", wish]},
            SubscribeRequest(id=7, topics=("a", TopicWish(topic="b", after=5))),
        ),
        ({"op": "unsubscribe", "topics": ["a"]}, UnsubscribeRequest(topics=("a",))),
        ({"op": "ping", "id": "x" * 64}, PingRequest(id="x" * 64)),
        ({"id": None, "op": "list"}, ListRequest()),
    ):
        read = read_request(json.dumps(message))
        assert (read.request, read.errors) == (request, ())


def test_of_a_list_the_good_entries_stand() -> None:
    topics = ["a", 5, {"topic": "b", "after": "x"}, {"topik": "c"}, {"topic": "d"}, ""]
    read = read_request(json.dumps({"op": "subscribe", "id": 1, "topics": topics}))
    assert read.request == SubscribeRequest(id=1, topics=("a", TopicWish(topic="d")))
    found = [(error.id, error.topic, error.problem.errors[0].field) for error in read.errors]
    assert found == [
        (1, None, "topics[1]"),
        (1, "b", "topics[2].after"),
        (1, None, "topics[3].topik"),
        (1, "", "topics[5]"),
    ]
    read = read_request(json.dumps({"op": "unsubscribe", "topics": [{"topic": "a"}, "b"]}))
    assert read.request == UnsubscribeRequest(topics=("b",))
    assert read.errors[0].problem.errors[0].field == "topics[0]"


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ('{"op":"subscribe","topics":[1],"what":2}', "what"),
        ('{"op":"subscribe","topics":[1],"id":{}}', "id"),
        ('{"op":"subscribe","topics":[1],"op":"ping"}', "topics"),
        ('{"op":"ping","id":9007199254740992}', "id"),
        ('{"op":"ping","id":1.5}', "id"),
        ('{"op":"ping","id":true}', "id"),
        ('{"op":"ping","id":"\\ud800"}', "message"),
        ('{"op":"ping","x":' + "[" * 30_000 + "]" * 30_000 + "}", "message"),
        ('{"op":null}', "op"),
    ],
)
def test_what_is_wrong_as_a_whole_is_one_problem(text: str, field: str) -> None:
    read = read_request(text)
    assert read.request is None
    [error] = read.errors
    assert error.problem.errors[0].field == field
    assert error.problem.errors[0].allowed


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=12,
)
MESSAGES = st.fixed_dictionaries(
    {"op": st.sampled_from([*OPERATIONS, "x"]) | JSON},
    optional={
        "id": JSON,
        "topics": JSON | st.lists(JSON | st.fixed_dictionaries({"topic": JSON, "after": JSON})),
    },
)


@given(MESSAGES)
def test_any_json_gives_requests_and_errors_that_can_be_sent(message: Any) -> None:
    check(json.dumps(message))


@given(st.text() | MESSAGES.map(json.dumps).map(lambda text: text[: len(text) // 2]))
def test_any_text_gives_requests_and_errors_that_can_be_sent(text: str) -> None:
    check(text)


def check(text: str) -> None:
    read = read_request(text)
    assert read.request is not None or read.errors
    for error in read.errors:
        assert error.problem.errors[0].allowed
        assert len(encode(error)) < 5000
