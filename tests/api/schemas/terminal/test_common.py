"""The messages that every terminal socket knows, as they are on the wire."""

import importlib
import pkgutil
import re
from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.api.schemas import terminal
from headwater.api.schemas.base import View, encode, json_schema_of
from headwater.api.schemas.terminal.common import (
    TerminalErrorView,
    TerminalHeartbeatView,
    TerminalPingRequest,
    TerminalPongView,
    TerminalView,
)


class Sample(TerminalView, frozen=True, kw_only=True, gc=False):
    """Names of every kind."""

    volume_24h_formatted: str
    is_closed: bool
    time: int


UNSHOWN = {
    "minMove": "an option of the chart's own",
    "ageSeconds": "how the server keeps its lists",
    "durationMs": "the same",
    "ttlSeconds": "the same",
    "retryAfter": "of a refusal",
}
"""Numbers without a text, and why."""


def views() -> Iterator[type[TerminalView]]:
    """Every view that the terminal API sends."""
    for module in pkgutil.iter_modules(terminal.__path__):
        importlib.import_module(f"{terminal.__name__}.{module.name}")
    found = [TerminalView]
    while found:
        below = [
            one for one in found.pop().__subclasses__() if one.__module__.startswith("headwater.")
        ]
        yield from (one for one in below if not one.__name__.endswith("Request"))
        found += below


def is_number(of: msgspec.inspect.Type) -> bool:
    """Whether a field is a number with a fraction, or a list of them."""
    if isinstance(of, msgspec.inspect.UnionType):
        return any(map(is_number, of.types))
    if isinstance(of, msgspec.inspect.VarTupleType):
        return is_number(of.item_type)
    return isinstance(of, msgspec.inspect.FloatType | msgspec.inspect.DecimalType)


def test_o_s4_o_d3_every_view_is_camel_case_and_every_number_has_its_text() -> None:
    seen = 0
    for view in views():
        about = msgspec.inspect.type_info(view)
        assert isinstance(about, msgspec.inspect.StructType)
        names = {one.encode_name for one in about.fields}
        assert all(re.fullmatch("[a-z][A-Za-z0-9]*", name) for name in names), view
        shown = {one.encode_name for one in about.fields if is_number(one.type)} - UNSHOWN.keys()
        seen += len(shown)
        assert not {f"{name}Formatted" for name in shown} - names, view
    assert seen > 25


def test_o_d3_names_are_camel_case_by_one_rule() -> None:
    sample = Sample(volume_24h_formatted="1", is_closed=True, time=1)
    assert encode(sample) == b'{"volume24hFormatted":"1","isClosed":true,"time":1}'


@pytest.mark.parametrize(
    ("view", "text"),
    [
        (TerminalPongView(timestamp=5), b'{"type":"pong","timestamp":5}'),
        (TerminalHeartbeatView(timestamp=5), b'{"type":"heartbeat","timestamp":5}'),
        (TerminalPingRequest(), b'{"type":"ping"}'),
        (
            TerminalErrorView(code="TOO_SLOW", message="m", timestamp=5),
            b'{"type":"error","code":"TOO_SLOW","message":"m","timestamp":5}',
        ),
        (
            TerminalErrorView(
                code="UNKNOWN_SYMBOL", message="m", timestamp=5, field="symbol", suggestions=("A",)
            ),
            (
                b'{"type":"error","code":"UNKNOWN_SYMBOL","message":"m","timestamp":5,'
                b'"field":"symbol","suggestions":["A"]}'
            ),
        ),
    ],
)
def test_messages_on_the_wire(view: View, text: bytes) -> None:
    assert encode(view) == text
    assert msgspec.json.decode(text, type=type(view)) == view
    assert json_schema_of(type(view))["properties"]["type"]


def test_fields_that_do_not_apply_are_left_out_and_codes_are_a_closed_set() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(
            b'{"type":"error","code":"OTHER","message":"m","timestamp":5}', type=TerminalErrorView
        )
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"type":"pong","timestamp":-1}', type=TerminalPongView)


@given(st.dictionaries(st.text(max_size=5), st.integers()))
def test_a_ping_may_carry_anything(more: dict[str, int]) -> None:
    text = msgspec.json.encode({**more, "type": "ping"})
    assert msgspec.json.decode(text, type=TerminalPingRequest) == TerminalPingRequest()
