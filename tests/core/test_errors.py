"""The error tree: what may be retried, and what a user reads."""

from pathlib import Path

from headwater.core.errors import (
    ConfigError,
    OutcomeUnknown,
    PlatformError,
    RateLimited,
    RequestError,
    UnknownSymbol,
    VenueRejected,
    VenueTimeout,
    VenueUnavailable,
    WireError,
)


def test_only_safe_failures_may_be_retried() -> None:
    retryable = {kind for kind in (VenueUnavailable, VenueTimeout, RateLimited) if kind.retryable}
    assert retryable == {VenueUnavailable, VenueTimeout, RateLimited}
    assert not OutcomeUnknown.retryable
    assert not VenueRejected.retryable


def test_messages_name_field_value_and_what_is_allowed() -> None:
    assert str(ConfigError("port", "is text", "0 to 65535")) == "port: is text; allowed: 0 to 65535"
    assert str(RequestError("limit", -1, "1 to 1500")) == "limit='-1': 1 to 1500"
    unknown = UnknownSymbol("okx", "X" * 500, ["BTCUSDT"])
    assert len(unknown.value) == 80
    assert unknown.suggestions == ("BTCUSDT",)


def test_a_wire_error_keeps_only_a_cut_of_the_payload() -> None:
    error = WireError("binance", "aggTrade", "bad", b"\xff" * 10_000)
    assert len(error.payload_cut) == 200
    assert isinstance(error, PlatformError)


def test_a_long_path_keeps_its_name() -> None:
    """The end of a path tells more than its beginning; of any other value the beginning does."""
    error = RequestError("file", Path("/" + "long/" * 40 + "run.json"), "a file that is there")
    assert len(error.value) == 80
    assert error.value.startswith("…")
    assert error.value.endswith("/run.json")
    assert RequestError("text", "a" * 100, "less").value == "a" * 80
