"""Statuses, codes and texts of failures, and what the caller is to do about each."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.core.errors import (
    AuthRejected,
    OutcomeUnknown,
    RateLimited,
    VenueError,
    VenueRejected,
    VenueTimeout,
    VenueUnavailable,
)
from headwater.core.http_messages import HttpReply
from headwater.venues.binance.errors import RETRY_AFTER_MAX_S, error_of, used_weights

NOW_NS = 1_700_000_000_000_000_000


def reply(status: int, body: object = b"", **headers: str) -> HttpReply:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpReply(status=status, headers=names, body=raw, received_ns=NOW_NS)


def code(number: int, msg: str = "words") -> dict[str, object]:
    return {"code": number, "msg": msg}


def error(answer: HttpReply, *, is_order: bool = False) -> VenueError:
    found = error_of(answer, is_order=is_order)
    assert found is not None
    assert found.exchange == "binance"
    return found


def test_success_is_no_error() -> None:
    assert error_of(reply(200, b"anything")) is None
    assert error_of(reply(200, {"code": 200, "msg": "ok"})) is None


UNKNOWN_503 = code(-1000, "Unknown error, please check your request or try again later.")


@pytest.mark.parametrize(
    ("answer", "of_a_read", "of_an_order"),
    [
        (reply(400, code(-1121)), VenueRejected, VenueRejected),
        (reply(400, code(-2010)), VenueRejected, VenueRejected),
        (reply(400, code(-424242)), VenueRejected, VenueRejected),
        (reply(401, code(-2015)), AuthRejected, AuthRejected),
        (reply(400, code(-1022)), AuthRejected, AuthRejected),
        (reply(400, code(-1003)), RateLimited, RateLimited),
        (reply(400, code(-1015)), RateLimited, RateLimited),
        (reply(403, b"<html>WAF</html>"), RateLimited, RateLimited),
        (reply(404, b""), VenueRejected, VenueRejected),
        (reply(408, b""), VenueTimeout, OutcomeUnknown),
        (reply(400, code(-1007)), VenueTimeout, OutcomeUnknown),
        (reply(400, code(-1006)), VenueUnavailable, OutcomeUnknown),
        (reply(418, code(-1003)), RateLimited, RateLimited),
        (reply(429, code(-1003)), RateLimited, RateLimited),
        (reply(451, {"msg": "Service unavailable from a restricted location"}),
         VenueRejected, VenueRejected),
        (reply(503, UNKNOWN_503), VenueUnavailable, OutcomeUnknown),
        (reply(503, {"msg": "Unknown error, please check"}), VenueUnavailable, OutcomeUnknown),
        (reply(503, {"msg": "Service Unavailable."}), VenueUnavailable, VenueUnavailable),
        (reply(503, code(-1000, "Service Unavailable.")), VenueUnavailable, VenueUnavailable),
        (reply(503, code(-1008, "Request throttled")), VenueUnavailable, VenueUnavailable),
        (reply(502, b"<html><h1>Bad Gateway</h1></html>"), VenueUnavailable, OutcomeUnknown),
        (reply(500, b""), VenueUnavailable, OutcomeUnknown),
        (reply(301, b""), VenueUnavailable, OutcomeUnknown),
    ],
)  # fmt: skip
def test_every_failure_has_its_kind(
    answer: HttpReply, of_a_read: type[VenueError], of_an_order: type[VenueError]
) -> None:
    assert type(error(answer)) is of_a_read
    assert type(error(answer, is_order=True)) is of_an_order


def test_reads_are_retryable_exactly_when_nothing_is_wrong_with_them() -> None:
    assert error(reply(502)).retryable
    assert error(reply(429)).retryable
    assert not error(reply(400, code(-1121))).retryable


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        (reply(429, code(-1003), retry_after="7"), 7.0),
        (reply(429, code(-1003)), 60.0),
        (reply(418, code(-1003)), 120.0),
        (reply(418, code(-1003, "IP banned until 1700000300000. Please use websocket.")), 300.0),
        (reply(418, code(-1003, "IP banned until 1600000000000"), retry_after="9"), 9.0),
        (reply(418, code(-1003, "IP banned until 1600000000000")), 0.0),
        (reply(418, code(-1003, "IP banned until 9999999999999999")), RETRY_AFTER_MAX_S),
        (reply(429, b"", retry_after="Wed, 21 Oct 2026 07:28:00 GMT"), 60.0),
        (reply(429, b"", retry_after="-5"), 60.0),
    ],
)
def test_how_long_to_wait(answer: HttpReply, seconds: float) -> None:
    assert error(answer).retry_after_s == seconds


def test_code_status_and_words_are_kept() -> None:
    found = error(reply(400, code(-1121, "Invalid symbol.")))
    assert (found.code, found.http_status, found.message) == (-1121, 400, "Invalid symbol.")
    page = error(reply(502, b"<html><head><title>502</title></head><h1>Bad\n Gateway</h1>"))
    assert page.message == "502 Bad Gateway"
    assert error(reply(500, b"")).message == "HTTP 500"


def test_used_weight_comes_from_its_header() -> None:
    assert used_weights(reply(200, b"", x_mbx_used_weight_1m="1234")) == {"ip": 1234}
    for text in ("", "x", "-1", "1" * 30, "٣"):
        assert used_weights(reply(200, b"", x_mbx_used_weight_1m=text)) == {}
    assert used_weights(reply(200)) == {}


@given(st.integers(100, 599), st.binary(max_size=60), st.text(max_size=12), st.booleans())
def test_any_answer_gives_an_error_or_none(
    status: int, body: bytes, retry_after: str, is_order: bool
) -> None:
    found = error_of(reply(status, body, retry_after=retry_after), is_order=is_order)
    assert (found is None) == (200 <= status < 300)
    if isinstance(found, RateLimited):
        assert found.retry_after_s is not None
        assert 0 <= found.retry_after_s <= RETRY_AFTER_MAX_S
