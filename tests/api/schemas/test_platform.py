"""Views about the platform explain themselves; problems leave out what does not apply."""

import json

import pytest

from headwater.api.schemas import platform
from headwater.api.schemas.base import View, encode, json_schema_of

VIEWS = [
    value
    for value in vars(platform).values()
    if isinstance(value, type) and issubclass(value, View) and value is not View
]


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.__name__)
def test_every_property_is_described(view: type[View]) -> None:
    for name, entry in json_schema_of(view)["properties"].items():
        assert entry.get("description"), name


def test_a_plain_problem_has_the_members_of_rfc_9457_and_a_code() -> None:
    problem = platform.Problem(title="Not Found", status=404, detail="no", code="not_found")
    assert json.loads(encode(problem)) == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "no",
        "code": "not_found",
    }
