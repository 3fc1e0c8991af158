"""Layouts of recordings: every one is read, and nothing breaks the reading of the next line."""

import json
import random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from headwater.core.errors import WireError
from headwater.feeds import tape_format
from headwater.feeds.tape_format import TapeLine, encode_tape_line, read_tape

MESSAGE = b'{"e":"aggTrade","s":"BTCUSDT","x":[1,{"y":"}"}]}'


def lines_of(text: bytes) -> list[TapeLine | WireError]:
    return list(read_tape(text.splitlines(keepends=True)))


def messages_of(text: bytes) -> list[TapeLine]:
    found = lines_of(text)
    errors = [item for item in found if isinstance(item, WireError)]
    assert errors == []
    return [item for item in found if isinstance(item, TapeLine)]


def one(text: bytes) -> TapeLine:
    (found,) = messages_of(text)
    return found


def test_nanoseconds_and_json() -> None:
    found = one(b"1723161255030314667 " + MESSAGE)
    assert (found.received_ns, found.payload, found.url) == (1723161255030314667, MESSAGE, None)


def test_a_session_with_its_url_first() -> None:
    text = b"wss://x/stream?a=b@c <-> 1626992740.179554\n1626992741.06217: " + MESSAGE
    found = one(text + b"\n")
    assert found.received_ns == 1626992741_062170000
    assert found.url == "wss://x/stream?a=b@c"
    assert found.number == 2


def test_a_reply_with_its_url() -> None:
    found = one(b"https://x/fapi/v1/depth?symbol=A&limit=5 -> 1626992741.3014021: " + MESSAGE)
    assert found.received_ns == 1626992741_301402100
    assert found.url == "https://x/fapi/v1/depth?symbol=A&limit=5"


def test_what_the_client_sent_and_what_the_recorder_wrote_are_no_messages() -> None:
    sent = one(b'wss://x <- 1626992741.3: {"op":"subscribe"}')
    assert sent.note == "sent by the client"
    assert sent.payload == b'{"op":"subscribe"}'
    assert one(b'configuration: {"trades":[]}').note


@pytest.mark.parametrize(
    "holder", ['{"n":1,"batch":"b","message":%s}', '{"test":"t","message":%s}']
)
def test_a_message_inside_another_recorders_object(holder: str) -> None:
    assert one((holder % MESSAGE.decode()).encode()).payload == MESSAGE
    rows = holder % "[1,2]"
    assert one(rows.encode()).payload == b"[1,2]"


def test_a_venues_own_message_field_stays_where_it_is() -> None:
    for own in (b'{"message":{"x":1}}', b'{"received_ns":"x","payload":1}', b'{"test":1}'):
        assert one(own).payload == own


def test_bare_json_has_no_receive_time() -> None:
    found = one(MESSAGE)
    assert (found.received_ns, found.endpoint, found.payload) == (None, None, MESSAGE)
    assert one(b"[[1,2],[3,4]]").payload == b"[[1,2],[3,4]]"


def test_json_over_many_lines_is_one_message_at_its_first_line() -> None:
    pretty = json.dumps(json.loads(MESSAGE), indent=2).encode()
    found = one(b"\n" + pretty + b"\n")
    assert found.number == 2
    assert json.loads(found.payload) == json.loads(MESSAGE)
    assert json.loads(one(b"[\n[1],\n\n[2]\n]").payload) == [[1], [2]]


def test_files_one_after_the_other_without_a_line_feed_between_them() -> None:
    pretty = json.dumps(json.loads(MESSAGE), indent=1).encode()
    found = messages_of(pretty * 3 + MESSAGE + MESSAGE)
    assert [json.loads(item.payload) for item in found] == [json.loads(MESSAGE)] * 5


def test_samples_of_another_clients_tests() -> None:
    endpoint = b'GET\n/fapi/v1/time\nfalse\n{\n "serverTime": 1\n}\n'
    found = one(endpoint)
    assert (found.url, json.loads(found.payload)) == ("/fapi/v1/time", {"serverTime": 1})
    session = (
        b'> { "method": "SUBSCRIBE", "id": "|1|" }\n< { "result": null, "id": |1| }\n= \n'
        b'{ \n\t"stream": "s",\n\t"data": {"e": "x"}\n}\n=2 { "e": "y" }\n'
    )
    sent, answer, block, inline = messages_of(session)
    assert sent.note
    assert json.loads(answer.payload) == {"result": None, "id": "1"}
    assert json.loads(block.payload)["data"] == {"e": "x"}
    assert json.loads(inline.payload) == {"e": "y"}


@pytest.mark.parametrize(
    "broken",
    [
        b"hello",
        b"\xff\xfe\x00",
        b"{",
        b'{"a":',
        b"[1,2",
        b'{"a":1}}',
        b"99999999999999999999 {}",
        b"wss://x ->",
        b"1626992741.1",
        b'{"received_ns":1,"endpoint":"market"}',
        b'{"received_ns":-1,"endpoint":"market","payload":1}',
        b'{"received_ns":1,"endpoint":"market","payload_b64":"*"}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
    ],
)
def test_a_broken_line_is_one_error_and_the_next_line_is_read(broken: bytes) -> None:
    following = b"1723161255030314667 " + MESSAGE
    found = lines_of(b"\n".join([broken, following, MESSAGE]))
    errors = [item for item in found if isinstance(item, WireError)]
    read = [item for item in found if isinstance(item, TapeLine)]
    assert [error.channel for error in errors] == ["line 1"]
    assert [(item.number, item.payload) for item in read] == [(2, MESSAGE), (3, MESSAGE)]


def test_a_message_without_an_end_is_an_error_at_its_beginning() -> None:
    found = lines_of(b'\n{\n"a": [\n1,\n')
    assert [item.channel for item in found if isinstance(item, WireError)] == ["line 2"]


def test_lines_and_blocks_that_are_too_long_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tape_format, "LINE_BYTES_MAX", 100)
    long = b'["' + b"x" * 200 + b'"]'
    block = b"[\n" + b'"xxxxxxxxxxxxxxxxxxxx",\n' * 10 + b"1]"
    for text in (long, block):
        found = lines_of(text + b"\n" + MESSAGE)
        assert isinstance(found[0], WireError)
        assert "longer than" in found[0].problem


names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=10)


@given(
    st.integers(0, 2**63 - 1),
    names,
    st.none() | names,
    st.binary(max_size=80) | st.just(MESSAGE) | st.just(b"[1,\n2]"),
)
@example(1, "rest", None, b"")
@example(1, "rest", None, b"{}{}")
@example(1, "market", "wss://x", b'{"received_ns":1,"endpoint":"x","payload":2}')
def test_our_own_tape_gives_back_what_was_written(
    received_ns: int, endpoint: str, url: str | None, payload: bytes
) -> None:
    line = TapeLine(received_ns=received_ns, endpoint=endpoint, url=url, payload=payload)
    text = encode_tape_line(line)
    assert text.endswith(b"\n")
    assert text.count(b"\n") == 1
    found = one(text)
    assert (found.received_ns, found.endpoint, found.url) == (received_ns, endpoint, url)
    assert found.payload == payload


def test_a_tape_line_needs_its_time_and_endpoint() -> None:
    for line in (
        TapeLine(received_ns=None, endpoint="rest", payload=b"1"),
        TapeLine(received_ns=1, payload=b"1"),
    ):
        with pytest.raises(ValueError, match="needs"):
            encode_tape_line(line)


@given(st.lists(st.binary(max_size=60), max_size=6))
def test_any_bytes_are_lines_or_wire_errors(lines: list[bytes]) -> None:
    for item in read_tape(lines):
        assert isinstance(item, TapeLine | WireError)


def test_damaged_recordings_never_break_the_reading() -> None:
    rng = random.Random(7)
    samples = [
        b"1723161255030314667 " + MESSAGE,
        b"wss://x <-> 1626992740.179554",
        b"1626992741.06217: " + MESSAGE,
        b"https://x/y -> 1626992741.3: " + MESSAGE,
        b'{"n":1,"batch":"b","message":' + MESSAGE + b"}",
        encode_tape_line(TapeLine(received_ns=1, endpoint="rest", payload=MESSAGE)),
        b"GET",
        b"/fapi/v1/time",
        b"false",
        b"= " + MESSAGE,
        b"{",
    ]
    for _ in range(2000):
        lines = [bytearray(rng.choice(samples)) for _line in range(4)]
        for line in lines:
            line[rng.randrange(len(line))] = rng.randrange(256)
        for item in read_tape([bytes(line) for line in lines]):
            assert isinstance(item, TapeLine | WireError)
