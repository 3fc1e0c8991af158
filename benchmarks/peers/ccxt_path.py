"""Entry into ccxt.pro: `Client.handle_message(frame)` of a venue's client.

That is what its receive loop calls with each aiohttp frame: receive time, decode, dispatch, unified
structure, cache, and waking a waiter if there is one. Of Binance ccxt subscribes to a raw stream,
so it gets the payloads without the combined stream's wrapper. No user awaits here, so the figure is
ccxt's lower bound; what a `while True: await watch_trades` loop adds is measured by the socket
flood. ccxt leaves OKX's sizes in contracts.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

import ccxt
import ccxt.pro
from aiohttp import WSMessage, WSMsgType

from benchmarks.messages import AGG_TRADE, DEPTH, FORCE_ORDER, SYMBOL, Corpus, Truth, unwrapped
from benchmarks.trade_messages import BYBIT, CONTRACT_SIZE, HYPERLIQUID, OKX, TRADE_KINDS

UNIFIED_SYMBOL = "BTC/USDT:USDT"
BINANCE = "binance"
_BINANCE_MARKET = {
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

_OKX_MARKET = {
    "instId": "BTC-USDT-SWAP",
    "instType": "SWAP",
    "uly": "BTC-USDT",
    "settleCcy": "USDT",
    "ctType": "linear",
    "ctVal": str(CONTRACT_SIZE),
    "ctValCcy": "BTC",
    "ctMult": "1",
    "lotSz": "0.01",
    "minSz": "0.01",
    "tickSz": "0.1",
    "lever": "100",
    "state": "live",
    "listTime": "1573557408000",
}
_HYPERLIQUID_MARKET = {"name": "BTC", "baseId": 0, "szDecimals": "5", "markPx": "67100"}


@dataclass(frozen=True)
class _Venue:
    """One venue in ccxt's words.

    Attributes:
        exchange: name of the class in `ccxt.pro`.
        symbol: the instrument as ccxt calls it.
        url: where its client would be connected; handlers look at it.
        market: the venue's listing of the instrument; Bybit's class has no reader of one.
        contract_size: base units of what it counts.
    """

    exchange: str
    symbol: str
    url: str
    market: dict[str, Any] | None
    contract_size: float = 1.0


_VENUES = {
    BINANCE: _Venue(
        "binanceusdm", UNIFIED_SYMBOL, "wss://fstream.binance.com/market/ws/0", _BINANCE_MARKET
    ),
    BYBIT: _Venue("bybit", UNIFIED_SYMBOL, "wss://stream.bybit.com/v5/public/linear", None),
    OKX: _Venue(
        "okx", UNIFIED_SYMBOL, "wss://ws.okx.com:8443/ws/v5/public", _OKX_MARKET, CONTRACT_SIZE
    ),
    HYPERLIQUID: _Venue(
        "hyperliquid", "BTC/USDC:USDC", "wss://api.hyperliquid.xyz/ws", _HYPERLIQUID_MARKET
    ),
}


class CcxtPath:
    """One client; its caches are read afterwards."""

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus
        self._venue = _VENUES[corpus.exchange]
        is_wrapped = corpus.exchange == BINANCE
        self._messages = [
            WSMessage(WSMsgType.TEXT, (unwrapped(frame) if is_wrapped else frame).decode(), None)
            for frame in corpus.frames
        ]
        self._loop = asyncio.new_event_loop()
        self._loop.run_until_complete(self._open())

    async def _open(self) -> None:
        self._exchange = make_exchange(exchange=self._corpus.exchange)
        self._client = self._exchange.client(self._venue.url)

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
        is_trade = kind == AGG_TRADE or kind in TRADE_KINDS
        limit = "tradesLimit" if is_trade else "liquidationsLimit"
        default = self._exchange.options.get(limit)
        self._exchange.options[limit] = self._corpus.truth.records
        self.start()
        self.feed_all()
        self._exchange.options[limit] = default
        rows: list[dict[str, Any]]
        if is_trade:
            rows = list(self._exchange.trades[self._venue.symbol])
            size = self._venue.contract_size
            return Truth(len(rows), sum(row["price"] * row["amount"] * size for row in rows))
        if kind != FORCE_ORDER:
            raise ValueError(f"kind {kind!r} is not known")
        rows = list(self._exchange.liquidations)
        return Truth(len(rows), sum(row["contracts"] for row in rows))

    def close(self) -> None:
        """Closes the exchange and the loop."""
        self._loop.run_until_complete(self._exchange.close())
        self._loop.close()


def make_exchange(options: dict[str, Any] | None = None, exchange: str = BINANCE) -> Any:
    """A client that knows the one market without asking the venue."""
    venue = _VENUES[exchange]
    made = getattr(ccxt.pro, venue.exchange)({"newUpdates": True, "options": options or {}})
    market = _bybit_market(made) if venue.market is None else made.parse_market(venue.market)
    made.set_markets([market])
    return made


def _bybit_market(exchange: Any) -> Any:
    """The instrument as `fetch_future_markets` of ccxt's bybit makes it, as far as trades need."""
    return exchange.safe_market_structure(
        {
            "id": "BTCUSDT",
            "symbol": UNIFIED_SYMBOL,
            "base": "BTC",
            "quote": "USDT",
            "settle": "USDT",
            "baseId": "BTC",
            "quoteId": "USDT",
            "settleId": "USDT",
            "type": "swap",
            "spot": False,
            "swap": True,
            "future": False,
            "option": False,
            "contract": True,
            "linear": True,
            "inverse": False,
            "contractSize": 1.0,
            "precision": {"amount": 0.001, "price": 0.1},
        }
    )


def _last_sequence(corpus: Corpus) -> int:
    text = corpus.frames[-1].decode()
    return int(text.split('"u":')[1].split(",")[0])
