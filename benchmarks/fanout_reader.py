"""Many WebSocket clients in one process for `bench_fanout`: reads, counts, throws away.

`python -m benchmarks.fanout_reader PORT CLIENTS [deflate]` connects and prints `ready`. Then one
line per command on standard input: `count FRAMES` answers `done` once that many frames have come
to all clients together; `latency FRAMES` also measures each frame's age on arrival and answers
p50, p99 and the largest in milliseconds.

With `deflate` the clients offer permessage-deflate as browsers do, and frames are told apart by
their headers; without, all frames have one size and bytes are counted.
"""

import json
import resource
import select
import socket
import sys
import time

from benchmarks.fanout_servers import PAYLOAD_BYTES, STAMP_DIGITS, STAMP_OFFSET

FRAME_BYTES = PAYLOAD_BYTES + 4
_CHUNK_BYTES = 1 << 18
_RECEIVE_BUFFER_BYTES = 1 << 20

REQUEST = (
    "GET /ws/events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Version: 13\r\n{extension}\r\n"
)
_EXTENSION = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"


class Reader:
    """All clients."""

    def __init__(self, port: int, clients: int, *, deflate: bool) -> None:
        self._deflate = deflate
        self._sockets: dict[int, socket.socket] = {}
        self._rest: dict[int, bytes] = {}
        self._poll = select.epoll()
        request = REQUEST.format(port=port, extension=_EXTENSION if deflate else "").encode()
        for _ in range(clients):
            self._connect(port, request)

    def _connect(self, port: int, request: bytes) -> None:
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
        client.connect(("127.0.0.1", port))
        client.sendall(request)
        self._sockets[client.fileno()] = client
        if len(self._sockets) % 50 == 0:  # the server's accept queue stays short
            self._finish_handshakes()

    def _finish_handshakes(self) -> None:
        for number, client in self._sockets.items():
            if not client.getblocking():
                continue
            answer = b""
            while not answer.endswith(b"\r\n\r\n"):
                byte = client.recv(1)
                if not byte:
                    raise ConnectionError(f"refused: {answer!r}")
                answer += byte
            if b" 101 " not in answer[:20]:
                raise ConnectionError(f"refused: {answer!r}")
            client.setblocking(False)
            self._poll.register(number, select.EPOLLIN)

    def ready(self) -> None:
        """Waits for the handshakes that are still open."""
        self._finish_handshakes()

    def count(self, frames: int) -> None:
        """Reads until `frames` have come."""
        buffer = bytearray(_CHUNK_BYTES)
        left = frames if self._deflate else frames * FRAME_BYTES
        while left > 0:
            for number, _ in self._poll.poll():
                client = self._sockets[number]
                if self._deflate:
                    left -= self._frames(number, client.recv(_CHUNK_BYTES))
                else:
                    left -= client.recv_into(buffer)

    def latency(self, frames: int) -> list[float]:
        """Reads until `frames` have come; p50, p99 and the largest age, milliseconds."""
        ages: list[int] = []
        start, end = 4 + STAMP_OFFSET, 4 + STAMP_OFFSET + STAMP_DIGITS
        base = 10 ** (STAMP_DIGITS - 1)
        while len(ages) < frames:
            for number, _ in self._poll.poll():
                data = self._rest.pop(number, b"") + self._sockets[number].recv(_CHUNK_BYTES)
                now = time.monotonic_ns()
                whole = len(data) - len(data) % FRAME_BYTES
                ages += [
                    now - int(data[at + start : at + end]) % base
                    for at in range(0, whole, FRAME_BYTES)
                ]
                if whole < len(data):
                    self._rest[number] = data[whole:]
        ages.sort()
        picks = (len(ages) // 2, len(ages) * 99 // 100, len(ages) - 1)
        return [ages[pick] / 1e6 for pick in picks]

    def _frames(self, number: int, data: bytes) -> int:
        """Whole frames in what has come; keeps the rest."""
        data = self._rest.pop(number, b"") + data
        at = count = 0
        while len(data) - at >= 4:
            length = data[at + 1]
            size = 2 + length if length < 126 else 4 + int.from_bytes(data[at + 2 : at + 4], "big")
            if at + size > len(data):
                break
            at += size
            count += 1
        if at < len(data):
            self._rest[number] = data[at:]
        return count


def _main(port: int, clients: int, *, deflate: bool) -> None:
    reader = Reader(port, clients, deflate=deflate)
    reader.ready()
    print("ready", flush=True)
    for line in sys.stdin:
        words = line.split()
        if words[0] == "count":
            reader.count(int(words[1]))
            print("done", flush=True)
        elif words[0] == "latency":
            print(json.dumps(reader.latency(int(words[1]))), flush=True)
        else:
            break


if __name__ == "__main__":
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    _main(int(sys.argv[1]), int(sys.argv[2]), deflate="deflate" in sys.argv[3:])
