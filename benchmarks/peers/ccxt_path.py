"""Entry into ccxt.pro: `Client.handle_message(frame)` of a `binanceusdm` client.

That is what its receive loop calls with each aiohttp frame: receive time, decode, dispatch, unified
structure, cache, and waking a waiter if there is one. ccxt subscribes on a raw stream, so it gets
the payloads without the combined stream's wrapper. No user awaits here, so the figure is ccxt's
lower bound; what a `while True: await watch_trades` loop adds is measured by the socket flood.
"""

import asyncio
from typing import Any

import ccxt
import ccxt.pro
from aiohttp import WSMessage, WSMsgType

from benchmarks.messages import AGG_TRADE, DEPTH, FORCE_ORDER, SYMBOL, Corpus, Truth, unwrapped

UNIFIED_SYMBOL = "BTC/USDT:USDT"
_URL = "wss://fstream.binance.com/market/ws/0"
_MARKET = {
    "symbol": SYMBOL,
    "pair": SYMBOL,
    "contractType": "PERPETUAL",
    "deliveryDate": 4133404800000,
    "onboardDate": 1569398400000,
    "status": "TRADING",
    "baseAsset": "BTC",
    "quoteAsset": "USDT",
    "marginAsset": "USDT",
    "pricePrecision": 2,
    "quantityPrecision": 3,
    "baseAssetPrecision": 8,
    "quotePrecision": 8,
    "underlyingType": "COIN",
    "filters": [
        {"filterType": "PRICE_FILTER", "tickSize": "0.10", "minPrice": "1", "maxPrice": "4529764"},
        {"filterType": "LOT_SIZE", "stepSize": "0.001", "minQty": "0.001", "maxQty": "1000"},
    ],
}


class CcxtPath:
    """One client; its caches are read afterwards."""

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus
        self._messages = [
            WSMessage(WSMsgType.TEXT, unwrapped(frame).decode(), None) for frame in corpus.frames
        ]
        self._loop = asyncio.new_event_loop()
        self._loop.run_until_complete(self._open())

    async def _open(self) -> None:
        self._exchange = make_exchange()
        self._client = self._exchange.client(_URL)

    def version(self) -> str:
        """Version of the package."""
        return f"ccxt.pro {ccxt.__version__}"

    def start(self) -> None:
        """Empties the caches, puts the snapshot's book in place."""
        self._exchange.trades.clear()
        self._exchange.liquidations = None
        snapshot = self._corpus.snapshot
        if snapshot is not None:
            book = self._exchange.order_book({}, None)
            book.reset(
                {
                    "bids": [[float(p), float(q)] for p, q in snapshot.bids],
                    "asks": [[float(p), float(q)] for p, q in snapshot.asks],
                    "nonce": snapshot.sequence,
                    "timestamp": 1,
                }
            )
            self._exchange.orderbooks[UNIFIED_SYMBOL] = book

    def feed_all(self) -> None:
        """Hands each frame to the client, inside a running loop as futures want one."""
        self._loop.run_until_complete(self._feed_all())

    async def _feed_all(self) -> None:
        handle = self._client.handle_message
        for message in self._messages:
            handle(message)

    def outcome(self) -> Truth:
        """Counts by an untimed pass with caches large enough for all."""
        kind = self._corpus.kind
        if kind == DEPTH:
            book = self._exchange.orderbooks[UNIFIED_SYMBOL]
            total = sum(p * q for side in ("bids", "asks") for p, q in book[side])
            reached = book["nonce"] == _last_sequence(self._corpus)
            records = len(self._messages) if reached else 0
            return Truth(records, total, len(book["bids"]), len(book["asks"]))
        limit = "tradesLimit" if kind == AGG_TRADE else "liquidationsLimit"
        self._exchange.options[limit] = len(self._messages)
        self.start()
        self.feed_all()
        rows: list[dict[str, Any]]
        if kind == AGG_TRADE:
            rows = list(self._exchange.trades[UNIFIED_SYMBOL])
            return Truth(len(rows), sum(row["price"] * row["amount"] for row in rows))
        if kind != FORCE_ORDER:
            raise ValueError(f"kind {kind!r} is not known")
        rows = list(self._exchange.liquidations)
        return Truth(len(rows), sum(row["contracts"] for row in rows))

    def close(self) -> None:
        """Closes the exchange and the loop."""
        self._loop.run_until_complete(self._exchange.close())
        self._loop.close()


def make_exchange(options: dict[str, Any] | None = None) -> Any:
    """A `binanceusdm` that knows the one market without asking the venue."""
    exchange = ccxt.pro.binanceusdm({"newUpdates": True, "options": options or {}})
    exchange.set_markets([exchange.parse_market(_MARKET)])
    return exchange


def _last_sequence(corpus: Corpus) -> int:
    text = corpus.frames[-1].decode()
    return int(text.split('"u":')[1].split(",")[0])
