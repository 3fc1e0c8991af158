"""A venue that floods: sends ready-made aggTrade frames as fast as one client takes them.

`python -m benchmarks.flood_server --records 300000 [--bare]`. Prints its port, serves clients one
after another until it is killed. A client that sends a subscribe request within `SUBSCRIBE_S` gets
its acknowledgement first; one whose address says it all is flooded after that time. Then a close
frame. Standard library only; no compression, no TLS.
"""

import argparse
import base64
import hashlib
import re
import socket
from collections.abc import Iterator
from typing import Final

from benchmarks.messages import AGG_TRADE, make_corpus, unwrapped

SUBSCRIBE_S: Final = 0.3
"""How long a client may take to send a subscribe request."""

FAREWELL_S: Final = 10.0
"""How long a client may take to read what is left and answer the close frame."""

CHUNK_BYTES: Final = 256 * 1024
"""Bytes handed to the kernel at once; frames are cut anywhere, as TCP does."""

_KEY_SUFFIX: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_SMALL_MAX: Final = 125


def text_frame(payload: bytes) -> bytes:
    """An unmasked, unfragmented text frame (RFC 6455 section 5.2), payload below 64 KiB."""
    if len(payload) <= _SMALL_MAX:
        return bytes((0x81, len(payload))) + payload
    return bytes((0x81, 126)) + len(payload).to_bytes(2, "big") + payload


def serve(listener: socket.socket, flood: bytes) -> None:
    """Serves clients one after another, for ever."""
    view = memoryview(flood)
    while True:
        client, _ = listener.accept()
        with client:
            try:
                _serve_one(client, view)
            except OSError as error:
                print(f"client gone: {error}", flush=True)


def _serve_one(client: socket.socket, flood: memoryview) -> None:
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    _upgrade(client)
    client.settimeout(SUBSCRIBE_S)
    try:
        request = _client_text(client)
    except TimeoutError:
        request = ""
    client.settimeout(None)
    asked = re.search(r'"id"\s*:\s*(\d+)', request)
    if asked:
        client.sendall(text_frame(b'{"result":null,"id":' + asked.group(1).encode() + b"}"))
    for chunk in _chunks(flood):
        client.sendall(chunk)
    client.sendall(b"\x88\x02\x03\xe8")
    client.settimeout(FAREWELL_S)
    try:
        client.recv(4096)  # its close frame, or its end
    except TimeoutError:
        print("client did not answer the close frame", flush=True)


def _chunks(flood: memoryview) -> Iterator[memoryview]:
    for start in range(0, len(flood), CHUNK_BYTES):
        yield flood[start : start + CHUNK_BYTES]


def _upgrade(client: socket.socket) -> None:
    head = b""
    while b"\r\n\r\n" not in head:
        part = client.recv(4096)
        if not part:
            raise ConnectionError("closed before the upgrade")
        head += part
    found = re.search(rb"(?i)sec-websocket-key:\s*(\S+)", head)
    if found is None:
        raise ConnectionError("no WebSocket upgrade")
    accept = base64.b64encode(hashlib.sha1(found.group(1) + _KEY_SUFFIX).digest())
    client.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )


def _client_text(client: socket.socket) -> str:
    """One masked frame below 64 KiB, as text."""
    head = _exactly(client, 2)
    size = head[1] & 0x7F
    if size > _SMALL_MAX:
        size = int.from_bytes(_exactly(client, 2), "big")
    mask = _exactly(client, 4)
    payload = _exactly(client, size)
    return bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload)).decode()


def _exactly(client: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = client.recv(size - len(data))
        if not part:
            raise ConnectionError("closed inside a frame")
        data += part
    return data


def main() -> None:
    """Makes the frames, prints the port, serves."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=300_000)
    parser.add_argument("--bare", action="store_true", help="payloads without the stream wrapper")
    options = parser.parse_args()
    frames = make_corpus(AGG_TRADE, options.records).frames
    if options.bare:
        frames = [unwrapped(frame) for frame in frames]
    flood = b"".join(map(text_frame, frames))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        serve(listener, flood)


if __name__ == "__main__":
    main()
