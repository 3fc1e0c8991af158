"""Entry into cryptofeed, 3.x and 2.x: `BinanceFutures.message_handler(text, conn, timestamp)`.

That is what its connection handler calls with each text frame: decode, dispatch, normalise,
sequence check and book for depth, and the user's callback awaited. The receive time is read per
message with `time.time()`, as its connection class does. Run in its own environment only: version
3 is under the AGPL and is never imported by the platform.
"""

import asyncio
import time
from decimal import Decimal
from importlib.metadata import version as installed_version
from typing import Any

from cryptofeed.defines import ASK, BID, L2_BOOK, LIQUIDATIONS, TRADES
from cryptofeed.exchanges import BinanceFutures
from cryptofeed.symbols import Symbols
from cryptofeed.types import OrderBook

from benchmarks.messages import AGG_TRADE, DEPTH, FORCE_ORDER, SYMBOL, Corpus, Truth

STANDARD_SYMBOL = "BTC-USDT-PERP"
_CHANNELS = {AGG_TRADE: TRADES, DEPTH: L2_BOOK, FORCE_ORDER: LIQUIDATIONS}
_EXCHANGE_INFO = {
    "symbols": [
        {
            "symbol": SYMBOL,
            "pair": SYMBOL,
            "contractType": "PERPETUAL",
            "status": "TRADING",
            "contractStatus": "TRADING",
            "baseAsset": "BTC",
            "quoteAsset": "USDT",
            "filters": [{"filterType": "PRICE_FILTER", "tickSize": "0.10"}],
        }
    ]
}


class CryptofeedPath:
    """One feed of one symbol with one callback that counts and keeps the last object."""

    def __init__(self, corpus: Corpus) -> None:
        self._texts = [frame.decode() for frame in corpus.frames]
        self._corpus = corpus
        self._records = 0
        self._loop = asyncio.new_event_loop()
        channel = _CHANNELS[corpus.kind]
        self._feed = make_feed(channel, self._on_record)

    def version(self) -> str:
        """Version of the package."""
        return f"cryptofeed {installed_version('cryptofeed')}"

    def start(self) -> None:
        """Puts the snapshot's book in place."""
        self._records = 0
        snapshot = self._corpus.snapshot
        if snapshot is not None:
            book = OrderBook(
                self._feed.id,
                STANDARD_SYMBOL,
                bids={Decimal(price): Decimal(quantity) for price, quantity in snapshot.bids},
                asks={Decimal(price): Decimal(quantity) for price, quantity in snapshot.asks},
            )
            book.delta = None
            self._feed._l2_book[STANDARD_SYMBOL] = book
            self._feed.last_update_id[STANDARD_SYMBOL] = snapshot.sequence

    def feed_all(self) -> None:
        """Awaits the feed's handler for each message."""
        self._loop.run_until_complete(self._feed_all())

    async def _feed_all(self) -> None:
        handle = self._feed.message_handler
        now = time.time
        for text in self._texts:
            await handle(text, None, now())

    async def _on_record(self, record: Any, _received: float) -> None:
        self._records += 1
        self._last = record

    def outcome(self) -> Truth:
        """Counts, and the total by a second, untimed pass for trades and liquidations."""
        if self._corpus.kind == DEPTH:
            book = self._feed._l2_book[STANDARD_SYMBOL].book
            bids, asks = book[BID].to_dict(), book[ASK].to_dict()
            total = sum(float(p) * float(q) for side in (bids, asks) for p, q in side.items())
            return Truth(self._records, total, len(bids), len(asks))
        records = self._records
        return Truth(records, self._total())

    def _total(self) -> float:
        total = 0.0

        async def add(record: Any, _received: float) -> None:
            nonlocal total
            if self._corpus.kind == AGG_TRADE:
                total += float(record.price) * float(record.amount)
            else:
                total += float(record.quantity)

        async def run() -> None:
            for text in self._texts:
                await feed.message_handler(text, None, 0.0)

        feed = make_feed(_CHANNELS[self._corpus.kind], add)
        self._loop.run_until_complete(run())
        return total

    def close(self) -> None:
        """Closes the loop."""
        self._loop.close()


def make_feed(channel: str, callback: Any) -> BinanceFutures:
    """A feed of the one symbol, knowing it without asking the venue."""
    Symbols.set(BinanceFutures.id, *BinanceFutures._parse_symbol_data(_EXCHANGE_INFO))
    return BinanceFutures(
        symbols=[STANDARD_SYMBOL], channels=[channel], callbacks={channel: callback}
    )
