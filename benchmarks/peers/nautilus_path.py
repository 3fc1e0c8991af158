"""Entry into NautilusTrader: `BinanceFuturesDataClient._handle_ws_message(raw)`.

That is the callback its Rust WebSocket client calls with each text frame: find the handler, decode,
normalise to its Cython/Rust types and send to the data engine's endpoint of its message bus. Two
subjects: `nautilus` has a counting function at that endpoint (and applies depth to an `OrderBook`),
which is the lower bound that ratios are taken against; `nautilus_engine` has its real `DataEngine`
there, with one subscriber to the topic. Its Binance client keeps no sequence check and has no
liquidations.
"""

import asyncio
from typing import Any

import nautilus_trader
from nautilus_trader.adapters.binance.config import BinanceDataClientConfig
from nautilus_trader.adapters.binance.futures.data import BinanceFuturesDataClient
from nautilus_trader.adapters.binance.http.client import BinanceHttpClient
from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import LiveClock, MessageBus
from nautilus_trader.common.providers import InstrumentProvider
from nautilus_trader.data.engine import DataEngine
from nautilus_trader.model.book import OrderBook
from nautilus_trader.model.data import BookOrder, OrderBookDelta, OrderBookDeltas
from nautilus_trader.model.enums import BookAction, BookType, OrderSide
from nautilus_trader.model.identifiers import TraderId
from nautilus_trader.model.objects import Price, Quantity
from nautilus_trader.test_kit.providers import TestInstrumentProvider

from benchmarks.messages import AGG_TRADE, DEPTH, FORCE_ORDER, Corpus, Levels, Truth
from benchmarks.peers.subject import NotOffered

_NOWHERE = "127.0.0.1:1"


class NautilusPath:
    """The adapter alone, or the adapter with the data engine behind it."""

    def __init__(self, corpus: Corpus, *, with_engine: bool) -> None:
        if corpus.kind == FORCE_ORDER:
            raise NotOffered("nautilus_trader's Python Binance client has no liquidations")
        if corpus.exchange != "binance":
            raise NotOffered("nautilus_trader reads this venue in Rust, without a Python entry")
        self._corpus = corpus
        self._records = 0
        self._total = 0.0
        self._adding = False
        self._loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self._loop)
        clock = LiveClock()
        bus = MessageBus(trader_id=TraderId("BENCH-001"), clock=clock)
        cache = Cache()
        self._instrument = TestInstrumentProvider.btcusdt_perp_binance()
        cache.add_instrument(self._instrument)
        self._client = BinanceFuturesDataClient(
            loop=self._loop,
            client=BinanceHttpClient(
                clock=clock, api_key="", api_secret="", base_url=f"http://{_NOWHERE}"
            ),
            msgbus=bus,
            cache=cache,
            clock=clock,
            instrument_provider=InstrumentProvider(),
            base_url_ws=f"ws://{_NOWHERE}",
            config=BinanceDataClientConfig(),
        )
        on_record = self._on_deltas if corpus.kind == DEPTH else self._on_trade
        if with_engine:
            engine = DataEngine(bus, cache, clock)
            engine.register_client(self._client)
            engine.start()
            topic = "book.deltas" if corpus.kind == DEPTH else "trades"
            bus.subscribe(topic=f"data.{topic}.BINANCE.BTCUSDT-PERP", handler=on_record)
        else:
            bus.register(endpoint="DataEngine.process", handler=on_record)

    def version(self) -> str:
        """Version of the package."""
        return f"nautilus_trader {nautilus_trader.__version__}"

    def start(self) -> None:
        """Puts the snapshot's book in place."""
        self._records = 0
        if self._corpus.snapshot is not None:
            snapshot = self._corpus.snapshot
            self._book = OrderBook(self._instrument.id, BookType.L2_MBP)
            deltas = [
                *self._first_deltas(OrderSide.BUY, snapshot.bids),
                *self._first_deltas(OrderSide.SELL, snapshot.asks),
            ]
            self._book.apply_deltas(OrderBookDeltas(self._instrument.id, deltas))

    def _first_deltas(self, side: OrderSide, levels: Levels) -> list[OrderBookDelta]:
        return [
            OrderBookDelta(
                instrument_id=self._instrument.id,
                action=BookAction.ADD,
                order=BookOrder(side, Price.from_str(price), Quantity.from_str(quantity), 0),
                flags=0,
                sequence=0,
                ts_event=0,
                ts_init=0,
            )
            for price, quantity in levels
        ]

    def feed_all(self) -> None:
        """Hands each frame to the client's handler."""
        handle = self._client._handle_ws_message
        for frame in self._corpus.frames:
            handle(frame)

    def _on_trade(self, tick: Any) -> None:
        self._records += 1
        if self._adding:
            self._total += float(tick.price) * float(tick.size)

    def _on_deltas(self, deltas: Any) -> None:
        self._records += 1
        self._book.apply_deltas(deltas)

    def outcome(self) -> Truth:
        """Counts, and the total by an untimed pass for trades."""
        if self._corpus.kind == AGG_TRADE:
            records = self._records
            self._adding = True
            self.feed_all()
            return Truth(records, self._total)
        bids, asks = self._book.bids(), self._book.asks()
        total = sum(float(level.price) * level.size() for side in (bids, asks) for level in side)
        return Truth(self._records, total, len(bids), len(asks))

    def close(self) -> None:
        """Closes the loop."""
        self._loop.close()
