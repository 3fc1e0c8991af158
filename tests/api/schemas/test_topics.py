"""What is said on the many-topic socket explains itself and leaves out what does not apply."""

import json

import pytest

from headwater.api.schemas.base import View, encode, json_schema_of
from headwater.api.schemas.topics import (
    ANSWERS,
    REQUESTS,
    PongView,
    SubscribedTopic,
    SubscribedView,
)


@pytest.mark.parametrize("view", [*REQUESTS, *ANSWERS], ids=lambda view: view.__name__)
def test_every_property_is_described(view: type[View]) -> None:
    for name, entry in json_schema_of(view)["properties"].items():
        assert name in ("op", "type") or entry.get("description"), name


def test_an_answer_carries_only_what_there_is_to_say() -> None:
    assert json.loads(encode(PongView(time="t"))) == {"type": "pong", "time": "t"}
    entry = SubscribedTopic(topic="a", seq=1, resumed=False)
    assert json.loads(encode(SubscribedView(id=7, topics=(entry,)))) == {
        "type": "subscribed",
        "id": 7,
        "topics": [{"topic": "a", "seq": 1, "resumed": False}],
    }
