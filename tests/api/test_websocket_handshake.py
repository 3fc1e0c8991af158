"""The opening handshake: what is accepted, what is refused and in which words."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.api.streaming import upgrade_request

from headwater.api.errors import make_problem
from headwater.api.websocket_handshake import (
    RequestHead,
    check_handshake,
    check_host,
    check_origin,
    encode_accept,
    encode_problem,
    encode_refusal,
    parse_request_head,
)


def head_of(request: bytes) -> RequestHead:
    """The head of a request that has one."""
    head = parse_request_head(request)
    assert head is not None
    return head


def test_the_request_is_read() -> None:
    head = head_of(upgrade_request("/ws/a%20b?interval=1m&x=%3D", origin="https://a.example"))
    assert (head.method, head.path, head.query) == ("GET", "/ws/a b", "interval=1m&x=%3D")
    assert head.header(b"origin") == b"https://a.example"
    assert head.header(b"absent") is None


@given(st.binary(max_size=200))
def test_any_bytes_are_a_head_or_none(data: bytes) -> None:
    parse_request_head(data)
    parse_request_head(b"GET / HTTP/1.1\r\n" + data + b"\r\n\r\n")


def test_the_key_is_answered_as_the_standard_computes_it() -> None:
    """The example of RFC 6455 section 1.3."""
    head = head_of(upgrade_request())
    assert check_handshake(head) is None
    lines = encode_accept(head, [(b"x-extra", b"1")]).split(b"\r\n")
    assert lines[0] == b"HTTP/1.1 101 Switching Protocols"
    assert b"sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in lines
    assert b"x-extra: 1" in lines
    assert lines[-2:] == [b"", b""]


@pytest.mark.parametrize(
    ("headers", "status", "field"),
    [
        ({"upgrade": "h2c"}, 400, "Upgrade"),
        ({"connection": "keep-alive"}, 400, "Connection"),
        ({"sec_websocket_version": "8"}, 426, "Sec-WebSocket-Version"),
        ({"sec_websocket_key": "short"}, 400, "Sec-WebSocket-Key"),
        ({"sec_websocket_key": "!" * 24}, 400, "Sec-WebSocket-Key"),
    ],
)
def test_a_bad_handshake_names_the_header(headers: dict[str, str], status: int, field: str) -> None:
    problem = check_handshake(head_of(upgrade_request(**headers)))
    assert problem is not None
    assert (problem.status, problem.errors[0].field) == (status, field)
    assert problem.errors[0].allowed


def test_other_methods_and_missing_or_double_headers_are_refused() -> None:
    whole = upgrade_request()
    wrong = [
        (whole.replace(b"GET", b"POST"), 405),
        (whole.replace(b"host: 127.0.0.1\r\n", b""), 400),
        (whole.replace(b"host: ", b"host: a\r\nhost: "), 400),
        (whole.replace(b"sec-websocket-key", b"x-key"), 400),
        (whole.replace(b"sec-websocket-key", b"sec-websocket-key: a\r\nsec-websocket-key"), 400),
        (whole.replace(b"sec-websocket-version", b"x-version"), 426),
    ]
    for request, status in wrong:
        problem = check_handshake(head_of(request))
        assert problem is not None
        assert problem.status == status


@pytest.mark.parametrize(
    ("origin", "host", "passes"),
    [
        (None, "a.example", True),
        ("https://a.example", "a.example", True),
        ("http://a.example:8000", "a.example:8000", True),
        ("https://a.example", "a.example:443", True),
        ("http://[::1]:8000", "[::1]:8000", True),
        ("https://friend.example", "a.example", True),
        ("https://FRIEND.example/", "a.example", True),
        ("https://a.example:8000", "a.example:8001", False),
        ("http://a.example.evil", "a.example", False),
        ("https://evil.example", "a.example", False),
        ("http://friend.example", "a.example", False),
        ("null", "a.example", False),
        ("", "", False),
        ("http://[broken", "a.example", False),
        ("http://a.example:port", "a.example", False),
    ],
)
def test_origins(origin: str | None, host: str, passes: bool) -> None:
    headers = {"host": host} if origin is None else {"host": host, "origin": origin}
    problem = check_origin(
        head_of(upgrade_request(**headers)), frozenset({"https://friend.example"})
    )
    assert (problem is None) is passes


def test_a_refused_origin_is_named_with_what_is_allowed() -> None:
    head = head_of(upgrade_request(origin="https://evil.example", host="here:1"))
    problem = check_origin(head, frozenset({"https://app.example"}))
    assert problem is not None
    raw = encode_problem(problem)
    first, _, body = raw.partition(b"\r\n\r\n")
    assert first.startswith(b"HTTP/1.1 403 Forbidden\r\ncontent-type: application/problem+json")
    decoded = msgspec.json.decode(body)
    assert decoded["status"] == 403
    assert decoded["errors"][0]["field"] == "Origin"
    assert decoded["errors"][0]["value"] == "https://evil.example"
    assert "https://app.example" in decoded["errors"][0]["allowed"]


def test_any_origin_is_allowed_by_a_star() -> None:
    assert check_origin(head_of(upgrade_request(origin="null")), frozenset({"*"})) is None


def test_refusals_carry_the_headers_their_status_asks_for() -> None:
    busy = make_problem(503, "too_many_clients", "full", retry_after=4.5)
    assert b"\r\nretry-after: 5\r\n" in encode_problem(busy)
    assert b"\r\nallow: GET\r\n" in encode_refusal(405, b"")
    assert b"\r\nsec-websocket-version: 13\r\n" in encode_refusal(426, b"")
    assert encode_refusal(499, b"{}").startswith(b"HTTP/1.1 499 \r\n")


@pytest.mark.parametrize(
    ("host", "passes"),
    [
        ("a.example", True),
        ("A.example:8000", True),
        ("[::1]:8000", True),
        ("evil.example:8000", False),
        ("a.example.evil", False),
        ("", False),
        ("[broken", False),
    ],
)
def test_only_known_host_names_are_answered(host: str, passes: bool) -> None:
    head = head_of(upgrade_request(host=host))
    problem = check_host(head, frozenset({"a.example", "::1"}))
    assert (problem is None) is passes
    assert problem is None or (problem.status, problem.errors[0].field) == (400, "Host")
    assert check_host(head, frozenset()) is None
