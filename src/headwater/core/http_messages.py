"""An HTTP request to a venue and its reply, as data: venues build and read, transport sends."""

from collections.abc import Mapping

import msgspec


class HttpRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One request to a venue, without its usual host.

    Attributes:
        method: `GET` or `POST`.
        path: absolute path.
        query: name and value pairs, unescaped, in order.
        body: JSON bytes of a POST, else None.
        headers: extra headers.
        weight: what the request costs in its pool.
        pool: name of the budget (`venues.facts.LimitPool`) it is counted in.
        limit_weights: more (pool, weight) pairs where one request counts in several pools.
        base_url: another host of the venue, without a trailing slash; None for its usual one.
    """

    path: str
    method: str = "GET"
    query: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    headers: tuple[tuple[str, str], ...] = ()
    weight: int = 1
    pool: str = "ip"
    limit_weights: tuple[tuple[str, int], ...] = ()
    base_url: str | None = None


class HttpReply(msgspec.Struct, frozen=True, kw_only=True):
    """A venue's answer.

    Attributes:
        status: HTTP status.
        headers: names in lower case.
        body: the bytes, decompressed.
        received_ns: wall time when the last byte arrived.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    received_ns: int
