"""What the clients are made from: operations, sockets and message types, read from the documents.

The documents are those that the platform serves (`/openapi.json`, `/asyncapi.json`); of them the
terminal's part, `/api/v1/…` without the platform's own. What they say in a way that is not
understood here is an error: a client that leaves things out in silence is worth less than none.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

import msgspec

REST_PREFIX: Final = "/api/v1/"
SOCKET_PREFIX: Final = "/api/v1/ws/"
PLATFORM_TAGS: Final = frozenset({"strategies", "backtests"})
"""Routes of the platform that share the prefix and are no part of the terminal."""
REMEMBERED: Final = frozenset({"update_params"})
"""Requests that change what the socket sends: a client says them again after a reconnect."""

Schema: TypeAlias = Mapping[str, Any]


class NotUnderstood(Exception):
    """A document says something that no client can be made of yet."""


class Scalar(msgspec.Struct, frozen=True):
    """`string`, `integer`, `number`, `boolean`, `null` or `any`."""

    kind: str


class Choice(msgspec.Struct, frozen=True):
    """One of several words."""

    words: tuple[str, ...]


class Listing(msgspec.Struct, frozen=True):
    """Any number of one type."""

    item: "Type"


class Table(msgspec.Struct, frozen=True):
    """Values of one type by text."""

    value: "Type"


class Either(msgspec.Struct, frozen=True):
    """One of several types."""

    options: "tuple[Type, ...]"


class Named(msgspec.Struct, frozen=True):
    """A message or a part of one, by its name."""

    name: str


Type: TypeAlias = Scalar | Choice | Listing | Table | Either | Named


class Field(msgspec.Struct, frozen=True):
    """Part of a message, under the name that it has on the wire."""

    name: str
    type: Type
    required: bool
    words: str


class Message(msgspec.Struct, frozen=True):
    """An object on the wire; `tag` is its `type` where it has one."""

    name: str
    words: str
    tag: str | None
    fields: tuple[Field, ...]


class Parameter(msgspec.Struct, frozen=True):
    """Of an address."""

    name: str
    type: Type
    in_path: bool
    words: str


class Operation(msgspec.Struct, frozen=True):
    """A REST question."""

    name: str
    method: str
    path: str
    parameters: tuple[Parameter, ...]
    answer: Type
    words: str


class Socket(msgspec.Struct, frozen=True):
    """A terminal socket; without requests and answers it is one of any text."""

    name: str
    path: str
    parameters: tuple[Parameter, ...]
    requests: tuple[Message, ...]
    answers: tuple[Message, ...]
    words: str


class Contract(msgspec.Struct, frozen=True):
    """Everything that a client knows; messages in an order in which each knows its parts."""

    version: str
    operations: tuple[Operation, ...]
    sockets: tuple[Socket, ...]
    messages: tuple[Message, ...]


def read_contract(openapi: Schema, asyncapi: Schema) -> Contract:
    """The contract that two documents describe.

    Raises:
        NotUnderstood: they say something new.
    """
    messages: dict[str, Message] = {}
    operations = tuple(_operations(openapi, messages))
    sockets = tuple(_sockets(asyncapi, messages))
    version = str(openapi["info"]["version"])
    return Contract(version, operations, sockets, tuple(messages.values()))


def snake(name: str) -> str:
    """`priceFormatted`, `price-formatted` → `price_formatted`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).replace("-", "_").lower()


def camel(name: str) -> str:
    """`price_formatted`, `price-formatted` → `priceFormatted`."""
    first, *rest = re.split(r"[-_]", name)
    return first + "".join(word[:1].upper() + word[1:] for word in rest)


def type_of(schema: Schema, hint: str, messages: dict[str, Message]) -> Type:
    """The type that a schema means; objects with properties join `messages`.

    Args:
        schema: without references.
        hint: names an object that has no title.
        messages: what was met so far, by name.

    Raises:
        NotUnderstood: the schema says something new.
    """
    if options := schema.get("anyOf") or schema.get("oneOf"):
        return _either([type_of(one, hint, messages) for one in options])
    if "const" in schema:
        return Choice((str(schema["const"]),))
    if "enum" in schema:
        words = [one for one in schema["enum"] if one is not None]
        if all(isinstance(one, bool) for one in words) and len(words) == len(schema["enum"]):
            return Scalar("boolean")
        if not all(isinstance(one, str) for one in words):
            raise NotUnderstood(f"{hint}: choices that are no text: {words}")
        chosen = Choice(tuple(words))
        return chosen if len(words) == len(schema["enum"]) else Either((chosen, Scalar("null")))
    kind = schema.get("type", "any")
    if isinstance(kind, list):
        return _either([type_of({**schema, "type": one}, hint, messages) for one in kind])
    if kind == "array":
        return Listing(type_of(schema.get("items", {}), hint, messages))
    if kind == "object":
        return _object(schema, hint, messages)
    if kind not in ("string", "integer", "number", "boolean", "null", "any"):
        raise NotUnderstood(f"{hint}: type {kind}")
    return Scalar(kind)


def _either(options: Sequence[Type]) -> Type:
    different = tuple(dict.fromkeys(options))
    return different[0] if len(different) == 1 else Either(different)


def _object(schema: Schema, hint: str, messages: dict[str, Message]) -> Type:
    properties = schema.get("properties")
    if properties is None:
        more = schema.get("additionalProperties", {})
        return Table(type_of(more if isinstance(more, Mapping) else {}, hint, messages))
    name = str(schema.get("title", hint))
    required = schema.get("required", ())
    kind = properties.get("type", {}).get("enum", ())
    tag = str(kind[0]) if len(kind) == 1 and "type" in required else None
    fields = tuple(
        Field(
            key,
            type_of(one, f"{name}{camel(key)[:1].upper()}{camel(key)[1:]}", messages),
            key in required,
            str(one.get("description", "")),
        )
        for key, one in properties.items()
        if tag is None or key != "type"
    )
    made = Message(name, str(schema.get("description", "")), tag, fields)
    known = messages.setdefault(name, made)
    if (known.tag, known.fields) != (made.tag, made.fields):  # each place has words of its own
        raise NotUnderstood(f"two different things are called {name}")
    return Named(name)


def _resolved(document: Schema, node: Any) -> Any:
    """A part of a document, its references followed."""
    if isinstance(node, Mapping):
        if "$ref" in node:
            found: Any = document
            for step in str(node["$ref"]).removeprefix("#/").split("/"):
                found = found[step]
            return _resolved(document, found)
        return {key: _resolved(document, value) for key, value in node.items()}
    return [_resolved(document, one) for one in node] if isinstance(node, list) else node


def _operations(document: Schema, messages: dict[str, Message]) -> list[Operation]:
    found = []
    for path, item in document["paths"].items():
        if not path.startswith(REST_PREFIX):
            continue
        for method, operation in item.items():
            if PLATFORM_TAGS & set(operation.get("tags", ())):
                continue
            if "requestBody" in operation:
                raise NotUnderstood(f"{method} {path} takes a body")
            first = path.removeprefix(REST_PREFIX).split("/{")[0].replace("/", "-")
            content = operation["responses"]["200"]["content"]["application/json"]
            schema = _resolved(document, content["schema"])
            parameters = tuple(
                Parameter(
                    one["name"],
                    type_of(_resolved(document, one["schema"]), one["name"], messages),
                    one["in"] == "path",
                    str(one.get("description", "")),
                )
                for one in operation.get("parameters", ())
            )
            found.append(
                Operation(
                    snake(first),
                    method.upper(),
                    path,
                    parameters,
                    type_of(schema, camel(first), messages),
                    str(operation.get("summary", "")),
                )
            )
    names = [one.name for one in found]
    if len(set(names)) != len(names):
        raise NotUnderstood(f"two routes begin alike: {names}")
    return found


def _sockets(document: Schema, messages: dict[str, Message]) -> list[Socket]:
    found = []
    for name, channel in document["channels"].items():
        address = channel["address"]
        if not address.startswith(SOCKET_PREFIX):
            continue
        path = address.removesuffix("/{symbol}")
        query = channel["bindings"]["ws"]["query"]["properties"]
        parameters = [
            Parameter(key, type_of(one, key, messages), False, one["description"])
            for key, one in query.items()
        ]
        if path != address:
            words = channel["parameters"]["symbol"]["description"]
            parameters.insert(0, Parameter("symbol", Scalar("string"), True, words))
        said = _spoken(document, f"receive_{name}", messages)
        sent = _spoken(document, f"send_{name}", messages)
        short = path.removeprefix(SOCKET_PREFIX)
        found.append(Socket(short, path, tuple(parameters), said, sent, channel["description"]))
    return found


def _spoken(document: Schema, operation: str, messages: dict[str, Message]) -> tuple[Message, ...]:
    """The messages of one direction of a socket."""
    found = []
    for reference in document["operations"][operation]["messages"]:
        message = _resolved(document, reference)
        kind = type_of(message["payload"], message["name"], messages)
        if isinstance(kind, Named):
            found.append(messages[kind.name])
    return tuple(found)
