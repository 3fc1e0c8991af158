"""Hyperliquid's answers in trouble: plain text, or nothing."""

import pytest

from headwater.core.errors import OutcomeUnknown, RateLimited, VenueRejected, VenueUnavailable
from headwater.core.http_messages import HttpReply
from headwater.venues.hyperliquid.errors import error_of


def reply(status: int, body: bytes = b"") -> HttpReply:
    """An answer."""
    return HttpReply(status=status, headers={}, body=body, received_ns=1)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (422, b"Failed to deserialize the JSON body into the target type", VenueRejected),
        (429, b"", RateLimited), (500, b"null", VenueRejected), (500, b"oops", VenueUnavailable),
        (502, b"<html>bad gateway</html>", VenueUnavailable),
    ],
)  # fmt: skip
def test_statuses(status: int, body: bytes, kind: type[Exception]) -> None:
    assert type(error_of(reply(status, body))) is kind


def test_success_and_a_limit_without_a_time() -> None:
    assert error_of(reply(200, b"[]")) is None
    error = error_of(reply(429))
    assert error is not None
    assert error.retry_after_s is not None
    assert error.retry_after_s > 0


def test_an_order_without_an_answer_is_unknown_and_never_rejected() -> None:
    for status in (500, 502, 504):
        assert isinstance(error_of(reply(status, b"null"), is_order=True), OutcomeUnknown)
