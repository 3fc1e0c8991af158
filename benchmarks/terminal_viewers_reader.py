"""Many viewers of order books in one process, for `bench_terminal_viewers`.

`python -m benchmarks.terminal_viewers_reader PORT VIEWERS` connects to the books of
`terminal_viewers_server`, every combination of symbol and rounding in turn, and prints `ready`. For
each line `SECONDS` of standard input it reads for so long and prints a `Watched` as JSON. The age
of a message is from its `timestamp`, the whole millisecond of the newest change in it, to the
moment when it was read.
"""

import json
import resource
import select
import socket
import sys
import time
from typing import Final

import msgspec

from benchmarks.terminal_viewers_server import LIMIT, ROUNDINGS, SYMBOLS

_CHUNK_BYTES: Final = 1 << 18
_STAMP: Final = b'"timestamp":'
_STAMP_DIGITS: Final = 13
_TEXT: Final = 0x81
_SPACE: Final = 0x20
_REQUEST: Final = (
    "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Version: 13\r\n\r\n"
)


class Watched(msgspec.Struct):
    """What the viewers saw.

    Attributes:
        seconds: for how long.
        messages: how many came to all.
        least: how many came to the viewer with the fewest.
        payload_bytes: of all messages.
        ages_ms: p50, p99 and the largest.
    """

    seconds: float
    messages: int
    least: int
    payload_bytes: int
    ages_ms: tuple[float, float, float]


class Viewers:
    """All clients."""

    def __init__(self, port: int, count: int) -> None:
        self._sockets: dict[int, socket.socket] = {}
        self._rest: dict[int, bytes] = {}
        self._poll = select.epoll()
        views = [(symbol, rounding) for rounding in ROUNDINGS for symbol in SYMBOLS]
        for number in range(count):
            symbol, rounding = views[number % len(views)]
            path = f"/api/v1/ws/orderbook/{symbol}?rounding={rounding}&limit={LIMIT}"
            self._connect(port, path)

    def watch(self, seconds: float) -> Watched:
        """Reads for so long."""
        ages: list[float] = []
        counts = dict.fromkeys(self._sockets, 0)
        payload_bytes = 0
        began = time.monotonic()
        while (left := began + seconds - time.monotonic()) > 0:
            for number, _ in self._poll.poll(left):
                data = self._rest.pop(number, b"") + self._sockets[number].recv(_CHUNK_BYTES)
                now_ms = time.time_ns() / 1e6
                at = 0
                while (end := _frame_end(data, at)) is not None:
                    stamp = data.rfind(_STAMP, at, end)
                    if data[at] == _TEXT and stamp > 0:
                        stamp += len(_STAMP)
                        stamp += data[stamp] == _SPACE
                        ages.append(now_ms - int(data[stamp : stamp + _STAMP_DIGITS]))
                        counts[number] += 1
                        payload_bytes += end - at
                    at = end
                if at < len(data):
                    self._rest[number] = data[at:]
        ages.sort()
        picks = (len(ages) // 2, len(ages) * 99 // 100, len(ages) - 1)
        return Watched(
            seconds=time.monotonic() - began,
            messages=len(ages),
            least=min(counts.values()),
            payload_bytes=payload_bytes,
            ages_ms=(ages[picks[0]], ages[picks[1]], ages[picks[2]]),
        )

    def _connect(self, port: int, path: str) -> None:
        client = socket.create_connection(("127.0.0.1", port))
        client.sendall(_REQUEST.format(path=path, port=port).encode())
        data = b""
        while b"\r\n\r\n" not in data:
            received = client.recv(4096)
            if not received:
                raise ConnectionError(f"refused: {data!r}")
            data += received
        answer, _, rest = data.partition(b"\r\n\r\n")
        if b" 101 " not in answer[:20]:
            raise ConnectionError(f"refused: {answer!r}")
        client.setblocking(False)
        self._sockets[client.fileno()] = client
        self._rest[client.fileno()] = rest
        self._poll.register(client.fileno(), select.EPOLLIN)


def _frame_end(data: bytes, at: int) -> int | None:
    """Where the frame that begins at `at` ends; None when it is not whole."""
    if len(data) < at + 10:
        return None
    length = data[at + 1]
    end = at + 2 + length
    if length == 126:
        end = at + 4 + int.from_bytes(data[at + 2 : at + 4], "big")
    elif length == 127:
        end = at + 10 + int.from_bytes(data[at + 2 : at + 10], "big")
    return end if end <= len(data) else None


def _main(port: int, viewers: int) -> None:
    everyone = Viewers(port, viewers)
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(msgspec.to_builtins(everyone.watch(float(line)))), flush=True)


if __name__ == "__main__":
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    _main(int(sys.argv[1]), int(sys.argv[2]))
