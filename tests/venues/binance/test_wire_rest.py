"""REST wire types: their documented samples decode, as text or as numbers."""

import inspect
import json
import re
from typing import Any

import msgspec
import pytest

from headwater.venues.binance import wire_rest

TYPES = [
    kind
    for _, kind in inspect.getmembers(wire_rest, inspect.isclass)
    if issubclass(kind, msgspec.Struct) and kind.__module__ == wire_rest.__name__
]
SAMPLES = [
    (kind, re.sub(r"\n\s*", "", found))
    for kind in TYPES
    for found in re.findall(r"`([\[{][^`]*[\]}])`", kind.__doc__ or "", re.DOTALL)
    if "…" not in found
]


def test_most_types_show_a_sample() -> None:
    assert len({kind for kind, _ in SAMPLES}) >= 8


@pytest.mark.parametrize(("kind", "sample"), SAMPLES, ids=lambda value: str(value)[:40])
def test_the_sample_in_the_docstring_decodes(kind: type[msgspec.Struct], sample: str) -> None:
    msgspec.json.decode(sample, type=kind, strict=False)


def test_times_may_be_text() -> None:
    row: dict[str, Any] = {"symbol": "X", "sumOpenInterest": "1", "sumOpenInterestValue": "2"}
    for given in (1583127900000, "1583127900000"):
        text = json.dumps(row | {"timestamp": given})
        read = msgspec.json.decode(text, type=wire_rest.OpenInterestRow, strict=False)
        assert read.timestamp == 1583127900000


def test_a_control_message_tells_what_was_there() -> None:
    control = msgspec.json.decode('{"result":null,"id":1}', type=wire_rest.Control)
    assert isinstance(control.result, msgspec.Raw)
    assert control.error is msgspec.UNSET
    assert control.event is msgspec.UNSET
