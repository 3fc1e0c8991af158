"""The framing, against the `websockets` library as an independent second opinion."""

from collections.abc import Generator
from itertools import pairwise
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.api.streaming import client_frame
from websockets.frames import Frame
from websockets.frames import Opcode as PeerOpcode
from websockets.streams import StreamReader

from headwater.api.websocket_frames import (
    BinaryMessage,
    CloseCode,
    CloseReceived,
    FrameDecoder,
    FrameEvent,
    Opcode,
    Ping,
    Pong,
    TextMessage,
    Violation,
    encode_close,
    encode_frame,
)

LIMIT = 70_000
T = TypeVar("T")


def decode(data: bytes, limit: int = LIMIT) -> list[FrameEvent]:
    """What a fresh decoder makes of `data`."""
    return FrameDecoder(limit, limit).feed(data)


def peer_frame(
    opcode: PeerOpcode, payload: bytes, *, final: bool = True, mask: bool = True
) -> bytes:
    """A frame as the `websockets` library writes it."""
    return Frame(opcode, payload, fin=final).serialize(mask=mask)


def run(steps: Generator[None, None, T]) -> T:
    """The result of a generator that has all the bytes it needs."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: T = end.value
            return result


def peer_parse(data: bytes) -> Frame:
    """A server's frame as the `websockets` library reads it."""
    reader = StreamReader()
    reader.feed_data(data)
    frame = run(Frame.parse(reader.read_exact, mask=False, max_size=None))
    assert run(reader.at_eof()) if not reader.buffer and reader.eof else not reader.buffer
    return frame


@pytest.mark.parametrize("length", [0, 1, 125, 126, 65_535, 65_536])
def test_every_length_form_is_read_by_a_peer_and_by_us(length: int) -> None:
    payload = b"x" * length
    assert peer_parse(encode_frame(Opcode.TEXT, payload)).data == payload
    assert decode(peer_frame(PeerOpcode.BINARY, payload)) == [BinaryMessage(payload)]


def _pieces(draw: st.DrawFn, message: bytes) -> list[bytes]:
    cuts = sorted(draw(st.lists(st.integers(0, len(message)), max_size=3)))
    edges = [0, *cuts, len(message)]
    return [message[a:b] for a, b in pairwise(edges)]


@st.composite
def conversations(draw: st.DrawFn) -> tuple[bytes, list[FrameEvent]]:
    """Messages in fragments, with pings between them, and what they mean."""
    data, events = b"", list[FrameEvent]()
    for _ in range(draw(st.integers(0, 5))):
        event: FrameEvent
        if draw(st.booleans()):
            text = draw(st.text(max_size=200))
            opcode, message, event = PeerOpcode.TEXT, text.encode(), TextMessage(text)
        else:
            raw = draw(st.binary(max_size=200))
            opcode, message, event = PeerOpcode.BINARY, raw, BinaryMessage(raw)
        pieces = _pieces(draw, message)
        for number, piece in enumerate(pieces):
            kind = opcode if number == 0 else PeerOpcode.CONT
            data += peer_frame(kind, piece, final=number == len(pieces) - 1)
            if number < len(pieces) - 1 and draw(st.booleans()):
                control = draw(st.binary(max_size=125))
                data += peer_frame(PeerOpcode.PING, control)
                data += peer_frame(PeerOpcode.PONG, control)
                events += [Ping(control), Pong(control)]
        events.append(event)
    return data, events


@given(conversations(), st.data())
def test_any_conversation_in_any_chunks_gives_the_same_events(
    conversation: tuple[bytes, list[FrameEvent]], data: st.DataObject
) -> None:
    wire, expected = conversation
    decoder = FrameDecoder(LIMIT, LIMIT)
    events: list[FrameEvent] = []
    while wire:
        size = data.draw(st.integers(1, len(wire)))
        events += decoder.feed(wire[:size])
        wire = wire[size:]
    assert events == expected


def test_a_split_at_every_byte_changes_nothing() -> None:
    wire = (
        client_frame(1, "grüße".encode() * 30, final=False)
        + client_frame(9, b"ping")
        + client_frame(0, "€".encode())
        + client_frame(2, b"\x00" * 300)
        + client_frame(8, b"\x03\xe8bye")
    )
    expected = decode(wire)
    assert [type(event) for event in expected] == [Ping, TextMessage, BinaryMessage, CloseReceived]
    for cut in range(len(wire) + 1):
        decoder = FrameDecoder(LIMIT, LIMIT)
        assert decoder.feed(wire[:cut]) + decoder.feed(wire[cut:]) == expected
    decoder = FrameDecoder(LIMIT, LIMIT)
    bytewise = [event for at in range(len(wire)) for event in decoder.feed(wire[at : at + 1])]
    assert bytewise == expected


@pytest.mark.parametrize(
    ("wire", "code"),
    [
        (client_frame(1, b"x", rsv=4), CloseCode.PROTOCOL_ERROR),
        (client_frame(1, b"x", rsv=2), CloseCode.PROTOCOL_ERROR),
        (client_frame(1, b"x", rsv=1), CloseCode.PROTOCOL_ERROR),
        (b"\x81\x01x", CloseCode.PROTOCOL_ERROR),  # not masked
        (client_frame(3), CloseCode.PROTOCOL_ERROR),
        (client_frame(7), CloseCode.PROTOCOL_ERROR),
        (client_frame(11), CloseCode.PROTOCOL_ERROR),
        (client_frame(15), CloseCode.PROTOCOL_ERROR),
        (client_frame(9, b"x", final=False), CloseCode.PROTOCOL_ERROR),
        (client_frame(9, b"x" * 126), CloseCode.PROTOCOL_ERROR),
        (client_frame(0, b"x"), CloseCode.PROTOCOL_ERROR),  # nothing to continue
        (client_frame(1, final=False) + client_frame(1), CloseCode.PROTOCOL_ERROR),
        (b"\x81\xfe\x00\x05", CloseCode.PROTOCOL_ERROR),  # 5 in 16 bits
        (b"\x81\xff" + (65_535).to_bytes(8, "big"), CloseCode.PROTOCOL_ERROR),
        (b"\x81\xff" + (1 << 63).to_bytes(8, "big"), CloseCode.PROTOCOL_ERROR),
        (client_frame(8, b"\x03"), CloseCode.PROTOCOL_ERROR),
        (client_frame(8, (1005).to_bytes(2, "big")), CloseCode.PROTOCOL_ERROR),
        (client_frame(8, (1006).to_bytes(2, "big")), CloseCode.PROTOCOL_ERROR),
        (client_frame(8, (2999).to_bytes(2, "big")), CloseCode.PROTOCOL_ERROR),
        (client_frame(8, (5000).to_bytes(2, "big")), CloseCode.PROTOCOL_ERROR),
        (client_frame(8, b"\x03\xe8\xff"), CloseCode.INVALID_DATA),
        (client_frame(1, b"\xff"), CloseCode.INVALID_DATA),
        (client_frame(1, b"\xed\xa0\x80"), CloseCode.INVALID_DATA),  # a lone surrogate
        (client_frame(1, b"\xe2\x82", final=False) + client_frame(0), CloseCode.INVALID_DATA),
        (client_frame(1, b"\xff", final=False), CloseCode.INVALID_DATA),  # told at once
        (b"\x82\xff" + (1 << 20).to_bytes(8, "big"), CloseCode.MESSAGE_TOO_BIG),
        (client_frame(2, b"x" * 1001), CloseCode.MESSAGE_TOO_BIG),
        (
            client_frame(2, b"x" * 600, final=False) + client_frame(0, b"x" * 600),
            CloseCode.MESSAGE_TOO_BIG,
        ),
    ],
)
def test_a_breach_is_the_last_event_with_the_close_code_to_answer(
    wire: bytes, code: CloseCode
) -> None:
    decoder = FrameDecoder(1000, 1000)
    [event] = decoder.feed(wire)
    assert isinstance(event, Violation)
    assert event.code is code
    assert event.reason
    assert decoder.feed(client_frame(1, b"ignored")) == []


def test_events_before_a_breach_count() -> None:
    events = decode(client_frame(1, b"a") + client_frame(9, b"b") + b"\x81\x01x")
    assert events[:2] == [TextMessage("a"), Ping(b"b")]
    assert isinstance(events[2], Violation)


def test_a_character_may_be_cut_between_fragments() -> None:
    wire = client_frame(1, b"\xe2", final=False) + client_frame(0, b"\x82\xac")
    assert decode(wire) == [TextMessage("€")]


def test_a_refused_frame_is_not_buffered() -> None:
    """The header of a huge frame is answered; its payload need not arrive."""
    decoder = FrameDecoder(100, 100)
    assert isinstance(decoder.feed(b"\x82\xfe\x03\xe8")[0], Violation)
    assert decoder.frames == 0


@given(st.binary(max_size=300))
def test_any_bytes_give_events_and_never_an_exception(data: bytes) -> None:
    decoder = FrameDecoder(100, 200)
    events = decoder.feed(data)
    final = [e for e in events if isinstance(e, Violation | CloseReceived)]
    assert len(final) <= 1
    assert not final or events[-1] is final[0]


@pytest.mark.parametrize("code", [1000, 1001, 1003, 1007, 1011, 1014, 3000, 4999])
def test_valid_close_codes_pass(code: int) -> None:
    assert decode(client_frame(8, code.to_bytes(2, "big") + b"why")) == [CloseReceived(code, "why")]


def test_a_close_without_a_code() -> None:
    assert decode(client_frame(8)) == [CloseReceived(None, "")]
    assert encode_close(None) == b"\x88\x00"


def test_a_long_close_reason_is_cut_between_characters() -> None:
    payload = peer_parse(encode_close(1008, "€" * 100)).data
    assert payload == b"\x03\xf0" + "€".encode() * 41
