"""The part of the stream documents about `/ws/heatmap`, made from `schemas.heatmap_socket`."""

from collections.abc import Sequence
from typing import Any, Final

from headwater.api.asyncapi_topics import first_line, message_documents
from headwater.api.heatmap_session import REQUESTS_PER_S
from headwater.api.heatmap_watch import RETRY_S
from headwater.api.schemas.base import View, json_schema_of, schema_name
from headwater.api.schemas.heatmap_socket import HEATMAP_ANSWERS, HEATMAP_REQUESTS, SYMBOLS_MAX
from headwater.api.schemas.platform import SpokenSocketView

PATH: Final = "/ws/heatmap"
"""Where to connect."""

CHANNEL: Final = "heatmap"
"""Name of the socket in the document."""

DESCRIPTION: Final = (
    "The liquidation map of up to "
    f"{SYMBOLS_MAX} symbols, whole, every `update_interval` seconds (1 to 60), the first one at "
    "once. A map is an estimate: what would be liquidated at each price. It is made once a second "
    "at most, for all clients together, and only of symbols that somebody watches. Where there is "
    f"none, `error` SERVER_ERROR says why, once; it is tried again every {RETRY_S:.0f} s. At most "
    f"{REQUESTS_PER_S} requests a second are answered. Errors and warnings leave the socket open. "
    "Who is silent is pinged, then warned, and closed after 60 s."
)
"""What the socket is, for people."""

_EXAMPLES: Final = (
    '{"action":"subscribe","symbols":["BTCUSDT","ETHUSDT"],"update_interval":5}',
    '{"action":"unsubscribe","symbols":["ETHUSDT"]}',
    '{"action":"ping"}',
)


def heatmap_channel() -> dict[str, Any]:
    """The socket: every message of both directions."""
    views = (*HEATMAP_REQUESTS, *HEATMAP_ANSWERS)
    names = [schema_name(view) for view in views]
    return {
        "address": PATH,
        "description": DESCRIPTION,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
        "bindings": {"ws": {"bindingVersion": "0.1.0", "method": "GET"}},
    }


def heatmap_operations() -> dict[str, Any]:
    """What we take and what we send there."""
    return {
        f"receive_{CHANNEL}": _operation("receive", "A client's requests.", HEATMAP_REQUESTS),
        f"send_{CHANNEL}": _operation("send", "Maps and answers.", HEATMAP_ANSWERS),
    }


def heatmap_messages() -> dict[str, Any]:
    """Every message by its name."""
    return message_documents((*HEATMAP_REQUESTS, *HEATMAP_ANSWERS))


def heatmap_schemas() -> dict[str, Any]:
    """JSON schema of every message."""
    views = (*HEATMAP_REQUESTS, *HEATMAP_ANSWERS)
    return {schema_name(view): json_schema_of(view) for view in views}


def heatmap_entry() -> SpokenSocketView:
    """The socket on the page for people."""
    return SpokenSocketView(
        path=PATH,
        description=DESCRIPTION,
        requests={str(one.__struct_config__.tag): first_line(one) for one in HEATMAP_REQUESTS},
        answers={str(one.__struct_config__.tag): first_line(one) for one in HEATMAP_ANSWERS},
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
