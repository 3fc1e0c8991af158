"""What an answer over all venues looks like: a key per venue, and `errors`.

The body is joined from the venues' own answers, so there is no struct to encode, only this schema.
"""

from collections.abc import Sequence
from typing import Any

from headwater.api.schemas.base import View, schema_name
from headwater.api.schemas.platform import Problem

_COMPONENTS = "#/components/schemas/"


def multi_schema(view: type[View], exchanges: Sequence[str], *, many: bool) -> dict[str, Any]:
    """The JSON schema of an answer over all venues.

    Args:
        view: what a venue answers with; another route of the document must name it.
        exchanges: ids of the venues.
        many: whether a venue answers with a list of them.
    """
    name = schema_name(view)
    one: dict[str, Any] = {"$ref": _COMPONENTS + name}
    data = {"type": "array", "items": one} if many else one
    problems = {
        "type": "object",
        "description": "Why each of the other venues has no data here; empty when all answered.",
        "additionalProperties": {"$ref": _COMPONENTS + schema_name(Problem)},
    }
    return {
        "title": f"Multi{name}",
        "type": "object",
        "description": "Each venue's data under its id; a venue without data is under `errors`.",
        "properties": {**dict.fromkeys(exchanges, data), "errors": problems},
        "required": ["errors"],
        "additionalProperties": False,
    }
