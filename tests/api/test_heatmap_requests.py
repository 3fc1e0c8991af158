"""What a client of `/ws/heatmap` may say; everything else is one documented error."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.api.heatmap_requests import ACTIONS, ERROR_CODES, read_heatmap_request
from headwater.api.schemas.base import encode
from headwater.api.schemas.heatmap_socket import (
    HeatmapErrorView,
    HeatmapPingRequest,
    HeatmapSubscribeRequest,
    HeatmapUnsubscribeRequest,
)

GOOD = '{"action":"subscribe","symbols":["BTCUSDT"],"update_interval":5}'


def test_good_requests() -> None:
    assert ACTIONS == ("subscribe", "unsubscribe", "ping")
    read = read_heatmap_request(GOOD)
    assert read == HeatmapSubscribeRequest(symbols=("BTCUSDT",), update_interval=5)
    read = read_heatmap_request('{"action":"unsubscribe","symbols":["a","b"]}')
    assert read == HeatmapUnsubscribeRequest(symbols=("a", "b"))
    assert read_heatmap_request('{"action":"ping"}') == HeatmapPingRequest()


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("", "INVALID_MESSAGE", "message"),
        ("hello", "INVALID_MESSAGE", "message"),
        ("[]", "INVALID_MESSAGE", "message"),
        ("null", "INVALID_MESSAGE", "message"),
        ("{}", "INVALID_ACTION", "action"),
        ("[" * 3000, "INVALID_MESSAGE", "message"),
        ('{"a":' * 3000, "INVALID_MESSAGE", "message"),
        ('{"action":"dance"}', "INVALID_ACTION", "subscribe, unsubscribe, ping"),
        ('{"action":5}', "INVALID_ACTION", "action"),
        ('{"action":null}', "INVALID_ACTION", "action"),
        ('{"action":"Subscribe","symbols":["BTC"]}', "INVALID_ACTION", "'Subscribe'"),
        ('{"action":"subscribe"}', "INVALID_MESSAGE", "symbols"),
        ('{"action":"subscribe","symbols":[]}', "INVALID_MESSAGE", "1 to 10"),
        ('{"action":"subscribe","symbols":"BTCUSDT"}', "INVALID_MESSAGE", "1 to 10"),
        ('{"action":"subscribe","symbols":[5]}', "INVALID_MESSAGE", "symbols[0]='5'"),
        ('{"action":"subscribe","symbols":["A",""]}', "INVALID_MESSAGE", "symbols[1]=''"),
        (
            json.dumps({"action": "subscribe", "symbols": ["B"] * 11}),
            "INVALID_MESSAGE",
            "1 to 10",
        ),
        (
            json.dumps({"action": "subscribe", "symbols": ["B" * 193]}),
            "INVALID_MESSAGE",
            "192 characters",
        ),
        (GOOD.replace("5}", "0}"), "INVALID_MESSAGE", "update_interval='0'"),
        (GOOD.replace("5}", "61}"), "INVALID_MESSAGE", "from 1 to 60"),
        (GOOD.replace("5}", "-1}"), "INVALID_MESSAGE", "from 1 to 60"),
        (GOOD.replace("5}", "1.5}"), "INVALID_MESSAGE", "from 1 to 60"),
        (GOOD.replace("5}", "true}"), "INVALID_MESSAGE", "from 1 to 60"),
        (GOOD.replace("5}", "null}"), "INVALID_MESSAGE", "from 1 to 60"),
        (GOOD.replace("5}", '"5"}'), "INVALID_MESSAGE", "from 1 to 60"),
        (GOOD.replace("5}", "1e999}"), "INVALID_MESSAGE", "out of range"),
        (GOOD.replace("update_interval", "pace"), "INVALID_MESSAGE", "pace"),
        ('{"action":"ping","symbols":["BTC"]}', "INVALID_MESSAGE", "no such field"),
        ('{"action":"ping","\\ud800":1}', "INVALID_MESSAGE", ""),
        ('{"action":"\\ud800"}', "INVALID_", ""),
    ],
)
def test_each_error_names_its_field_and_what_is_allowed(text: str, code: str, words: str) -> None:
    read = read_heatmap_request(text)
    assert isinstance(read, HeatmapErrorView)
    assert read.code.startswith(code)
    assert words in read.message
    assert len(read.message) < 600
    encode(read)


@given(st.text(max_size=40), st.integers(0, len(GOOD)), st.integers(0, 8))
def test_a_mutated_request_is_understood_or_refused_and_never_more(
    other: str, at: int, cut: int
) -> None:
    """A part of a good request is replaced by any text: nothing is raised, all can be sent."""
    read = read_heatmap_request(GOOD[:at] + other + GOOD[at + cut :])
    if isinstance(read, HeatmapErrorView):
        assert read.code in ERROR_CODES
        encode(read)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@given(
    st.dictionaries(st.sampled_from(["action", "symbols", "update_interval", "x"]), JSON)
    | st.fixed_dictionaries(
        {"action": st.sampled_from(ACTIONS)}, optional={"symbols": JSON, "update_interval": JSON}
    )
)
def test_any_json_is_understood_or_refused(message: object) -> None:
    read = read_heatmap_request(json.dumps(message))
    if isinstance(read, HeatmapErrorView):
        encode(read)
        assert read.code in ("INVALID_ACTION", "INVALID_MESSAGE")
