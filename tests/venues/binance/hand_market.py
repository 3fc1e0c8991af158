"""A tiny market made by hand, and a bench that asks Binance's servers over it."""

import json
from decimal import Decimal
from typing import Any

from headwater.analytics.margin import build_tiers
from headwater.core.enums import (
    InstrumentKind,
    InstrumentStatus,
    PositionSide,
    PriceKind,
    Side,
)
from headwater.core.instruments import Instrument, InstrumentTable
from headwater.core.intervals import Interval
from headwater.core.margin_tiers import MarginTier
from headwater.core.order_book import OrderBook
from headwater.core.records import (
    BookDelta,
    BookSnapshot,
    Candle,
    FundingRate,
    Level,
    Liquidation,
    MarkCandle,
    MarkPrice,
    OpenInterest,
    Trade,
)
from headwater.venues.binance.venue_side import BinanceSide
from headwater.venues.binance.venue_side_stream import StreamRules
from headwater.venues.side import (
    DayStats,
    FillPrint,
    HeldPosition,
    ServerReply,
    ServerRequest,
    ServerSocket,
)

START_MS = 1_800_000_000_000  # a full minute


class HandMarket:
    """A market made by hand: every event is put in by the test."""

    def __init__(self) -> None:
        self.clock_ms = START_MS
        self.table = InstrumentTable(
            "binance", [_instrument("BTC", "0.10", "0.001"), _instrument("DOGE", "0.00001", "1")]
        )
        self.made: dict[str, list[FillPrint]] = {"BTCUSDT": [], "DOGEUSDT": []}
        self.books = {symbol: OrderBook() for symbol in self.made}
        self.books["BTCUSDT"].replace([(100.0, 1.0), (99.9, 2.0)], [(100.1, 1.5)], 500, START_MS)
        self.books["DOGEUSDT"].replace([(0.1, 10.0)], [(0.11, 20.0)], 700, START_MS)

    def now_ms(self) -> int:
        return self.clock_ms

    def trade(
        self, price: float, quantity: float, *, fills: int = 1, side: Side = Side.BUY
    ) -> Trade:
        made = self.made["BTCUSDT"]
        sequence = made[-1].trade.sequence + 1 if made and made[-1].trade.sequence else 1
        first = made[-1].last_fill_id + 1 if made else 1000
        trade = Trade(
            exchange="binance",
            symbol="BTCUSDT",
            native_symbol="BTCUSDT",
            timestamp_ms=self.clock_ms,
            received_ns=0,
            side=side,
            price=price,
            quantity=quantity,
            value=price * quantity,
            trade_id=sequence,
            sequence=sequence,
        )
        made.append(FillPrint(trade=trade, first_fill_id=first, last_fill_id=first + fills - 1))
        return trade

    def change(self, bids: list[Level], asks: list[Level], first: int, last: int) -> BookDelta:
        book = self.books["BTCUSDT"]
        delta = BookDelta(
            exchange="binance",
            symbol="BTCUSDT",
            native_symbol="BTCUSDT",
            timestamp_ms=self.clock_ms,
            received_ns=0,
            bids=tuple(bids),
            asks=tuple(asks),
            sequence=last,
            first_sequence=first,
            previous_sequence=book.sequence,
        )
        book.apply(bids, asks, last, self.clock_ms)
        return delta

    def candles(
        self,
        symbol: str,
        interval: Interval,
        *,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> list[Candle]:
        rows: dict[int, list[FillPrint]] = {}
        for found in self.made[symbol]:
            rows.setdefault(interval.opens_at_ms(found.trade.timestamp_ms), []).append(found)
        opened = [
            moment
            for moment in sorted(rows)
            if (start_ms is None or moment >= start_ms) and (end_ms is None or moment <= end_ms)
        ]
        chosen = opened[:limit] if start_ms is not None else opened[-limit:]
        return [self._candle(symbol, interval, moment, rows[moment]) for moment in chosen]

    def mark_candles(
        self,
        symbol: str,
        interval: Interval,
        *,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> list[MarkCandle]:
        """The mark price stands a half above the traded one."""
        rows = self.candles(symbol, interval, limit=limit, start_ms=start_ms, end_ms=end_ms)
        return [
            MarkCandle(
                exchange="binance",
                symbol=symbol,
                native_symbol=symbol,
                timestamp_ms=row.timestamp_ms,
                received_ns=0,
                interval=interval,
                open=row.open + 0.5,
                high=row.high + 0.5,
                low=row.low + 0.5,
                close=row.close + 0.5,
                is_closed=row.is_closed,
            )
            for row in rows
        ]

    def _candle(
        self, symbol: str, interval: Interval, opened_ms: int, prints: list[FillPrint]
    ) -> Candle:
        prices = [found.trade.price for found in prints]
        return Candle(
            exchange="binance",
            symbol=symbol,
            native_symbol=symbol,
            timestamp_ms=opened_ms,
            received_ns=0,
            interval=interval,
            open=prices[0],
            high=max(prices),
            low=min(prices),
            close=prices[-1],
            volume=sum(found.trade.quantity for found in prints),
            quote_volume=sum(found.trade.value for found in prints),
            trades_count=sum(f.last_fill_id - f.first_fill_id + 1 for f in prints),
            is_closed=self.clock_ms >= interval.closes_at_ms(opened_ms),
            taker_buy_volume=0.0,
        )

    def prints(
        self, symbol: str, *, limit: int, first_sequence: int | None = None
    ) -> list[FillPrint]:
        made = self.made[symbol]
        if first_sequence is None:
            return made[-limit:]
        return [f for f in made if (f.trade.sequence or 0) >= first_sequence][:limit]

    def liquidations(self, *, since_ms: int) -> list[Liquidation]:
        """None: the venue does not tell of the past."""
        assert since_ms >= 0
        return []

    def print_of_fill(self, symbol: str, fill_id: int) -> FillPrint | None:
        return next(
            (f for f in self.made[symbol] if f.first_fill_id <= fill_id <= f.last_fill_id), None
        )

    def book(self, symbol: str, depth: int) -> BookSnapshot:
        book = self.books[symbol]
        return BookSnapshot(
            exchange="binance",
            symbol=symbol,
            native_symbol=symbol,
            timestamp_ms=book.timestamp_ms,
            received_ns=0,
            bids=book.bids(depth),
            asks=book.asks(depth),
            sequence=book.sequence,
        )

    def day_stats(self, symbol: str) -> DayStats:
        return DayStats(
            open=100.0,
            high=110.0,
            low=90.0,
            last=105.0,
            last_quantity=0.5,
            volume=1000.0,
            quote_volume=101_000.0,
            trades_count=7,
            first_trade_id=1000,
            last_trade_id=1006,
            opened_at_ms=self.clock_ms - 86_400_000,
            closed_at_ms=self.clock_ms,
        )

    def mark_price(self, symbol: str) -> MarkPrice:
        return MarkPrice(
            exchange="binance",
            symbol=symbol,
            native_symbol=symbol,
            timestamp_ms=self.clock_ms,
            received_ns=0,
            mark=100.05,
            index=100.0,
            funding_rate=0.0001,
            next_funding_ms=START_MS + 3_600_000,
        )

    def open_interest(self, symbol: str) -> OpenInterest:
        return OpenInterest(
            exchange="binance",
            symbol=symbol,
            native_symbol=symbol,
            timestamp_ms=self.clock_ms,
            received_ns=0,
            open_interest=1234.5,
            value=123_450.0,
        )

    def open_interest_history(
        self,
        symbol: str,
        period: Interval,
        *,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> list[OpenInterest]:
        return [self.open_interest(symbol)][:limit]

    def funding_history(
        self,
        symbol: str,
        *,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> list[FundingRate]:
        row = FundingRate(
            exchange="binance",
            symbol=symbol,
            native_symbol=symbol,
            timestamp_ms=START_MS,
            received_ns=0,
            rate=-0.00012,
            interval_h=8.0,
            funding_time_ms=START_MS,
        )
        return [row][:limit]

    def margin_tiers(self, symbol: str) -> tuple[MarginTier, ...]:
        return build_tiers([(0.0, 0.004, 125.0)])

    def position(self, symbol: str, trader: int) -> HeldPosition | None:
        return None

    def liquidation(self, quantity: float) -> Liquidation:
        return Liquidation(
            exchange="binance",
            symbol="BTCUSDT",
            native_symbol="BTCUSDT",
            timestamp_ms=self.clock_ms,
            received_ns=0,
            side=Side.SELL,
            position_side=PositionSide.LONG,
            price=99.0,
            quantity=quantity,
            value=99.0 * quantity,
            price_kind=PriceKind.AVERAGE,
            order_id=None,
            is_floor=True,
            order_price=98.5,
        )


def _instrument(base: str, tick: str, step: str) -> Instrument:
    return Instrument(
        exchange="binance",
        symbol=f"{base}USDT",
        native_symbol=f"{base}USDT",
        timestamp_ms=0,
        received_ns=0,
        base_asset=base,
        quote_asset="USDT",
        settle_asset="USDT",
        instrument_kind=InstrumentKind.PERPETUAL,
        status=InstrumentStatus.TRADING,
        is_linear=True,
        contract_size=1.0,
        price_tick=Decimal(tick),
        quantity_step=Decimal(step),
        min_quantity=Decimal(step),
        min_notional=Decimal(5),
        funding_interval_h=8.0 if base == "BTC" else 4.0,
        listed_at_ms=START_MS - 1,
        expires_at_ms=None,
    )


class Bench:
    """A market, its servers and one client."""

    def __init__(self, rules: StreamRules | None = None) -> None:
        self.market = HandMarket()
        self.side = BinanceSide(self.market, rules)

    def get(self, path: str, **query: object) -> ServerReply:
        client = str(query.pop("client", "192.0.2.1"))
        pairs = tuple((name, str(value)) for name, value in query.items())
        return self.side.answer(ServerRequest(method="GET", path=path, query=pairs, client=client))

    def read(self, path: str, **query: object) -> Any:
        reply = self.get(path, **query)
        assert reply.status == 200, reply.body
        return json.loads(reply.body)

    def refused(self, path: str, **query: object) -> tuple[int, int]:
        reply = self.get(path, **query)
        return reply.status, json.loads(reply.body)["code"]

    def open(self, path: str, *streams: str) -> ServerSocket:
        query = [("streams", "/".join(streams))] if streams else []
        socket = self.side.open(path, query, "192.0.2.1")
        assert socket is not None
        return socket

    def say(self, socket: ServerSocket, message: object) -> Any:
        """Sends a request on a fresh second, so that the message limit does not matter."""
        self.market.clock_ms += 1000
        frames = socket.receive(json.dumps(message), self.market.clock_ms)
        assert len(frames.texts) == 1, frames
        return json.loads(frames.texts[0])

    def after(self, milliseconds: int, *sockets: ServerSocket) -> list[list[Any]]:
        """What each socket sends when that much time has passed."""
        self.market.clock_ms += milliseconds
        return [
            [json.loads(text) for text in socket.tick(self.market.clock_ms).texts]
            for socket in sockets
        ]
