"""Messages of the terminal's order book: camelCase by one rule, bounds, every field described."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from headwater.api.schemas.base import View, json_schema_of
from headwater.api.schemas.terminal.order_book import (
    OrderbookUpdateView,
    ParamsUpdatedView,
    TerminalBookView,
    UpdateParamsRequest,
)


def names(schema: Any) -> set[str]:
    """Names of all fields, those of inner views too."""
    found: set[str] = set()
    if isinstance(schema, dict):
        found |= set(schema.get("properties", {}))
        for inner in schema.values():
            found |= names(inner)
    elif isinstance(schema, list):
        for inner in schema:
            found |= names(inner)
    return found


@pytest.mark.parametrize(
    "view", [OrderbookUpdateView, ParamsUpdatedView, TerminalBookView, UpdateParamsRequest]
)
def test_o_d3_names_are_camel_case_and_described(view: type[View]) -> None:
    schema = json_schema_of(view)
    assert names(schema)
    assert not [name for name in names(schema) if "_" in name or not name[0].islower()]
    described = {name: "description" in one for name, one in schema["properties"].items()}
    assert {name for name, said in described.items() if not said} <= {"type"}


@pytest.mark.parametrize("text", ["0.5", '"0.5"', "5e-1"])
def test_a_rounding_is_exact_whether_number_or_text(text: str) -> None:
    message = f'{{"type":"update_params","rounding":{text}}}'
    found = msgspec.json.decode(message, type=UpdateParamsRequest)
    assert found.rounding == Decimal("0.5")


@pytest.mark.parametrize("field", ["limit", "paceMs", "rounding", "asks"])
def test_a_field_that_is_given_is_no_null(field: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(f'{{"type":"update_params","{field}":null}}', type=UpdateParamsRequest)
