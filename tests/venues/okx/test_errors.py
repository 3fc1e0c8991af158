"""OKX's answers in trouble."""

import pytest

from headwater.core.errors import (
    AuthRejected,
    OutcomeUnknown,
    RateLimited,
    VenueRejected,
    VenueTimeout,
    VenueUnavailable,
)
from headwater.core.http_messages import HttpReply
from headwater.venues.okx.errors import RATE_WAIT_S, error_of


def reply(status: int, code: str, words: str = "x") -> HttpReply:
    """An answer with a code."""
    body = f'{{"code":"{code}","msg":"{words}","data":[]}}'.encode()
    return HttpReply(status=status, headers={}, body=body, received_ns=1)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (200, "50011", RateLimited), (429, "50011", RateLimited), (429, "50013", VenueUnavailable),
        (503, "50001", VenueUnavailable), (400, "50004", VenueTimeout),
        (401, "50113", AuthRejected), (200, "51001", VenueRejected),
        (500, "59999", VenueUnavailable),
    ],
)  # fmt: skip
def test_codes(status: int, code: str, kind: type[Exception]) -> None:
    error = error_of(reply(status, code))
    assert type(error) is kind
    assert error.code == code


def test_success_and_limits() -> None:
    assert error_of(reply(200, "0")) is None
    error = error_of(reply(200, "50011"))
    assert error is not None
    assert error.retry_after_s == RATE_WAIT_S


def test_an_order_without_an_answer_is_unknown_and_never_rejected() -> None:
    for status, code in ((400, "50004"), (500, "50026"), (500, "59999")):
        assert isinstance(error_of(reply(status, code), is_order=True), OutcomeUnknown)
    page = HttpReply(status=502, headers={}, body=b"<html>bad</html>", received_ns=1)
    assert isinstance(error_of(page, is_order=True), OutcomeUnknown)
    assert isinstance(error_of(page), VenueUnavailable)
