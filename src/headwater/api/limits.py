"""Bounds of the HTTP side, with what happens at each of them. Plain data.

The WebSocket side has its own in `stream_contract.StreamLimits`.
"""

from typing import Final

import msgspec

from headwater.core.errors import ConfigError

KIB: Final = 1024
"""Bytes in a kibibyte."""


class HttpLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What one HTTP client may do.

    Attributes:
        url_bytes: longest path with query; beyond it 414.
        header_bytes: longest header block without the request line; beyond it 431.
        header_count: most header lines; beyond it 431.
        body_bytes: longest request body; beyond it 413, read no further.
        request_timeout_s: time from the first byte of a request to its last, and from the
            connection to its first request; beyond it 408 and the connection is closed.
        keep_alive_s: time a connection may idle between two requests.
        linger_s: after a refusal, how long what the client still sends is read and thrown away,
            so that it gets to read the answer.
        linger_bytes: the same as an amount.
        connections_max: connections at a time, WebSockets included; beyond it 503.
    """

    url_bytes: int = 8 * KIB
    header_bytes: int = 32 * KIB
    header_count: int = 64
    body_bytes: int = 64 * KIB
    request_timeout_s: float = 10.0
    keep_alive_s: int = 15
    linger_s: float = 2.0
    linger_bytes: int = 8 * KIB * KIB
    connections_max: int = 20_000

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            if getattr(self, name) <= 0:
                raise ConfigError(name, f"is {getattr(self, name)}", "more than 0")


class CacheSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How long an answer is given again, in seconds, and how many are kept.

    Attributes:
        entries_max: answers kept; beyond it the one made longest ago goes.
        bytes_max: bytes of their bodies, compressed ones included; the same.
        aliases_max: spellings of requests remembered with their answer; the same.
        gzip_min_bytes: shorter bodies are never compressed.
        candles_s: candles.
        quotes_s: tickers and mark prices of all symbols, and recent trades.
        book_s: order books.
        interest_s: open interest and funding now.
        history_s: open interest and funding past.
        heatmap_s: heat maps of spans that have ended, and of models until the next bar closes.
        multi_s: answers over all venues, which may tell of a failure; each venue's part has been
            kept by itself before, for the time above.
        health_s: health of the venues.
        platform_s: the lists of venues and instruments.
    """

    entries_max: int = 4096
    bytes_max: int = 64 * KIB * KIB
    aliases_max: int = 16_384
    gzip_min_bytes: int = 1024
    candles_s: float = 1.0
    quotes_s: float = 1.0
    book_s: float = 0.1
    interest_s: float = 10.0
    history_s: float = 30.0
    heatmap_s: float = 300.0
    multi_s: float = 1.0
    health_s: float = 1.0
    platform_s: float = 5.0
