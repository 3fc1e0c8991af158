"""Documents of the WebSocket streams, both made from `streams.STREAMS` and `streams.AGGREGATES`.

`/asyncapi.json` is AsyncAPI 3.0 (https://www.asyncapi.com/docs/reference/specification/v3.0.0)
for programs; `/ws-catalog` (requirements T-R11) is a page of JSON for people.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from headwater.api.asyncapi_heatmap import CHANNEL as HEATMAP_CHANNEL
from headwater.api.asyncapi_heatmap import (
    heatmap_channel,
    heatmap_entry,
    heatmap_messages,
    heatmap_operations,
    heatmap_schemas,
)
from headwater.api.asyncapi_terminal import (
    terminal_channels,
    terminal_entries,
    terminal_messages,
    terminal_operations,
    terminal_schemas,
)
from headwater.api.asyncapi_topics import (
    CHANNEL,
    topics_channel,
    topics_entry,
    topics_messages,
    topics_operations,
    topics_schemas,
)
from headwater.api.schemas.base import json_schema_of, schema_name
from headwater.api.schemas.platform import CatalogEntryView, CatalogView
from headwater.api.settings import ApiSettings
from headwater.api.stream_filters import LIST_MAX, VALUE_MAX_USD
from headwater.api.streams import (
    AGGREGATES,
    ALL,
    DEFAULT_INTERVAL,
    STREAMS,
    AggregateSpec,
    StreamSpec,
)
from headwater.core.intervals import Interval

PATTERN: Final = "/ws/{exchange}/{symbol}/{stream}"
"""Path of every stream of one venue."""

EXAMPLE_SYMBOL: Final = "BTCUSDT"
"""Listed by every venue."""

_SPECS: Final[Sequence[StreamSpec]] = (*STREAMS.values(), *AGGREGATES.values())

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
_LISTS: Final = f"comma-separated, at most {LIST_MAX}"
_CLOSE_CODES: Final = (
    "Nothing is expected from the client, except on `/ws`, `/ws/heatmap` and `/api/v1/ws/…`. Close "
    "codes: 1008 the path or the query is wrong (the reason names the field and what is allowed), "
    "1011 our fault, 1012 the server restarts, 1013 too slow, or the venue cannot be reached: try "
    "again later; on `/api/v1/ws/…` 4000, after an `error` message, for what is wrong with an "
    "address."
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
        "channels": {
            **{spec.name: _channel(spec, exchanges) for spec in STREAMS.values()},
            **{
                _channel_id(spec): _aggregate_channel(spec, exchanges, settings.spike_timeframes)
                for spec in AGGREGATES.values()
            },
            CHANNEL: topics_channel(),
            HEATMAP_CHANNEL: heatmap_channel(),
            **terminal_channels(),
        },
        "operations": {
            **{f"send_{_channel_id(spec)}": _operation(spec) for spec in _SPECS},
            **topics_operations(),
            **heatmap_operations(),
            **terminal_operations(),
        },
        "components": {
            "messages": {
                **{schema_name(spec.view): _message(spec) for spec in _SPECS},
                **topics_messages(),
                **heatmap_messages(),
                **terminal_messages(),
                "Dropped": {
                    "name": "Dropped",
                    "title": "Events were missed",
                    "payload": {"$ref": "#/components/schemas/Dropped"},
                },
            },
            "schemas": {
                **{schema_name(spec.view): json_schema_of(spec.view) for spec in _SPECS},
                **topics_schemas(),
                **heatmap_schemas(),
                **terminal_schemas(),
                "Dropped": _DROPPED,
            },
        },
    }
    return msgspec.json.encode(document)


def catalog(settings: ApiSettings, exchanges: Sequence[str]) -> CatalogView:
    """The page of `/ws-catalog`.

    Args:
        settings: tell which bars are watched for spikes.
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
        aggregated=tuple(
            _catalog_entry(spec, exchanges, settings.spike_timeframes)
            for spec in AGGREGATES.values()
        ),
        many_topics=topics_entry(),
        heatmap=heatmap_entry(),
        terminal=terminal_entries(),
        examples=(*examples, *(f"/ws/{path}" for path in AGGREGATES)),
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


def _channel_id(spec: StreamSpec) -> str:
    """Name of a stream's channel in the document."""
    return spec.path.replace("/", "_") if isinstance(spec, AggregateSpec) else spec.name


def _operation(spec: StreamSpec) -> dict[str, Any]:
    """That we send the messages of one stream."""
    return {
        "action": "send",
        "summary": spec.description,
        "channel": {"$ref": f"#/channels/{_channel_id(spec)}"},
    }


def _parameters(
    spec: AggregateSpec, exchanges: Sequence[str], timeframes: Sequence[Interval]
) -> dict[str, dict[str, Any]]:
    """What the query of a stream over all venues may say, as JSON schemas by name."""
    offered = ",".join(timeframe.value for timeframe in timeframes)
    known: dict[str, dict[str, Any]] = {
        "min_value_usd": {
            "type": "number",
            "minimum": 0,
            "maximum": VALUE_MAX_USD,
            "default": spec.min_value_usd,
            "description": "Least value in USD, inclusive.",
        },
        "timeframes": {
            "type": "string",
            "default": offered,
            "description": f"Lengths of bars, comma-separated, of {offered}.",
        },
        "exchanges": {
            "type": "string",
            "description": f"Venue ids, {_LISTS}, of {','.join(exchanges)}; left out: all.",
        },
        "symbols": {
            "type": "string",
            "description": f"Symbols in any common spelling, {_LISTS}; left out: all.",
        },
    }
    return {name: known[name] for name in spec.parameters}


def _aggregate_channel(
    spec: AggregateSpec, exchanges: Sequence[str], timeframes: Sequence[Interval]
) -> dict[str, Any]:
    """One stream over all venues."""
    query = {"type": "object", "properties": _parameters(spec, exchanges, timeframes)}
    return {
        "address": f"/ws/{spec.path}",
        "description": spec.description,
        "messages": {
            "event": {"$ref": f"#/components/messages/{schema_name(spec.view)}"},
            "dropped": {"$ref": "#/components/messages/Dropped"},
        },
        "bindings": {"ws": {"bindingVersion": "0.1.0", "method": "GET", "query": query}},
    }


def _catalog_entry(
    spec: AggregateSpec, exchanges: Sequence[str], timeframes: Sequence[Interval]
) -> CatalogEntryView:
    """One stream over all venues, for people."""
    words = []
    for name, schema in _parameters(spec, exchanges, timeframes).items():
        default = f" Default {schema['default']}." if "default" in schema else ""
        words.append(f"{name}: {schema['description']}{default}")
    return CatalogEntryView(
        path=f"/ws/{spec.path}", query=" ".join(words), description=spec.description
    )


def _message(spec: StreamSpec) -> dict[str, Any]:
    """What one stream sends."""
    name = schema_name(spec.view)
    return {
        "name": name,
        "title": (spec.view.__doc__ or name).split("\n", 1)[0],
        "payload": {"$ref": f"#/components/schemas/{name}"},
    }
