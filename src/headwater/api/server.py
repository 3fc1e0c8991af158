"""Puts the application and the streaming hub on one port of a uvicorn server."""

import uvicorn
from starlette.types import ASGIApp

from headwater.api.http_protocol import bounded_http
from headwater.api.settings import ApiSettings
from headwater.api.stream_hub import StreamHub
from headwater.api.stream_protocol import streaming_protocol
from headwater.api.stream_routes import PATH_PREFIX


def build_server(app: ASGIApp, hub: StreamHub, settings: ApiSettings) -> uvicorn.Server:
    """A server, not yet started; `await server.serve()` runs it.

    Args:
        app: serves HTTP.
        hub: serves the streaming paths.
        settings: address and bounds.

    Returns:
        A server that logs through the standard library's loggers as they are configured, and
        leaves access logs to `request_log`.
    """
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http=bounded_http(settings.http),
        ws=streaming_protocol(hub, (PATH_PREFIX,)),
        ws_max_size=hub.limits.max_message_bytes,
        ws_per_message_deflate=False,
        lifespan="on",
        interface="asgi3",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=sorted(settings.trusted_proxies),
        timeout_keep_alive=settings.http.keep_alive_s,
        timeout_graceful_shutdown=settings.graceful_shutdown_s,
    )
    return uvicorn.Server(config)
