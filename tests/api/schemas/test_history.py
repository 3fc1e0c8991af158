"""Views of stored history and of the cache have the promised fields (L-R9 to L-R11)."""

import pytest

from headwater.api.schemas.base import View, json_schema_of
from headwater.api.schemas.history import (
    CacheStatsView,
    DateRangeView,
    KlinesView,
    KlineView,
)


@pytest.mark.parametrize(
    ("view", "promised"),
    [
        (KlinesView, {"symbol", "interval", "count", "data"}),
        (KlineView, {"timestamp", "open", "high", "low", "close", "volume"}),
        (DateRangeView, {"symbol", "start_date", "end_date"}),
        (
            CacheStatsView,
            {
                "hits",
                "misses",
                "total_requests",
                "hit_rate_percent",
                "cached_entries",
                "max_size",
                "ttl_seconds",
            },
        ),
    ],
)
def test_promised_fields_are_there_and_always_sent(view: type[View], promised: set[str]) -> None:
    schema = json_schema_of(view)
    assert promised <= set(schema["properties"])
    assert promised <= set(schema["required"])
