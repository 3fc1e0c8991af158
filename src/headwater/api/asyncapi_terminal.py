"""The part of the stream documents about the terminal's sockets, made from their declarations."""

import json
from collections.abc import Sequence
from typing import Any, Final

from headwater.api.asyncapi_topics import first_line
from headwater.api.schemas.base import View, json_schema_of, schema_name
from headwater.api.schemas.platform import TerminalSocketView
from headwater.api.terminal.addresses import PREFIX
from headwater.api.terminal.declaration import TerminalSocket
from headwater.api.terminal.sockets import SOCKETS

EXAMPLES_KEY: Final = "x-examples"
"""Where a channel has its example addresses: AsyncAPI has no place for them."""

TEXT: Final = "TerminalText"
"""Name of the message that may be any text."""

_TEXT_MESSAGE: Final[dict[str, Any]] = {
    "name": TEXT,
    "title": "Any text.",
    "contentType": "text/plain",
    "payload": {"$ref": f"#/components/schemas/{TEXT}"},
}
_SYMBOL: Final[dict[str, Any]] = {
    "description": "Symbol in any common spelling; `?symbol=` instead of the path means the same.",
    "examples": ["BTCUSDT"],
}


def channel_id(socket: TerminalSocket) -> str:
    """Name of a socket's channel in the document."""
    return f"terminal_{socket.name}"


def terminal_channels() -> dict[str, Any]:
    """Every socket: address, query, and the messages of both directions."""
    return {channel_id(one): _channel(one) for one in SOCKETS}


def terminal_operations() -> dict[str, Any]:
    """What we take and what we send on each socket."""
    found: dict[str, Any] = {}
    for one in SOCKETS:
        found[f"receive_{channel_id(one)}"] = _operation("receive", one, one.requests)
        found[f"send_{channel_id(one)}"] = _operation("send", one, one.answers)
    return found


def terminal_messages() -> dict[str, Any]:
    """Every message by its name, requests with their examples."""
    found: dict[str, Any] = {TEXT: _TEXT_MESSAGE}
    for name, view in _views().items():
        examples = [said for one in SOCKETS for said in _said(one, view)]
        found[name] = {
            "name": name,
            "title": first_line(view),
            "payload": {"$ref": f"#/components/schemas/{name}"},
            **({"examples": [{"payload": said} for said in examples]} if examples else {}),
        }
    return found


def terminal_schemas() -> dict[str, Any]:
    """JSON schema of every message."""
    schemas = {name: json_schema_of(view) for name, view in _views().items()}
    return {TEXT: {"type": "string", "description": "Any text."}, **schemas}


def terminal_entries() -> tuple[TerminalSocketView, ...]:
    """The sockets on the page for people."""
    return tuple(_entry(one) for one in SOCKETS)


def _views() -> dict[str, type[View]]:
    """Every message's class by its name in the document; each name is one class's."""
    found: dict[str, type[View]] = {}
    for socket in SOCKETS:
        for view in (*socket.requests, *socket.answers):
            assert found.setdefault(schema_name(view), view) is view, schema_name(view)
    return found


def _names(views: Sequence[type[View]]) -> list[str]:
    return [schema_name(view) for view in views] or [TEXT]


def _said(socket: TerminalSocket, view: type[View]) -> list[Any]:
    """The examples of one request."""
    if view not in socket.requests:
        return []
    messages = [json.loads(text) for text in socket.said]
    return [one for one in messages if one["type"] == view.__struct_config__.tag]


def _channel(socket: TerminalSocket) -> dict[str, Any]:
    names = dict.fromkeys([*_names(socket.requests), *_names(socket.answers)])
    query = {"type": "object", "properties": {one.name: one.schema() for one in socket.parameters}}
    return {
        "address": f"{socket.path}/{{symbol}}" if socket.takes_symbol else socket.path,
        "description": socket.description,
        **({"parameters": {"symbol": _SYMBOL}} if socket.takes_symbol else {}),
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
        "bindings": {"ws": {"bindingVersion": "0.1.0", "method": "GET", "query": query}},
        EXAMPLES_KEY: [f"{PREFIX}{address}" for address in socket.addresses],
    }


def _operation(action: str, socket: TerminalSocket, views: Sequence[type[View]]) -> dict[str, Any]:
    channel = channel_id(socket)
    words = {"receive": "A client's requests.", "send": "Data and answers."}
    return {
        "action": action,
        "summary": words[action],
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in _names(views)],
    }


def _entry(socket: TerminalSocket) -> TerminalSocketView:
    return TerminalSocketView(
        path=socket.path,
        description=socket.description,
        parameters={one.name: _words(one.schema()) for one in socket.parameters},
        requests={str(one.__struct_config__.tag): first_line(one) for one in socket.requests},
        answers={str(one.__struct_config__.tag): first_line(one) for one in socket.answers},
        addresses=tuple(f"{PREFIX}{address}" for address in socket.addresses),
        examples=socket.said,
    )


def _words(schema: dict[str, Any]) -> str:
    """A parameter for people: what it is, what is allowed, its default."""
    parts = [schema["description"]]
    if "enum" in schema:
        parts.append(f"One of {', '.join(schema['enum'])}.")
    if "minimum" in schema:
        parts.append(f"From {schema['minimum']} to {schema['maximum']}.")
    if "default" in schema:
        parts.append(f"Default {schema['default']}.")
    return " ".join(parts)
