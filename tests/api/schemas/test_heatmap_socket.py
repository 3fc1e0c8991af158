"""A map becomes the message that L-W1 documents."""

import json

from tests.api.heatmap_maps import make_snapshot

from headwater.api.schemas.base import encode
from headwater.api.schemas.heatmap_socket import HeatmapErrorView, snapshot_view


def test_a_snapshot_as_it_is_sent() -> None:
    message = json.loads(encode(snapshot_view(make_snapshot("ETHUSDT", 7, levels=1))))
    assert message == {
        "type": "snapshot",
        "symbol": "ETHUSDT",
        "timestamp": "2024-11-07T17:20:00.130Z",
        "data": {
            "levels": [{"price": 100.0, "long_density": 0.0, "short_density": 2e6}],
            "current_price": 7.0,
            "positions_created": 5e5,
            "positions_consumed": 2.5e5,
        },
    }


def test_an_error_without_a_symbol_has_the_documented_fields_only() -> None:
    error = HeatmapErrorView(code="RATE_LIMITED", message="slowly")
    assert json.loads(encode(error)) == {
        "type": "error",
        "code": "RATE_LIMITED",
        "message": "slowly",
    }
