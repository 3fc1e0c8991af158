"""What `venue_side` encodes, the parser decodes: the same record, for every kind of record.

Numbers lie on the instrument's grid, as everything on a venue does; what the wire does not carry
is set to what the parser must make of that (a liquidation is a floor without an order id). The
contract's name is Chinese now and then: the way there and back does not care.
"""

import json
from decimal import Decimal
from typing import Any, TypeVar

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from tests.venues.binance.hand_market import START_MS, HandMarket

from headwater.core.enums import Channel, PositionSide, PriceKind, Side
from headwater.core.http_messages import HttpReply
from headwater.core.instruments import Instrument, InstrumentTable
from headwater.core.intervals import Interval
from headwater.core.records import (
    BookDelta,
    BookSnapshot,
    Candle,
    FundingRate,
    Level,
    Liquidation,
    MarkPrice,
    OpenInterest,
    Record,
    Ticker,
    Trade,
)
from headwater.venues.binance.market_rest import BinanceMarketRest
from headwater.venues.binance.market_stream import BinanceStream
from headwater.venues.binance.symbols import INTERVALS
from headwater.venues.binance.venue import BinanceVenue
from headwater.venues.binance.venue_side import BinanceSide
from headwater.venues.messages import RestCall, Subscription
from headwater.venues.side import DayStats, FillPrint, ServerRequest

T = TypeVar("T")
R = TypeVar("R", bound=Record)
RECEIVED_NS = (START_MS + 5) * 1_000_000
NATIVES = ("BTCUSDT", "DOGEUSDT", "币安人生USDT")

natives = st.sampled_from(NATIVES)
times = st.integers(0, 10_000_000).map(lambda age: START_MS - age)
ids = st.integers(1, 2**53)
sides = st.sampled_from(Side)
rates = st.integers(-2_000_000, 2_000_000).map(lambda n: n / 1e8)
prices = st.integers(1, 10**8).map(lambda ticks: ticks / 10)
quantities = st.integers(1, 10**9).map(lambda lots: lots / 1000)
amounts = st.integers(0, 10**9).map(lambda lots: lots / 1000)
marks = st.integers(1, 10**12).map(lambda n: n / 1e4)
quote_amounts = st.integers(0, 10**13).map(lambda n: n / 1e4)
levels = st.lists(st.tuples(prices, amounts), max_size=20, unique_by=lambda level: level[0])


def instrument(native: str) -> Instrument:
    """A contract with a tick of 0.1 and a step of 0.001."""
    known = HandMarket().table.by_symbol("BTCUSDT")
    assert known is not None
    return msgspec.structs.replace(
        known,
        symbol=native,
        native_symbol=native,
        base_asset=native.removesuffix("USDT"),
        price_tick=Decimal("0.1"),
        quantity_step=Decimal("0.001"),
    )


def made(kind: type[R], native: str, timestamp_ms: int, **fields: Any) -> R:
    """A record with what every record carries and `fields`."""
    return kind(
        exchange="binance",
        symbol=native,
        native_symbol=native,
        timestamp_ms=timestamp_ms,
        received_ns=RECEIVED_NS,
        **fields,
    )


class ShownMarket(HandMarket):
    """A market that shows exactly the record a test has drawn."""

    def __init__(self, native: str) -> None:
        super().__init__()
        self.native = native
        self.table = InstrumentTable("binance", [instrument(native)])
        self.made = {native: []}
        self.shown_candle: Candle | None = None
        self.shown_book = made(BookSnapshot, native, START_MS, bids=(), asks=(), sequence=0)
        self.shown_day: DayStats | None = None
        self.shown_mark: MarkPrice | None = None
        self.shown_interest: OpenInterest | None = None
        self.shown_funding: FundingRate | None = None

    def candles(self, symbol: str, interval: Interval, **_: object) -> list[Candle]:
        """The drawn candle."""
        return [] if self.shown_candle is None else [self.shown_candle]

    def book(self, symbol: str, depth: int) -> BookSnapshot:
        """The drawn book."""
        return self.shown_book

    def day_stats(self, symbol: str) -> DayStats:
        """The drawn day."""
        assert self.shown_day is not None
        return self.shown_day

    def mark_price(self, symbol: str) -> MarkPrice:
        """The drawn mark price."""
        assert self.shown_mark is not None
        return self.shown_mark

    def open_interest(self, symbol: str) -> OpenInterest:
        """The drawn open interest."""
        assert self.shown_interest is not None
        return self.shown_interest

    def open_interest_history(
        self, symbol: str, period: Interval, **_: object
    ) -> list[OpenInterest]:
        """The drawn open interest."""
        return [self.open_interest(symbol)]

    def funding_history(self, symbol: str, **_: object) -> list[FundingRate]:
        """The drawn settlement."""
        assert self.shown_funding is not None
        return [self.shown_funding]


def streamed(
    market: ShownMarket, channel: Channel, *records: Record, interval: Interval | None = None
) -> list[Record]:
    """What our parser reads of the venue's stream when `records` happen."""
    venue = BinanceVenue()
    endpoint = venue.endpoint_of(channel)
    parser = BinanceStream(endpoint, market.table)
    (request,) = parser.subscribe(
        [Subscription(channel=channel, native_symbol=market.native, interval=interval)]
    )
    socket = BinanceSide(market).open(f"/{endpoint}/stream", (), "192.0.2.1")
    assert socket is not None
    texts = list(socket.receive(request.payload, market.clock_ms).texts)
    texts += socket.tick(market.clock_ms).texts
    for record in records:
        texts += socket.deliver(record).texts
    market.clock_ms += 3000
    texts += socket.tick(market.clock_ms).texts
    events = [event for text in texts for event in parser.feed(text.encode(), RECEIVED_NS)]
    return [event for event in events if isinstance(event, Record)]


def asked(market: ShownMarket, call: RestCall[T]) -> T:
    """What our connector makes of the venue's replies."""
    side = BinanceSide(market)
    try:
        request = next(call)
        while True:
            reply = side.answer(
                ServerRequest(
                    method="GET", path=request.path, query=request.query, client="192.0.2.1"
                )
            )
            assert reply.status == 200, reply.body
            request = call.send(
                HttpReply(status=200, headers={}, body=reply.body, received_ns=RECEIVED_NS)
            )
    except StopIteration as stop:
        result: T = stop.value
        return result


def rest(market: ShownMarket) -> tuple[BinanceMarketRest, Instrument]:
    """The connector's calls and the market's contract."""
    return BinanceMarketRest(market.table), next(iter(market.table))


@given(natives, times, sides, prices, quantities, ids)
def test_trades(
    native: str, at_ms: int, side: Side, price: float, quantity: float, number: int
) -> None:
    market = ShownMarket(native)
    trade = made(
        Trade,
        native,
        at_ms,
        side=side,
        price=price,
        quantity=quantity,
        value=price * quantity,
        trade_id=number,
        sequence=number,
    )
    market.made[native].append(FillPrint(trade=trade, first_fill_id=7, last_fill_id=9))
    assert streamed(market, Channel.TRADES, trade) == [trade]
    calls, contract = rest(market)
    assert asked(market, calls.trades(contract, limit=5)) == [trade]
    assert asked(market, calls.trades_between(contract, number, number)) == [trade]


@given(natives, st.sampled_from(sorted(INTERVALS.values())), st.data(), st.booleans())
def test_candles(native: str, interval: Interval, data: st.DataObject, is_closed: bool) -> None:
    opened_ms = interval.opens_at_ms(START_MS)
    low, first, last, high = sorted(data.draw(st.tuples(prices, prices, prices, prices)))
    volume = data.draw(quantities)
    candle = made(
        Candle,
        native,
        opened_ms,
        interval=interval,
        open=first,
        high=high,
        low=low,
        close=last,
        volume=volume,
        quote_volume=data.draw(quote_amounts),
        trades_count=data.draw(st.integers(1, 10**9)),
        is_closed=False,
        taker_buy_volume=data.draw(amounts),
    )
    market = ShownMarket(native)
    market.shown_candle = candle
    trade = made(
        Trade,
        native,
        START_MS,
        side=Side.BUY,
        price=1.0,
        quantity=1.0,
        value=1.0,
        trade_id=1,
        sequence=1,
    )
    market.made[native].append(FillPrint(trade=trade, first_fill_id=1, last_fill_id=1))
    if is_closed:
        market.clock_ms = interval.closes_at_ms(opened_ms) - 1
    heard = streamed(market, Channel.CANDLES, trade, interval=interval)
    closing = msgspec.structs.replace(candle, is_closed=True)
    assert heard == [closing if is_closed else candle]
    calls, contract = rest(market)
    closes_ms = interval.closes_at_ms(opened_ms)
    for now_ms, row in ((closes_ms - 1, candle), (closes_ms, closing)):
        assert asked(market, calls.candles(contract, interval, limit=5, now_ms=now_ms)) == [row]


@given(natives, times, levels, levels, st.integers(1, 2**40), st.integers(1, 1000))
def test_book_deltas_and_snapshots(
    native: str, at_ms: int, bids: list[Level], asks: list[Level], before: int, count: int
) -> None:
    market = ShownMarket(native)
    market.shown_book = msgspec.structs.replace(market.shown_book, sequence=before)
    delta = made(
        BookDelta,
        native,
        at_ms,
        bids=tuple(bids),
        asks=tuple(asks),
        sequence=before + count,
        first_sequence=before + 1,
        previous_sequence=before,
    )
    assert streamed(market, Channel.BOOK, delta) == [delta]
    shown = made(BookSnapshot, native, at_ms, bids=tuple(bids), asks=tuple(asks), sequence=before)
    market.shown_book = shown
    calls, contract = rest(market)
    assert asked(market, calls.book(contract, depth=1000)) == shown


@given(natives, times, prices, prices, quantities, quantities, ids)
def test_quotes(
    native: str, at_ms: int, low: float, high: float, bid: float, ask: float, number: int
) -> None:
    market = ShownMarket(native)
    market.shown_book = msgspec.structs.replace(market.shown_book, sequence=number)
    low, high = min(low, high), max(low, high) + 0.1
    delta = made(
        BookDelta,
        native,
        at_ms,
        bids=((low, bid),),
        asks=((high, ask),),
        sequence=number + 1,
        first_sequence=number + 1,
        previous_sequence=number,
    )
    ticker = made(
        Ticker,
        native,
        at_ms,
        bid=low,
        ask=round(high, 1),
        bid_quantity=bid,
        ask_quantity=ask,
    )
    assert streamed(market, Channel.QUOTES, delta) == [ticker]


@given(natives, prices, st.integers(-99_999, 10**6), amounts, st.integers(0, 10**12))
def test_day_tickers(native: str, opening: float, change: int, volume: float, cents: int) -> None:
    market = ShownMarket(native)
    last = round(opening * (1 + change / 100_000), 1) or 0.1
    market.shown_day = DayStats(
        open=opening,
        high=max(opening, last),
        low=min(opening, last),
        last=last,
        last_quantity=volume,
        volume=volume,
        quote_volume=cents / 100,
        trades_count=1,
        first_trade_id=1,
        last_trade_id=1,
        opened_at_ms=START_MS - 86_400_000,
        closed_at_ms=START_MS,
    )
    calls, contract = rest(market)
    for found in (
        streamed(market, Channel.TICKERS)[0],
        asked(market, calls.tickers(contract))[0],
    ):
        assert isinstance(found, Ticker)
        # The venue tells the change in percent, to three places.
        percent = float(f"{100 * (last - opening) / opening:.3f}")
        assert found == made(
            Ticker,
            native,
            START_MS,
            last=last,
            volume_24h=volume,
            quote_volume_24h=cents / 100,
            change_24h=percent / 100,
        )


@given(natives, marks, marks, rates, st.booleans())
def test_mark_prices_and_the_coming_funding(
    native: str, mark: float, index: float, rate: float, is_dated: bool
) -> None:
    market = ShownMarket(native)
    sent_ms = START_MS + 3000
    price = made(
        MarkPrice,
        native,
        sent_ms,
        mark=mark,
        index=index,
        funding_rate=None if is_dated else rate,
        next_funding_ms=None if is_dated else START_MS + 3_600_000,
    )
    market.shown_mark = price
    assert streamed(market, Channel.MARK_PRICES, price) == [price]
    calls, contract = rest(market)
    assert asked(market, calls.mark_prices(contract)) == [price]
    if not is_dated:
        coming = asked(market, calls.funding_rate(contract))
        assert (coming.rate, coming.interval_h) == (rate, contract.funding_interval_h)
        assert (coming.timestamp_ms, coming.funding_time_ms) == (sent_ms, price.next_funding_ms)


@given(natives, times, rates)
def test_past_funding(native: str, at_ms: int, rate: float) -> None:
    market = ShownMarket(native)
    calls, contract = rest(market)
    settled = made(
        FundingRate,
        native,
        at_ms,
        rate=rate,
        interval_h=contract.funding_interval_h,
        funding_time_ms=at_ms,
    )
    market.shown_funding = settled
    assert asked(market, calls.funding_history(contract, limit=1)) == [settled]


@given(natives, times, quantities, marks)
def test_open_interest(native: str, at_ms: int, quantity: float, mark: float) -> None:
    market = ShownMarket(native)
    market.shown_mark = made(
        MarkPrice, native, at_ms, mark=mark, index=None, funding_rate=None, next_funding_ms=None
    )
    figure = made(OpenInterest, native, at_ms, open_interest=quantity, value=quantity * mark)
    market.shown_interest = figure
    calls, contract = rest(market)
    assert asked(market, calls.open_interest(contract)) == figure
    market.shown_interest = msgspec.structs.replace(figure, value=mark)
    past = asked(market, calls.open_interest_history(contract, Interval.H1, limit=1))
    assert past == [market.shown_interest]


@given(natives, times, sides, prices, prices, quantities)
def test_liquidations(
    native: str, at_ms: int, side: Side, price: float, limit: float, quantity: float
) -> None:
    market = ShownMarket(native)
    closed = made(
        Liquidation,
        native,
        at_ms,
        side=side,
        position_side=PositionSide.LONG if side is Side.SELL else PositionSide.SHORT,
        price=price,
        quantity=quantity,
        value=price * quantity,
        price_kind=PriceKind.AVERAGE,
        order_id=None,
        is_floor=True,
        order_price=limit,
    )
    assert streamed(market, Channel.LIQUIDATIONS, closed) == [closed]


def test_instruments() -> None:
    for native in NATIVES:
        market = ShownMarket(native)
        calls, contract = rest(market)
        (found,) = asked(market, calls.instruments())
        assert found == msgspec.structs.replace(
            contract, timestamp_ms=market.clock_ms, received_ns=RECEIVED_NS
        )
        info = BinanceSide(market).answer(
            ServerRequest(method="GET", path="/fapi/v1/exchangeInfo", query=(), client="a")
        )
        assert json.loads(info.body)["symbols"][0]["pair"] == native
