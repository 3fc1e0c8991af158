"""The health of venues is described where readers of the document look."""

from headwater.api.schemas.base import json_schema_of
from headwater.api.schemas.venue_health import VenuesHealthView


def test_what_is_not_measured_may_be_null_and_says_so() -> None:
    schema = json_schema_of(VenuesHealthView)
    venue = schema["properties"]["exchanges"]["additionalProperties"]
    wanted = {
        "exchange",
        "is_connected",
        "last_heartbeat",
        "message_count",
        "error_count",
        "uptime_percent",
        "last_error",
    }
    assert wanted <= set(venue["required"])
    uptime = venue["properties"]["uptime_percent"]
    assert {"type": "null"} in uptime["anyOf"]
    assert "null where it is not measured" in uptime["description"]
    stream = venue["properties"]["channels"]["items"]
    assert "more than 50" in stream["properties"]["symbol"]["description"]
