"""The socket flood through ccxt.pro as its users write it: `while True: await watch_trades(…)`.

With the default cache of 1,000 trades, and as `roomy` with one that holds them all.
"""

import asyncio

import ccxt
import uvloop

from benchmarks.peers.ccxt_path import UNIFIED_SYMBOL, make_exchange
from benchmarks.peers.flood_client import Flooded

_ROOMY = 10_000_000


async def _run(url: str, *, roomy: bool) -> Flooded:
    exchange = make_exchange({"tradesLimit": _ROOMY} if roomy else None)
    exchange.urls["api"]["ws"]["linear"] = f"{url}/ws"
    delivered = 0
    last_id = ""
    try:
        while True:
            trades = await exchange.watch_trades(UNIFIED_SYMBOL, None, None, {"name": "aggTrade"})
            delivered += len(trades)
            last_id = trades[-1]["id"]
    except ccxt.NetworkError:
        pass  # the server closed: the flood is over
    await exchange.close()
    return Flooded(delivered=delivered, lost_counted=0, last_id=last_id)


def run(url: str) -> Flooded:
    """Reads one flood to its end with ccxt's defaults."""
    uvloop.install()
    return asyncio.run(_run(url, roomy=False))


def run_roomy(url: str) -> Flooded:
    """Reads one flood to its end with a cache for every trade."""
    uvloop.install()
    return asyncio.run(_run(url, roomy=True))
