"""Zero settings are enough, and the shared defaults cannot be changed."""

import pytest

from headwater.api.settings import ApiSettings


def test_defaults_listen_on_loopback_only() -> None:
    settings = ApiSettings()
    assert settings.host == "127.0.0.1"
    assert not settings.allowed_origins
    with pytest.raises(AttributeError):
        settings.http.url_bytes = 1  # type: ignore[misc]
