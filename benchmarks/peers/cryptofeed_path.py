"""Entry into cryptofeed, 3.x and 2.x: `message_handler(text, conn, timestamp)` of a venue's feed.

That is what its connection handler calls with each text frame: decode, dispatch, normalise,
sequence check and book for depth, and the user's callback awaited. The receive time is read per
message with `time.time()`, as its connection class does. It leaves OKX's sizes in contracts and
lets a trade that comes twice pass twice. Run in its own environment only: version 3 is under the
AGPL and is never imported by the platform.
"""

import asyncio
import time
from dataclasses import dataclass
from decimal import Decimal
from importlib.metadata import version as installed_version
from typing import Any

from cryptofeed import exchanges
from cryptofeed.defines import ASK, BID, L2_BOOK, LIQUIDATIONS, TRADES
from cryptofeed.symbols import Symbols
from cryptofeed.types import OrderBook

from benchmarks.messages import AGG_TRADE, DEPTH, FORCE_ORDER, SYMBOL, Corpus, Truth
from benchmarks.peers.subject import NotOffered
from benchmarks.trade_messages import BYBIT, CONTRACT_SIZE, HYPERLIQUID, OKX, TRADE_KINDS

BINANCE = "binance"
_CHANNELS = {
    AGG_TRADE: TRADES,
    DEPTH: L2_BOOK,
    FORCE_ORDER: LIQUIDATIONS,
    **dict.fromkeys(TRADE_KINDS, TRADES),
}


@dataclass(frozen=True)
class _Market:
    """One instrument of one venue.

    Attributes:
        feed: name of the class in `cryptofeed.exchanges`.
        symbol: as cryptofeed calls it.
        listing: what the class reads the venue's instruments from.
        address: where its connection would lead; Bybit's feed looks at it.
        contract_size: base units of what it counts.
    """

    feed: str
    symbol: str
    listing: Any
    address: str = ""
    contract_size: float = 1.0


_MARKETS = {
    BINANCE: _Market(
        "BinanceFutures",
        "BTC-USDT-PERP",
        {
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
        },
    ),
    BYBIT: _Market(
        "Bybit",
        "BTC-USDT-PERP",
        [
            {
                "result": {
                    "list": [
                        {
                            "symbol": "BTCUSDT",
                            "contractType": "LinearPerpetual",
                            "baseCoin": "BTC",
                            "quoteCoin": "USDT",
                            "priceFilter": {"tickSize": "0.10"},
                        }
                    ]
                }
            }
        ],
        address="wss://stream.bybit.com/v5/public/linear",
    ),
    OKX: _Market(
        "OKX",
        "BTC-USDT-PERP",
        [{"data": [{"instType": "SWAP", "instId": "BTC-USDT-SWAP", "tickSz": "0.1"}]}],
        contract_size=CONTRACT_SIZE,
    ),
    HYPERLIQUID: _Market("Hyperliquid", "BTC-USD-PERP", [{"universe": [{"name": "BTC"}]}, {}]),
}


class _Connection:
    """What a feed asks its connection for while it reads messages."""

    uuid = "benchmark"

    def __init__(self, address: str) -> None:
        self.address = address


class CryptofeedPath:
    """One feed of one symbol with one callback that counts and keeps the last object."""

    def __init__(self, corpus: Corpus) -> None:
        self._texts = [frame.decode() for frame in corpus.frames]
        self._corpus = corpus
        self._records = 0
        self._loop = asyncio.new_event_loop()
        self._market = _MARKETS[corpus.exchange]
        self._connection = _Connection(self._market.address)
        channel = _CHANNELS[corpus.kind]
        self._feed = make_feed(channel, self._on_record, corpus.exchange)

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
                self._market.symbol,
                bids={Decimal(price): Decimal(quantity) for price, quantity in snapshot.bids},
                asks={Decimal(price): Decimal(quantity) for price, quantity in snapshot.asks},
            )
            book.delta = None
            self._feed._l2_book[self._market.symbol] = book
            self._feed.last_update_id[self._market.symbol] = snapshot.sequence

    def feed_all(self) -> None:
        """Awaits the feed's handler for each message."""
        self._loop.run_until_complete(self._feed_all())

    async def _feed_all(self) -> None:
        handle = self._feed.message_handler
        connection = self._connection
        now = time.time
        for text in self._texts:
            await handle(text, connection, now())

    async def _on_record(self, record: Any, _received: float) -> None:
        self._records += 1
        self._last = record

    def outcome(self) -> Truth:
        """Counts, and the total by a second, untimed pass for trades and liquidations."""
        if self._corpus.kind == DEPTH:
            book = self._feed._l2_book[self._market.symbol].book
            bids, asks = book[BID].to_dict(), book[ASK].to_dict()
            total = sum(float(p) * float(q) for side in (bids, asks) for p, q in side.items())
            return Truth(self._records, total, len(bids), len(asks))
        records = self._records
        return Truth(records, self._total())

    def _total(self) -> float:
        total = 0.0
        size = self._market.contract_size

        async def add(record: Any, _received: float) -> None:
            nonlocal total
            if self._corpus.kind == FORCE_ORDER:
                total += float(record.quantity)
            else:
                total += float(record.price) * float(record.amount) * size

        async def run() -> None:
            for text in self._texts:
                await feed.message_handler(text, self._connection, 0.0)

        feed = make_feed(_CHANNELS[self._corpus.kind], add, self._corpus.exchange)
        self._loop.run_until_complete(run())
        return total

    def close(self) -> None:
        """Closes the loop."""
        self._loop.close()


def make_feed(channel: str, callback: Any, exchange: str = BINANCE) -> Any:
    """A feed of the one symbol, knowing it without asking the venue.

    Raises:
        NotOffered: this version of cryptofeed has no such venue.
    """
    market = _MARKETS[exchange]
    maker = getattr(exchanges, market.feed, None)
    if maker is None:
        raise NotOffered(f"cryptofeed {installed_version('cryptofeed')} has no {market.feed}")
    Symbols.set(maker.id, *maker._parse_symbol_data(market.listing))
    return maker(symbols=[market.symbol], channels=[channel], callbacks={channel: callback})
