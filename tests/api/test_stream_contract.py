"""The contract's values check themselves."""

import pytest

from headwater.api.stream_contract import (
    HubCounters,
    StreamAccepted,
    StreamLimits,
    StreamRefused,
    StreamRequest,
)
from headwater.core.errors import ConfigError


def test_limits_must_be_positive_and_consistent() -> None:
    with pytest.raises(ConfigError, match="max_clients"):
        StreamLimits(max_clients=0)
    with pytest.raises(ConfigError, match="slow_close_s"):
        StreamLimits(slow_close_s=-1.0)
    with pytest.raises(ConfigError, match="chunk_bytes"):
        StreamLimits(buffer_bytes=1000, chunk_bytes=126)
    assert StreamLimits(buffer_bytes=1000, chunk_bytes=125).max_payload_bytes == 500


def test_what_waits_for_a_client_is_at_most_a_mebibyte_by_default() -> None:
    assert StreamLimits().buffer_bytes == 1 << 20


def test_a_refusal_is_either_http_or_a_close_code() -> None:
    StreamRefused(http_status=404)
    assert StreamRefused(close_code=1008).messages == ()
    with pytest.raises(ValueError, match="one of"):
        StreamRefused()
    with pytest.raises(ValueError, match="one of"):
        StreamRefused(http_status=404, close_code=1008)


def test_a_filter_that_cannot_be_shared_is_found_at_once() -> None:
    class Unhashable:
        __hash__ = None  # type: ignore[assignment]

        def __call__(self, record: object) -> bool:
            return True

    with pytest.raises(TypeError, match="unhashable"):
        StreamAccepted(topics=(), wants=Unhashable())


def test_a_request_gives_its_first_header() -> None:
    headers = ((b"a", b"1"), (b"a", b"2"))
    request = StreamRequest(path="/", query="", headers=headers, client_host="", scheme="http")
    assert (request.header(b"a"), request.header(b"b")) == (b"1", None)


def test_refusals_are_counted_by_reason() -> None:
    counters = HubCounters()
    for reason in ("http_403", "close_1008", "http_403"):
        counters.refuse(reason)
    assert counters.refused == {"http_403": 2, "close_1008": 1}
