"""Who asks: this machine, another one, or a page in a browser that was not meant to."""

import ipaddress
from typing import Final
from urllib.parse import urlsplit

from fastapi import Request

__all__ = ["is_foreign_page", "is_from_here"]

_PASSED_ON: Final = ("forwarded", "x-forwarded-for", "x-real-ip")
"""A proxy on this machine names its client in one of these; without one, it is its own client."""


def is_from_here(request: Request, allowed_origins: frozenset[str]) -> bool:
    """Whether a request comes from this machine itself, and from no page that may not ask."""
    if any(name in request.headers for name in _PASSED_ON):
        return False
    if is_foreign_page(request, allowed_origins):
        return False
    return request.client is not None and _is_loopback(request.client.host)


def is_foreign_page(request: Request, allowed_origins: frozenset[str]) -> bool:
    """Whether a browser sends it for a page that is neither allowed nor our own.

    A page may send some requests to any address and only not read the answer (CORS), so what
    changes anything has to look at where it comes from. Programs send no `Origin`.
    """
    origin = request.headers.get("origin")
    if origin is None:
        return False
    page = origin.rstrip("/").lower()
    if page in allowed_origins:
        return False
    return not _is_own_page(page, request.headers.get("host", ""))


def _is_own_page(page: str, host: str) -> bool:
    """Whether a page was served by this process under a name that only this machine can mean.

    Any other name may have been pointed here by its owner (DNS rebinding), so that page and host
    agree and still are foreign.
    """
    try:
        address = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    is_local = address == "localhost" or _is_loopback(address)
    return is_local and page in (f"http://{host.lower()}", f"https://{host.lower()}")


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
