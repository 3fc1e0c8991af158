"""What is read of a document, and what is refused rather than left out in silence."""

from typing import Any

import pytest
from scripts.client_javascript import typescript_type
from scripts.client_model import (
    Choice,
    Either,
    Field,
    Listing,
    Message,
    Named,
    NotUnderstood,
    Scalar,
    Table,
    Type,
    camel,
    read_contract,
    snake,
    type_of,
)
from scripts.client_python import python_type

LEVEL = {
    "title": "Level",
    "type": "object",
    "properties": {"price": {"type": "number"}, "priceFormatted": {"type": "string"}},
    "required": ["price"],
}
PING = {
    "title": "Ping",
    "type": "object",
    "properties": {"type": {"enum": ["ping"]}},
    "required": ["type"],
}
TEXT: Type = Scalar("string")


@pytest.mark.parametrize(
    ("schema", "kind", "python", "typescript"),
    [
        ({"type": "integer", "minimum": 3}, Scalar("integer"), "int", "number"),
        ({"enum": ["a", "b"]}, Choice(("a", "b")), 'Literal["a", "b"]', '"a" | "b"'),
        ({"enum": [True]}, Scalar("boolean"), "bool", "boolean"),
        ({"const": "a"}, Choice(("a",)), 'Literal["a"]', '"a"'),
        (
            {"enum": ["a", None]},
            Either((Choice(("a",)), Scalar("null"))),
            'Literal["a"] | None',
            '"a" | null',
        ),
        (
            {"anyOf": [{"type": "number"}, {"type": "null"}]},
            Either((Scalar("number"), Scalar("null"))),
            "float | None",
            "number | null",
        ),
        (
            {"type": ["string", "null"]},
            Either((TEXT, Scalar("null"))),
            "str | None",
            "string | null",
        ),
        (
            {"anyOf": [{"type": "integer", "maximum": 9}, {"type": "integer", "minimum": 99}]},
            Scalar("integer"),
            "int",
            "number",
        ),
        (
            {"type": "array", "items": {"type": "string"}},
            Listing(TEXT),
            "tuple[str, ...]",
            "ReadonlyArray<string>",
        ),
        (
            {"type": "object", "additionalProperties": {"type": "string"}},
            Table(TEXT),
            "dict[str, str]",
            "Readonly<Record<string, string>>",
        ),
        ({}, Scalar("any"), "Any", "unknown"),
        ({"type": "array", "items": LEVEL}, Listing(Named("Level")), "tuple[Level, ...]", None),
    ],
)
def test_each_kind_of_schema(
    schema: dict[str, Any], kind: Type, python: str, typescript: str | None
) -> None:
    found = type_of(schema, "thing", {})
    assert found == kind
    assert python_type(found) == python
    assert typescript_type(found) == (typescript or "ReadonlyArray<Level>")


def test_an_object_is_a_message_with_what_is_required_and_its_tag() -> None:
    messages: dict[str, Message] = {}
    type_of(LEVEL, "x", messages)
    type_of(PING, "x", messages)
    price, text = (
        Field("price", Scalar("number"), True, ""),
        Field("priceFormatted", TEXT, False, ""),
    )
    assert messages["Level"] == Message("Level", "", None, (price, text))
    assert messages["Ping"] == Message("Ping", "", "ping", ())


@pytest.mark.parametrize("schema", [{"type": "tuple"}, {"enum": [1, 2]}])
def test_what_is_not_understood_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(NotUnderstood):
        type_of(schema, "thing", {})


def test_two_things_of_one_name_are_refused() -> None:
    messages: dict[str, Message] = {}
    type_of(LEVEL, "x", messages)
    type_of({**LEVEL, "description": "In another place."}, "x", messages)
    with pytest.raises(NotUnderstood, match="Level"):
        type_of({**LEVEL, "required": []}, "x", messages)


@pytest.mark.parametrize("wire", ["volume24hFormatted", "time", "priceFormatted", "maValue"])
def test_names_go_to_python_and_back(wire: str) -> None:
    assert camel(snake(wire)) == wire


def document(**operation: Any) -> dict[str, Any]:
    answer = {"200": {"content": {"application/json": {"schema": {"$ref": "#/components/x"}}}}}
    return {
        "info": {"version": "1"},
        "components": {"x": LEVEL},
        "paths": {
            "/other": {"get": {}},
            "/api/v1/price-levels/{symbol}": {"get": {"responses": answer, **operation}},
        },
    }


def test_a_route_is_named_after_its_noun() -> None:
    found = read_contract(document(summary="Levels"), {"channels": {}})
    (operation,) = found.operations
    assert (operation.name, operation.method) == ("price_levels", "GET")
    assert operation.answer == Named("Level")
    assert [one.name for one in found.messages] == ["Level"]


def test_a_route_with_a_body_is_refused() -> None:
    with pytest.raises(NotUnderstood, match="body"):
        read_contract(document(requestBody={}), {"channels": {}})
