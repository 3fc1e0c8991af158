"""The part of the stream documents about the many-topic socket, made from `schemas.topics`."""

from collections.abc import Sequence
from typing import Any, Final

from headwater.api.schemas.base import View, json_schema_of, schema_name
from headwater.api.schemas.platform import SpokenSocketView
from headwater.api.schemas.topics import ANSWERS, REQUESTS
from headwater.api.topic_board import LINGER_S
from headwater.api.topic_channel import RECENT_EVENTS, RING_BYTES, RING_MESSAGES

PATH: Final = "/ws"
"""Where to connect."""

CHANNEL: Final = "many_topics"
"""Name of the socket in the document."""

DESCRIPTION: Final = (
    "Many topics on one socket. A topic is path and query of any stream here, without `/ws/`, such "
    "as `binance/BTCUSDT/trades`. It begins with a snapshot; each update has the number after the "
    "one before. After a break, subscribe with `after`, the number of the last message you have: "
    f"the newest {RING_MESSAGES} messages of a topic (at most {RING_BYTES // 1024} KiB) are kept "
    f"while it has clients and for {LINGER_S:.0f} s after the last. A snapshot of events holds the "
    f"newest {RECENT_EVENTS} at most. What is wrong with a request is answered by `error`, and the "
    "socket stays open."
)
"""What the socket is, for people."""

_EXAMPLES: Final = (
    '{"op":"subscribe","id":1,"topics":["binance/BTCUSDT/trades","okx/ETHUSDT/ohlc?interval=5m"]}',
    '{"op":"subscribe","id":2,"topics":[{"topic":"all/liquidations","after":1767225600000123}]}',
    '{"op":"unsubscribe","id":3,"topics":["binance/BTCUSDT/trades"]}',
    '{"op":"ping","id":4}',
    '{"op":"list","id":5}',
)


def topics_channel() -> dict[str, Any]:
    """The socket: every message of both directions."""
    messages = {schema_name(view): _reference(view) for view in (*REQUESTS, *ANSWERS)}
    return {
        "address": PATH,
        "description": DESCRIPTION,
        "messages": {**messages, "Dropped": {"$ref": "#/components/messages/Dropped"}},
        "bindings": {"ws": {"bindingVersion": "0.1.0", "method": "GET"}},
    }


def topics_operations() -> dict[str, Any]:
    """What we take and what we send there."""
    return {
        f"receive_{CHANNEL}": _operation("receive", "A client's requests.", REQUESTS),
        f"send_{CHANNEL}": _operation("send", "Answers and the topics' messages.", ANSWERS),
    }


def topics_messages() -> dict[str, Any]:
    """Every message by its name."""
    return message_documents((*REQUESTS, *ANSWERS))


def topics_schemas() -> dict[str, Any]:
    """JSON schema of every message."""
    return {schema_name(view): json_schema_of(view) for view in (*REQUESTS, *ANSWERS)}


def topics_entry() -> SpokenSocketView:
    """The socket on the page for people."""
    return SpokenSocketView(
        path=PATH,
        description=DESCRIPTION,
        requests={str(view.__struct_config__.tag): first_line(view) for view in REQUESTS},
        answers={
            **{str(view.__struct_config__.tag): first_line(view) for view in ANSWERS},
            "dropped": "Sent in place of events that a slow client missed.",
        },
        examples=_EXAMPLES,
    )


def _operation(action: str, summary: str, views: Sequence[type[View]]) -> dict[str, Any]:
    names = [schema_name(view) for view in views]
    return {
        "action": action,
        "summary": summary,
        "channel": {"$ref": f"#/channels/{CHANNEL}"},
        "messages": [{"$ref": f"#/channels/{CHANNEL}/messages/{name}"} for name in names],
    }


def _reference(view: type[View]) -> dict[str, str]:
    return {"$ref": f"#/components/messages/{schema_name(view)}"}


def message_documents(views: Sequence[type[View]]) -> dict[str, Any]:
    """Messages by their names, for `components`."""
    return {
        schema_name(view): {
            "name": schema_name(view),
            "title": first_line(view),
            "payload": {"$ref": f"#/components/schemas/{schema_name(view)}"},
        }
        for view in views
    }


def first_line(view: type[View]) -> str:
    """What a message is, in one sentence."""
    return (view.__doc__ or schema_name(view)).split("\n", 1)[0]
