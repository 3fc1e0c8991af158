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
