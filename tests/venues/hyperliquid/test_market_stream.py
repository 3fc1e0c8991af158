"""Hyperliquid's stream where it is unlike the others: answers without numbers, blocks, candles."""

import msgspec

from headwater.core.enums import Channel
from headwater.core.instruments import InstrumentTable
from headwater.core.intervals import Interval
from headwater.core.records import BookSnapshot, Candle, Trade
from headwater.venues.hyperliquid.market_stream import HyperliquidStream
from headwater.venues.hyperliquid.market_topics import VAULTS
from headwater.venues.messages import Ack, Ignored, Past, StreamEvent, Subscription

MINUTE_MS = 60_000


def stream(*channels: Channel) -> HyperliquidStream:
    """A conversation with these channels of BTC subscribed."""
    made = HyperliquidStream(InstrumentTable("hyperliquid", []))
    made.subscribe(
        Subscription(
            channel=channel,
            native_symbol=None if channel is Channel.LIQUIDATIONS else "BTC",
            interval=Interval.M1 if channel is Channel.CANDLES else None,
        )
        for channel in channels
    )
    return made


def fed(made: HyperliquidStream, channel: str, data: object) -> list[StreamEvent]:
    """What a message gives."""
    return list(made.feed(msgspec.json.encode({"channel": channel, "data": data}), 5))


def trade(time_ms: int, tid: int) -> dict[str, object]:
    """A fill."""
    return {"coin": "BTC", "side": "A", "px": "100", "sz": "1", "time": time_ms, "tid": tid,
            "hash": "0x", "users": ["0xa", "0xb"]}  # fmt: skip


def test_the_history_of_a_vault_is_told_as_the_past() -> None:
    """Only what it took over; a tape, which subscribed to nothing, leaves history out."""
    vault = VAULTS[0]
    taken = {
        "coin": "BTC", "px": "60000.0", "sz": "0.1", "side": "B", "time": 7, "crossed": False,
        "startPosition": "0.0", "dir": "Open Long", "closedPnl": "0.0", "hash": "0x", "oid": 1,
        "fee": "0.0", "tid": 2, "feeToken": "USDC",
        "liquidation": {"liquidatedUser": "0xa", "markPx": "60010.0", "method": "backstop"},
    }  # fmt: skip
    traded = {key: value for key, value in taken.items() if key != "liquidation"}
    message = {"isSnapshot": True, "user": vault, "fills": [taken, traded]}
    past, other = fed(stream(Channel.LIQUIDATIONS), "userFills", message)
    assert isinstance(past, Past)
    assert (past.record.timestamp_ms, past.record.symbol) == (7, "BTCUSDT")
    assert isinstance(other, Ignored)
    tape = HyperliquidStream(InstrumentTable("hyperliquid", []), wants_all=True)
    assert [type(one) for one in fed(tape, "userFills", message)] == [Ignored]


def test_trades_of_several_blocks_come_out_by_time() -> None:
    """Within a block they keep their order, which is that of the book's levels; ids are hashes."""
    rows = [trade(20, 9), trade(20, 3), trade(10, 7), trade(30, 1)]
    made = fed(stream(Channel.TRADES), "trades", rows)
    assert [one.trade_id for one in made if isinstance(one, Trade)] == [7, 9, 3, 1]


def test_an_older_image_of_the_book_is_dropped() -> None:
    made = stream(Channel.BOOK)
    levels = [[{"px": "99", "sz": "1", "n": 1}], [{"px": "101", "sz": "2", "n": 1}]]
    kinds = [
        type(fed(made, "l2Book", {"coin": "BTC", "time": time_ms, "levels": levels})[0])
        for time_ms in (10, 12, 11, 12)
    ]
    assert kinds == [BookSnapshot, BookSnapshot, Ignored, BookSnapshot]


def test_a_candle_is_closed_by_the_next_one() -> None:
    made = stream(Channel.CANDLES)

    def bar(opened_ms: int, volume: str) -> list[tuple[int, float, bool]]:
        data = {"t": opened_ms, "T": opened_ms + MINUTE_MS - 1, "s": "BTC", "i": "1m", "o": "1",
                "c": "1", "h": "1", "l": "1", "v": volume, "n": 1}  # fmt: skip
        events = fed(made, "candle", data)
        return [
            (one.timestamp_ms, one.volume, one.is_closed)
            for one in events
            if isinstance(one, Candle)
        ]

    assert bar(0, "1") == [(0, 1.0, False)]
    assert bar(0, "2") == [(0, 2.0, False)]
    assert bar(MINUTE_MS, "5") == [(0, 2.0, True), (MINUTE_MS, 5.0, False)]
    assert bar(0, "3") == [(0, 3.0, True)]


def test_answers_are_matched_by_what_they_name() -> None:
    made = stream()
    trades = Subscription(channel=Channel.TRADES, native_symbol="BTC")
    book = Subscription(channel=Channel.BOOK, native_symbol="BTC")
    first, second = made.subscribe([trades, book])
    named = {"type": "l2Book", "coin": "BTC", "nSigFigs": None, "mantissa": None}
    answer = {"method": "subscribe", "subscription": named}
    assert fed(made, "subscriptionResponse", answer) == [Ack(request_id=second.request_id)]
    words = 'Already subscribed: {"type":"trades","coin":"BTC"}'
    assert fed(made, "error", words) == [Ack(request_id=first.request_id)]
    (again,) = made.subscribe([trades])
    words = 'Invalid subscription {"type":"trades","coin":"BTC"}'
    assert fed(made, "error", words) == [Ack(request_id=again.request_id, error=words)]
    assert fed(made, "pong", None) == [Ack(request_id=None)]


def test_an_answer_is_the_newest_requests() -> None:
    """The one before got none in time: nobody waits for it any more."""
    made = stream()
    trades = Subscription(channel=Channel.TRADES, native_symbol="BTC")
    made.subscribe([trades])
    (again,) = made.subscribe([trades])
    answer = {"method": "subscribe", "subscription": {"type": "trades", "coin": "BTC"}}
    assert fed(made, "subscriptionResponse", answer) == [Ack(request_id=again.request_id)]
    assert fed(made, "subscriptionResponse", answer) == [Ack(request_id=None)]
