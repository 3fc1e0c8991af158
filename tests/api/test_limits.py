"""Bounds are bounds."""

import pytest

from headwater.api.limits import CacheSettings, HttpLimits
from headwater.core.errors import ConfigError


def test_defaults_stand() -> None:
    assert HttpLimits().request_timeout_s <= 10
    assert CacheSettings().bytes_max <= 64 * 1024 * 1024


@pytest.mark.parametrize("name", HttpLimits.__struct_fields__)
def test_nothing_may_be_zero(name: str) -> None:
    with pytest.raises(ConfigError, match=name):
        HttpLimits(**{name: 0})


def test_the_longest_time_an_answer_is_kept() -> None:
    """Candles 1 to 5 s, open interest and funding 10 to 30 s (T-P2), maps 300 s (L-R3)."""
    kept = CacheSettings()
    assert 1 <= kept.candles_s <= 5
    assert 10 <= kept.interest_s <= kept.history_s <= 30
    assert kept.longest_s == kept.heatmap_s == 300
    assert CacheSettings(book_s=999.0).longest_s == 999
