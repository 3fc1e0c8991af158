"""HTTP and streams share a port; the server's own settings are ours."""

import aiohttp
from tests.api.served import Platform

from headwater.api.server import build_server
from headwater.api.settings import ApiSettings


def test_the_server_takes_its_settings() -> None:
    platform = Platform()
    settings = ApiSettings(port=0, trusted_proxies=frozenset({"10.0.0.1"}))
    config = build_server(platform.app, platform.hub, settings).config
    assert (config.host, config.port) == ("127.0.0.1", 0)
    assert config.forwarded_allow_ips == ["10.0.0.1"]
    assert not config.ws_per_message_deflate
    assert not build_server(platform.app, platform.hub, ApiSettings()).config.proxy_headers


async def test_http_and_streams_share_a_port(platform: Platform) -> None:
    async with (
        aiohttp.ClientSession(f"http://127.0.0.1:{platform.port}") as session,
        session.ws_connect("/ws/binance/BTCUSDT/ohlc") as socket,
        session.get("/health") as reply,
    ):
        assert reply.status == 200
        assert '"interval":"1m"' in await socket.receive_str(timeout=10)
