"""Bybit's answers in trouble."""

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
from headwater.venues.bybit.errors import BAN_S, error_of


def reply(status: int = 200, body: bytes = b"{}", **headers: str) -> HttpReply:
    """An answer."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpReply(status=status, headers=named, body=body, received_ns=10**18)


def code(number: int, words: str = "x") -> bytes:
    """A body with a return code."""
    return b'{"retCode":%d,"retMsg":"%s","result":{}}' % (number, words.encode())


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (10000, VenueTimeout), (10001, VenueRejected), (10003, AuthRejected), (10004, AuthRejected),
        (10006, RateLimited), (10016, VenueUnavailable), (10018, RateLimited),
        (110001, VenueRejected),
    ],
)  # fmt: skip
def test_codes_come_with_http_200(number: int, kind: type[Exception]) -> None:
    error = error_of(reply(body=code(number)))
    assert type(error) is kind
    assert error.code == number


def test_success_has_many_words() -> None:
    for words in ("OK", "success", "SUCCESS", ""):
        assert error_of(reply(body=code(0, words))) is None


def test_a_ban_is_waited_out() -> None:
    """403 with the venue's words, or without any, is the ban of ten minutes; else no permission."""
    for body in (b"403 Forbidden: access too frequent", b"", b"<html>Access Too Frequent</html>"):
        error = error_of(reply(403, body))
        assert isinstance(error, RateLimited)
        assert error.retry_after_s == BAN_S
    assert isinstance(error_of(reply(403, b"Forbidden in your country")), AuthRejected)


def test_a_limit_says_when_it_begins_anew() -> None:
    told = reply(body=code(10006), x_bapi_limit_reset_timestamp=str(10**12 + 4_000))
    error = error_of(told)
    assert error is not None
    assert error.retry_after_s == 4.0


def test_an_order_without_an_answer_is_unknown_and_never_rejected() -> None:
    for number in (10000, 10016):
        assert isinstance(error_of(reply(body=code(number)), is_order=True), OutcomeUnknown)
    for status in (500, 502, 504, 408):
        assert isinstance(error_of(reply(status, b""), is_order=True), OutcomeUnknown)
    assert isinstance(error_of(reply(body=code(110007)), is_order=True), VenueRejected)
