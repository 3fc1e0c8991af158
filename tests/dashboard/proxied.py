"""A reverse proxy that serves a platform under a path of its own, as people put one before it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web

PREFIX = "/tools/market"
_HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "content-encoding", "host"}


@asynccontextmanager
async def behind_proxy(target: str) -> AsyncIterator[str]:
    """Serves `target` under `PREFIX` on a free port; gives the address with the prefix."""
    async with aiohttp.ClientSession(auto_decompress=True) as session:

        async def pass_on(request: web.Request) -> web.StreamResponse:
            url = target + request.raw_path.removeprefix(PREFIX)
            headers = {
                name: value
                for name, value in request.headers.items()
                if name.lower() not in _HOP_BY_HOP
            }
            if request.headers.get("upgrade", "").lower() == "websocket":
                return await _pass_socket(session, request, url)
            async with session.request(
                request.method, url, headers=headers, allow_redirects=False
            ) as reply:
                kept = {n: v for n, v in reply.headers.items() if n.lower() not in _HOP_BY_HOP}
                return web.Response(status=reply.status, headers=kept, body=await reply.read())

        app = web.Application()
        app.router.add_route("*", PREFIX + "{path:.*}", pass_on)
        runner = web.AppRunner(app, shutdown_timeout=0.5)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        try:
            host, port = runner.addresses[0][:2]
            yield f"http://{host}:{port}{PREFIX}"
        finally:
            await runner.cleanup()


async def _pass_socket(
    session: aiohttp.ClientSession, request: web.Request, url: str
) -> web.StreamResponse:
    """Joins both sockets until one of them ends."""
    near = web.WebSocketResponse()
    await near.prepare(request)
    async with session.ws_connect(url) as far:

        async def copy(
            source: web.WebSocketResponse | aiohttp.ClientWebSocketResponse,
            to: web.WebSocketResponse | aiohttp.ClientWebSocketResponse,
        ) -> None:
            async for message in source:
                await to.send_str(message.data)
            await to.close()

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(copy(near, far), name="to the platform")
            tasks.create_task(copy(far, near), name="to the page")
    return near
