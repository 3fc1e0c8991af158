"""One definition gives JSON, schema and words."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from headwater.api.schemas.base import (
    IsoTime,
    View,
    encode,
    iso_of,
    iso_or_none,
    json_schema_of,
    schema_name,
)


class PartView(View, frozen=True, kw_only=True):
    """A part.

    Attributes:
        size: of it,
            in two lines.
    """

    size: int


class WholeView(PartView, frozen=True, kw_only=True):
    """The whole of it, in one line.

    More words that readers of the schema are spared.

    Attributes:
        parts: all of them.
        at: when.
    """

    parts: tuple[PartView, ...]
    at: IsoTime | None


@pytest.mark.parametrize(
    ("timestamp_ms", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_731_000_000_123, "2024-11-07T17:20:00.123Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
    ],
)
def test_time_is_iso_utc_with_milliseconds(timestamp_ms: int, text: str) -> None:
    assert iso_of(timestamp_ms) == text


def test_no_time_stays_none() -> None:
    assert iso_or_none(None) is None
    assert iso_or_none(5) == "1970-01-01T00:00:00.005Z"


@given(st.integers(0, 253_402_300_799_999))
def test_time_is_what_the_standard_library_writes(timestamp_ms: int) -> None:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=timestamp_ms)
    assert iso_of(timestamp_ms) == moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def test_schema_takes_its_words_from_the_docstring_and_inlines_parts() -> None:
    schema = json_schema_of(WholeView)
    assert schema["title"] == schema_name(WholeView) == "Whole"
    assert schema["description"] == "The whole of it, in one line."
    assert schema["properties"]["size"]["description"] == "of it, in two lines."
    part = schema["properties"]["parts"]["items"]
    assert part["properties"]["size"] == {"type": "integer", "description": "of it, in two lines."}
    assert schema["required"] == ["size", "parts", "at"]
    assert "$ref" not in str(schema)


class RenamedView(View, frozen=True, kw_only=True, rename="camel"):
    """A view with other names on the wire.

    Attributes:
        first_name: called as in the class.
        lastName: called as on the wire.
    """

    first_name: str
    last_name: str


def test_words_reach_a_field_by_either_of_its_names() -> None:
    properties = json_schema_of(RenamedView)["properties"]
    words = {name: one["description"] for name, one in properties.items()}
    assert words == {"firstName": "called as in the class.", "lastName": "called as on the wire."}


class ExactView(View, frozen=True, kw_only=True):
    """A view with a decimal number."""

    step: Decimal


@pytest.mark.parametrize("text", ['{"step":0.25}', '{"step":"0.25"}'])
def test_a_decimal_number_is_documented_as_it_is_read(text: str) -> None:
    assert msgspec.json.decode(text, type=ExactView) == ExactView(step=Decimal("0.25"))
    Draft202012Validator(json_schema_of(ExactView)).validate(msgspec.json.decode(text))


def test_fastapi_documents_a_view_and_never_builds_one() -> None:
    app = FastAPI()

    @app.get("/", responses={200: {"model": list[WholeView]}})
    def read() -> None: ...

    document = app.openapi()
    assert document["components"]["schemas"]["Whole"]["title"] == "Whole"
    content = document["paths"]["/"]["get"]["responses"]["200"]["content"]["application/json"]
    assert content["schema"]["items"] == {"$ref": "#/components/schemas/Whole"}


def test_encoding_is_compact_json() -> None:
    assert encode([PartView(size=1)]) == b'[{"size":1}]'
