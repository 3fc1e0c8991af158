"""The base of every view: one definition gives the JSON, its schema and its documentation.

A view is a msgspec struct. msgspec encodes it; FastAPI asks pydantic for its schema, and the two
hooks of `View` answer from msgspec's. Descriptions come from the class docstring: its first
paragraph, and each entry of its `Attributes:` section for the property of that name.

Times are text, ISO-8601 UTC with milliseconds and `Z`.
"""

import inspect
import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Any, Final

import msgspec
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

SECONDS_CACHED: Final = 4096
"""Seconds whose text is remembered; a burst shares one, a page of candles has up to 1,500."""

_ATTRIBUTE = re.compile(r"^    (\w+): (.*)$")
_MILLISECONDS: Final = tuple(f".{number:03d}Z" for number in range(1000))
_TIME_SCHEMA: Final = {"format": "date-time", "examples": ["2025-01-31T12:00:00.000Z"]}

IsoTime = Annotated[str, msgspec.Meta(extra_json_schema=_TIME_SCHEMA)]
"""A moment as `iso_of` writes it."""

encode: Final = msgspec.json.Encoder().encode
"""Encodes a view, or a list of them, to UTF-8 JSON."""


class View(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Something a client reads as JSON. Subclasses describe themselves in their docstring."""

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: type[Any], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Tells pydantic that an instance is valid as it is; it never builds one."""
        del source, handler
        return core_schema.is_instance_schema(cls, ref=f"{cls.__module__}.{schema_name(cls)}:0")

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """The JSON schema that FastAPI puts into the document, nested views inlined."""
        del schema, handler
        return json_schema_of(cls)


def schema_name(view: type[View]) -> str:
    """The view's name in the document: that of the class without `View`."""
    return view.__name__.removesuffix("View")


def json_schema_of(view: type[View]) -> dict[str, Any]:
    """The JSON schema of a view, without references.

    Args:
        view: a class, not recursive.

    Returns:
        An object schema with descriptions from the docstrings.
    """
    (reference,), components = msgspec.json.schema_components([view], ref_template="{name}")
    described = {cls.__name__: cls for cls in _views_below(view)}
    for name, schema in components.items():
        _describe(schema, described.get(name))
    inlined: dict[str, Any] = _inline(reference, components)
    return inlined


def iso_of(timestamp_ms: int) -> str:
    """Milliseconds since the epoch as `2025-01-31T12:00:00.000Z`.

    Args:
        timestamp_ms: from the year 1 to 9999.
    """
    seconds, milliseconds = divmod(timestamp_ms, 1000)
    return _seconds_text(seconds) + _MILLISECONDS[milliseconds]


def iso_or_none(timestamp_ms: int | None) -> str | None:
    """As `iso_of`; None stays None."""
    return None if timestamp_ms is None else iso_of(timestamp_ms)


@lru_cache(maxsize=SECONDS_CACHED)
def _seconds_text(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None).isoformat()


def _views_below(view: type[View]) -> set[type[View]]:
    """The view and every view its fields mention."""
    found: set[type[View]] = set()
    waiting: list[Any] = [view]
    while waiting:
        kind = waiting.pop()
        waiting.extend(getattr(kind, "__args__", ()))
        if inspect.isclass(kind) and issubclass(kind, View) and kind not in found:
            found.add(kind)
            waiting.extend(field.type for field in msgspec.structs.fields(kind))
    return found


def _describe(schema: dict[str, Any], view: type[View] | None) -> None:
    """Puts the words of a docstring where readers of the schema look for them."""
    text = inspect.cleandoc((view.__doc__ if view is not None else None) or "")
    schema["description"] = " ".join(text.split("\n\n", 1)[0].split())
    if view is None:
        return
    schema["title"] = schema_name(view)
    properties = schema.get("properties", {})
    on_wire = {field.name: field.encode_name for field in msgspec.structs.fields(view)}
    for cls in reversed(view.__mro__):
        for attribute, words in _attribute_words(cls.__doc__ or "").items():
            name = on_wire.get(attribute, attribute)
            if name in properties:
                properties[name] = {**properties[name], "description": words}


def _attribute_words(docstring: str) -> dict[str, str]:
    """The entries of a Google-style `Attributes:` section."""
    _, found, section = inspect.cleandoc(docstring).partition("Attributes:\n")
    words: dict[str, str] = {}
    name = ""
    for line in section.splitlines() if found else []:
        match = _ATTRIBUTE.match(line)
        if match is not None:
            name = match[1]
            words[name] = match[2]
        elif line.startswith("        ") and name:
            words[name] += " " + line.strip()
        elif line and not line.startswith(" "):
            break
    return words


def _inline(node: Any, components: dict[str, Any]) -> Any:
    """Replaces references by what they point to, and pairs of like things by arrays of two.

    The latter because not every reader of OpenAPI 3.1 knows `prefixItems`.
    """
    if isinstance(node, dict):
        places = node.get("prefixItems", [])
        if places and all(place == places[0] for place in places):
            rest = {key: value for key, value in node.items() if key != "prefixItems"}
            return _inline({**rest, "items": places[0]}, components)
        if "$ref" in node:
            rest = {key: value for key, value in node.items() if key != "$ref"}
            return {**_inline(components[node["$ref"]], components), **rest}
        return {key: _inline(value, components) for key, value in node.items()}
    if isinstance(node, list):
        return [_inline(item, components) for item in node]
    return node
