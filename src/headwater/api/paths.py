"""Paths in which a symbol is spelt with a slash: `/binance/ohlc/BTC%2FUSDT/1h`.

Servers hand the path on decoded, and then `BTC/USDT` is two segments. `PathLayer` decodes each
segment by itself and leaves a slash inside one percent-encoded, as the symbol resolver takes it.
"""

from urllib.parse import unquote

from starlette.types import ASGIApp, Receive, Scope, Send


class PathLayer:
    """ASGI layer that decodes paths segment by segment.

    Args:
        app: what is behind it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Corrects the path of one request."""
        if scope["type"] == "http" and b"%2" in scope.get("raw_path", b""):
            scope["path"] = decode_path(scope["raw_path"])
        await self._app(scope, receive, send)


def decode_path(raw_path: bytes) -> str:
    """The decoded path, with `%2F` where a segment contains a slash.

    Args:
        raw_path: as the client sent it, without the query.
    """
    segments = raw_path.decode("latin-1").split("/")
    return "/".join(unquote(segment).replace("/", "%2F") for segment in segments)
