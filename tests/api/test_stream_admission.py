"""Whose address a request has, and that every rule is asked."""

import pytest
from tests.api.streaming import upgrade_request

from headwater.api.stream_admission import AdmissionRules
from headwater.api.websocket_handshake import RequestHead, parse_request_head


def head_of(**headers: str) -> RequestHead:
    """A request's head."""
    head = parse_request_head(upgrade_request(**headers))
    assert head is not None
    return head


@pytest.mark.parametrize(
    ("peer", "forwarded", "host"),
    [
        (("192.0.2.1", 1), None, "192.0.2.1"),
        (("192.0.2.1", 1), "203.0.113.9", "192.0.2.1"),  # not a proxy of ours
        (("10.0.0.1", 1), "203.0.113.9", "203.0.113.9"),
        (("10.0.0.1", 1), "forged, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
        (("10.0.0.1", 1), "10.0.0.2", "10.0.0.1"),
        (("10.0.0.1", 1), None, "10.0.0.1"),
        (("2001:db8::1", 1, 0, 0), None, "2001:db8::1"),
        ("", None, ""),  # a Unix socket
        (None, None, ""),
    ],
)
def test_the_clients_address(peer: object, forwarded: str | None, host: str) -> None:
    rules = AdmissionRules(trusted_proxies=frozenset({"10.0.0.1", "10.0.0.2"}))
    head = head_of() if forwarded is None else head_of(x_forwarded_for=forwarded)
    assert rules.client_host(peer, head) == host


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, None),
        ({"sec_websocket_version": "8"}, 426),
        ({"host": "other.example"}, 400),
        ({"origin": "https://evil.example"}, 403),
    ],
)
def test_every_rule_is_asked(headers: dict[str, str], status: int | None) -> None:
    rules = AdmissionRules(allowed_hosts=frozenset({"127.0.0.1"}))
    problem = rules.problem(head_of(**headers))
    assert (None if problem is None else problem.status) == status
