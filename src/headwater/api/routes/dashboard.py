"""`/dashboard/`: the page for people, from the package. Not a part of the documented API."""

import asyncio
from collections.abc import Mapping
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from headwater.api.cache import CACHE_ROUTE_KEY
from headwater.api.dashboard_files import PAGE, DashboardFile, DashboardFiles

PATH: Final = "/dashboard"

_FOR_EVER: Final = "public, max-age=31536000, immutable"
_ASK_AGAIN: Final = "no-cache"

_WITHOUT_MODULES: Final = b"""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Headwater</title>
<p>The dashboard's modules are not in this installation: install Node.js with npm, run
<code>make setup</code>, and load this page again.</p>
</html>
"""


def dashboard_routes(files: DashboardFiles) -> list[BaseRoute]:
    """The routes of the dashboard: plain ones, which no OpenAPI document lists.

    Args:
        files: what is served.
    """

    async def read_file(request: Request) -> Response:
        """One file; the page itself under the empty name. `Range` is ignored: files are short."""
        # Measured under one name, and logged as answers from memory are: a page is forty files.
        request.scope[CACHE_ROUTE_KEY] = PATH + "/{name}"
        name = str(request.path_params["name"]) or PAGE
        is_page = name == PAGE
        missing = await asyncio.to_thread(files.missing) if is_page else ()
        if missing:
            return Response(
                _WITHOUT_MODULES,
                status_code=503,
                media_type="text/html",
                headers={
                    "cache-control": "no-store",
                    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
                },
            )
        file = await asyncio.to_thread(files.find, name)
        if file is None:
            raise HTTPException(404)
        extra = {}
        if is_page:
            extra["content-security-policy"] = await asyncio.to_thread(files.security_policy)
        return _respond(file, request, extra)

    async def read_bare(request: Request) -> Response:  # noqa: ARG001 - the router hands it over
        """The page's addresses are relative, so it is served under its slash only."""
        return RedirectResponse(PATH.removeprefix("/") + "/")

    return [
        Route(PATH, read_bare, methods=["GET"], include_in_schema=False),
        Route(PATH + "/{name:path}", read_file, methods=["GET"], include_in_schema=False),
    ]


def _respond(file: DashboardFile, request: Request, extra: Mapping[str, str]) -> Response:
    """The answer with the file, or the one that says that the client has it already."""
    zipped = file.zipped if _takes_gzip(request.headers.get("accept-encoding", "")) else None
    tag = f'"{file.tag}-gzip"' if zipped is not None else f'"{file.tag}"'
    headers = {
        "etag": tag,
        "cache-control": _FOR_EVER if file.is_immutable else _ASK_AGAIN,
        "vary": "accept-encoding",
        "accept-ranges": "none",
        "referrer-policy": "no-referrer",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        **extra,
    }
    if _names(request.headers.get("if-none-match", ""), tag):
        return Response(status_code=304, headers=headers)
    headers["content-type"] = file.content_type
    if zipped is not None:
        headers["content-encoding"] = "gzip"
    return Response(file.body if zipped is None else zipped, headers=headers)


def _takes_gzip(accepted: str) -> bool:
    """Whether `Accept-Encoding` allows gzip."""
    for entry in accepted.lower().split(","):
        coding, _, weight = entry.partition(";")
        if coding.strip() in ("gzip", "*"):
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def _names(wanted: str, tag: str) -> bool:
    """Whether `If-None-Match` names this tag; weak comparison, as RFC 9110 section 13.1.2 asks."""
    tags = {one.strip().removeprefix("W/") for one in wanted.split(",")}
    return tag in tags or "*" in tags
