"""The schema of an answer over all venues says what may stand in it, and nothing else."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from headwater.api.schemas.market import OhlcView
from headwater.api.schemas.multi import multi_schema


def test_every_venue_has_a_place_and_errors_must_be_there() -> None:
    lists = multi_schema(OhlcView, ("binance", "okx"), many=True)
    assert lists["properties"]["okx"]["items"] == {"$ref": "#/components/schemas/Ohlc"}
    assert lists["required"] == ["errors"]
    single = multi_schema(OhlcView, ("binance",), many=False)
    assert single["properties"]["binance"] == {"$ref": "#/components/schemas/Ohlc"}


@pytest.mark.parametrize(
    ("answer", "valid"),
    [
        ({"okx": [{}], "errors": {}}, True),
        ({"errors": {"okx": {}}}, True),
        ({"okx": [{}]}, False),
        ({"okx": {}, "errors": {}}, False),
        ({"mtgox": [{}], "errors": {}}, False),
    ],
)
def test_it_tells_right_from_wrong(answer: dict[str, Any], valid: bool) -> None:
    schema = multi_schema(OhlcView, ("binance", "okx"), many=True)
    schema["components"] = {"schemas": {"Ohlc": {"type": "object"}, "Problem": {"type": "object"}}}
    assert Draft202012Validator(schema).is_valid(answer) is valid
