"""Market views explain themselves."""

import pytest

from headwater.api.schemas import market
from headwater.api.schemas.base import View, json_schema_of

VIEWS = [
    value
    for value in vars(market).values()
    if isinstance(value, type) and issubclass(value, View) and value is not View
]


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.__name__)
def test_every_property_is_described_and_required(view: type[View]) -> None:
    schema = json_schema_of(view)
    for name, entry in schema["properties"].items():
        assert entry.get("description"), name
    assert set(schema["required"]) == set(schema["properties"])


def test_prices_are_documented_as_not_negative() -> None:
    assert json_schema_of(market.TradeView)["properties"]["price"]["minimum"] == 0


def test_levels_are_documented_as_pairs_of_numbers() -> None:
    levels = json_schema_of(market.OrderBookView)["properties"]["bids"]
    pair = {"type": "array", "minItems": 2, "maxItems": 2, "items": {"type": "number"}}
    assert levels["items"] == pair
