"""The socket flood through cryptofeed's own connection class and connection handler.

`WSAsyncConn` (on `websockets`) insists on `wss:`; its address is set to the plain one after
construction, so that every subject reads the same plain bytes.
"""

import asyncio
from typing import Any

import uvloop
from cryptofeed.connection import WSAsyncConn
from cryptofeed.connection_handler import ConnectionHandler
from cryptofeed.defines import TRADES

from benchmarks.peers.cryptofeed_path import make_feed
from benchmarks.peers.flood_client import Flooded


class _Watch:
    """The user's callback: counts trades."""

    def __init__(self) -> None:
        self.records = 0
        self.last_id = ""

    async def on_trade(self, trade: Any, _received: float) -> None:
        """Takes one trade."""
        self.records += 1
        self.last_id = trade.id


async def _run(url: str) -> Flooded:
    watch = _Watch()
    feed = make_feed(TRADES, watch.on_trade)
    options = feed.websocket_endpoints[0].options
    connection = WSAsyncConn("wss://replaced", feed.id, **options)
    connection.address = url
    try:
        handler = ConnectionHandler(connection, feed.subscribe, feed.message_handler, 0)
    except TypeError:  # version 2 wants to know how to log in as well
        handler = ConnectionHandler(
            connection, feed.subscribe, feed.message_handler, feed.authenticate, 0
        )
    async with connection.connect() as opened:
        await feed.subscribe(opened)
        await handler._handler(opened, feed.message_handler)
    return Flooded(delivered=watch.records, lost_counted=0, last_id=watch.last_id)


def run(url: str) -> Flooded:
    """Reads one flood to its end."""
    uvloop.install()
    return asyncio.run(_run(url))
