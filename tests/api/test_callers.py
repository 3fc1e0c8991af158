"""Who asks: programs and our own pages may change things, foreign pages may not."""

import pytest
from fastapi import Request

from headwater.api.callers import is_foreign_page, is_from_here

ALLOWED = frozenset({"https://app.example"})


def asked(client: str | None = "127.0.0.1", **headers: str) -> Request:
    sent = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "headers": sent, "client": None if client is None else (client, 1)}
    return Request(scope)


@pytest.mark.parametrize(
    ("headers", "foreign"),
    [
        ({}, False),
        ({"origin": "https://app.example", "host": "example"}, False),
        ({"origin": "https://APP.example/", "host": "example"}, False),
        ({"origin": "http://localhost:8000", "host": "localhost:8000"}, False),
        ({"origin": "http://127.0.0.1:8000", "host": "127.0.0.1:8000"}, False),
        ({"origin": "http://localhost:8000", "host": "localhost:9000"}, True),
        ({"origin": "http://rebound.example", "host": "rebound.example"}, True),
        ({"origin": "https://evil.example", "host": "localhost:8000"}, True),
        ({"origin": "null", "host": "localhost:8000"}, True),
        ({"origin": "http://[", "host": "["}, True),
    ],
)
def test_pages(headers: dict[str, str], foreign: bool) -> None:
    assert is_foreign_page(asked(**headers), ALLOWED) is foreign


def test_this_machine_is_loopback_without_a_proxy() -> None:
    assert is_from_here(asked(), ALLOWED)
    assert is_from_here(asked("::1"), ALLOWED)
    assert not is_from_here(asked("192.0.2.1"), ALLOWED)
    assert not is_from_here(asked(None), ALLOWED)
    assert not is_from_here(asked(x_forwarded_for="127.0.0.1"), ALLOWED)
    assert not is_from_here(asked(origin="https://evil.example", host="localhost"), ALLOWED)
