"""Documents of the WebSocket streams, both made from `streams.STREAMS`.

`/asyncapi.json` is AsyncAPI 3.0 (https://www.asyncapi.com/docs/reference/specification/v3.0.0)
for programs; `/ws-catalog` (requirements T-R11) is a page of JSON for people.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from headwater.api.schemas.base import json_schema_of, schema_name
from headwater.api.schemas.platform import CatalogView
from headwater.api.settings import ApiSettings
from headwater.api.streams import ALL, DEFAULT_INTERVAL, STREAMS, StreamSpec
from headwater.core.intervals import Interval

PATTERN: Final = "/ws/{exchange}/{symbol}/{stream}"
"""Path of every stream of one venue."""

EXAMPLE_SYMBOL: Final = "BTCUSDT"
"""Listed by every venue."""

_DROPPED: Final[dict[str, Any]] = {
    "type": "object",
    "description": "Sent in place of events that a slow client missed.",
    "properties": {
        "type": {"const": "dropped"},
        "topic": {"type": "string", "description": "Which stream."},
        "count": {
            "type": "integer",
            "minimum": 1,
            "description": "Events missed; where the server itself was late, at most so many.",
        },
    },
    "required": ["type", "topic", "count"],
}
_CLOSE_CODES: Final = (
    "Nothing is expected from the client. Close codes: 1008 the path or the query is wrong (the "
    "reason names the field and what is allowed), 1011 our fault, 1012 the server restarts, "
    "1013 too slow, or the venue cannot be reached: try again later."
)


def asyncapi_document(settings: ApiSettings, exchanges: Sequence[str]) -> bytes:
    """The AsyncAPI document as JSON.

    Args:
        settings: name, version and address of the service.
        exchanges: ids of the venues.
    """
    document: dict[str, Any] = {
        "asyncapi": "3.0.0",
        "info": {
            "title": f"{settings.service} streams",
            "version": settings.version,
            "description": _CLOSE_CODES,
        },
        "defaultContentType": "application/json",
        "servers": {
            "here": {"host": f"{settings.host}:{settings.port}", "protocol": "ws"},
        },
        "channels": {spec.name: _channel(spec, exchanges) for spec in STREAMS.values()},
        "operations": {
            f"send_{spec.name}": {
                "action": "send",
                "summary": spec.description,
                "channel": {"$ref": f"#/channels/{spec.name}"},
            }
            for spec in STREAMS.values()
        },
        "components": {
            "messages": {
                **{schema_name(s.view): _message(s) for s in STREAMS.values()},
                "Dropped": {
                    "name": "Dropped",
                    "title": "Events were missed",
                    "payload": {"$ref": "#/components/schemas/Dropped"},
                },
            },
            "schemas": {
                **{schema_name(s.view): json_schema_of(s.view) for s in STREAMS.values()},
                "Dropped": _DROPPED,
            },
        },
    }
    return msgspec.json.encode(document)


def catalog(exchanges: Sequence[str]) -> CatalogView:
    """The page of `/ws-catalog`.

    Args:
        exchanges: ids of the venues.
    """
    examples = tuple(
        PATTERN.format(exchange=exchange, symbol=EXAMPLE_SYMBOL, stream=spec.name)
        + (f"?interval={DEFAULT_INTERVAL.value}" if spec.takes_interval else "")
        for exchange in exchanges
        for spec in STREAMS.values()
    )
    return CatalogView(
        per_exchange_pattern=PATTERN,
        streams={spec.name: spec.description for spec in STREAMS.values()},
        aggregated=(),
        examples=examples,
        documentation="/asyncapi.json",
    )


def _channel(spec: StreamSpec, exchanges: Sequence[str]) -> dict[str, Any]:
    """One stream."""
    words = "Symbol in any common spelling."
    if spec.takes_all:
        words += f" `{ALL}` for the whole market."
    binding: dict[str, Any] = {"bindingVersion": "0.1.0", "method": "GET"}
    if spec.takes_interval:
        binding["query"] = {
            "type": "object",
            "properties": {
                "interval": {
                    "type": "string",
                    "enum": [interval.value for interval in Interval],
                    "default": DEFAULT_INTERVAL.value,
                }
            },
        }
    return {
        "address": f"/ws/{{exchange}}/{{symbol}}/{spec.name}",
        "description": spec.description,
        "parameters": {
            "exchange": {"description": "Venue id.", "enum": list(exchanges)},
            "symbol": {"description": words, "examples": [EXAMPLE_SYMBOL]},
        },
        "messages": {
            "event": {"$ref": f"#/components/messages/{schema_name(spec.view)}"},
            "dropped": {"$ref": "#/components/messages/Dropped"},
        },
        "bindings": {"ws": binding},
    }


def _message(spec: StreamSpec) -> dict[str, Any]:
    """What one stream sends."""
    name = schema_name(spec.view)
    return {
        "name": name,
        "title": (spec.view.__doc__ or name).split("\n", 1)[0],
        "payload": {"$ref": f"#/components/schemas/{name}"},
    }
