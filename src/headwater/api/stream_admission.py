"""Who may ask for a stream, before the application is asked: host, origin, and whose address it is.

Knows nothing of sockets and of how many clients there are.
"""

import sys

import msgspec

from headwater.api.schemas.platform import Problem
from headwater.api.websocket_handshake import (
    RequestHead,
    check_handshake,
    check_host,
    check_origin,
)


class AdmissionRules(msgspec.Struct, frozen=True, kw_only=True):
    """What a request must satisfy.

    Attributes:
        allowed_origins: origins of pages that may connect, such as `https://app.example`, besides
            pages of the host itself; `*` for all.
        allowed_hosts: host names without port under which this server answers; empty for all.
        trusted_proxies: addresses whose `X-Forwarded-For` is believed.
    """

    allowed_origins: frozenset[str] = frozenset()
    allowed_hosts: frozenset[str] = frozenset()
    trusted_proxies: frozenset[str] = frozenset()

    def problem(self, head: RequestHead) -> Problem | None:
        """What is wrong with a request, whoever it is for; None when nothing is."""
        return (
            check_handshake(head)
            or check_host(head, self.allowed_hosts)
            or check_origin(head, self.allowed_origins)
        )

    def client_host(self, peer: object, head: RequestHead) -> str:
        """The client's address: the peer's, or what a trusted proxy says it is.

        Args:
            peer: the transport's `peername`.
            head: the request.

        Returns:
            The address nearest to us that is no trusted proxy; empty when there is none.
        """
        host = str(peer[0]) if isinstance(peer, tuple) else ""
        if host in self.trusted_proxies:
            hops = [hop.decode("latin-1") for hop in head.tokens(b"x-forwarded-for") if hop]
            outside = [hop for hop in hops if hop not in self.trusted_proxies]
            host = outside[-1] if outside else host
        return sys.intern(host)  # one copy for all clients of an address
