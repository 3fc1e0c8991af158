"""What OKX's messages mean, worked by hand from the notes on the venue."""

from decimal import Decimal

import msgspec
import pytest

from headwater.core.enums import (
    Channel,
    InstrumentKind,
    InstrumentStatus,
    PositionSide,
    PriceKind,
    Side,
)
from headwater.core.errors import RequestError, WireError
from headwater.core.instruments import Instrument, InstrumentTable
from headwater.core.intervals import Interval
from headwater.core.records import Candle, Liquidation, MarkPrice, OpenInterest, Ticker, Trade
from headwater.venues.messages import Ack, Closing, Ignored, Past, StreamEvent, Subscription
from headwater.venues.okx.market_stream import OkxStream

AT_NS = 1_692_266_435_000_000_000


def swap(native: str, size: float, *, is_linear: bool = True) -> Instrument:
    """A swap with a contract size."""
    base, quote, _ = native.split("-")
    return Instrument(
        exchange="okx", symbol=base + quote, native_symbol=native, timestamp_ms=0, received_ns=0,
        base_asset=base, quote_asset=quote, settle_asset=quote if is_linear else base,
        instrument_kind=InstrumentKind.PERPETUAL, status=InstrumentStatus.TRADING,
        is_linear=is_linear, contract_size=size, price_tick=Decimal("0.1"),
        quantity_step=Decimal("0.0001"), min_quantity=None, min_notional=None,
        funding_interval_h=None, listed_at_ms=None, expires_at_ms=None,
    )  # fmt: skip


TABLE = InstrumentTable(
    "okx",
    [
        swap("BTC-USDT-SWAP", 0.01),
        swap("IOST-USDT-SWAP", 1000.0),
        swap("BTC-USD-SWAP", 100.0, is_linear=False),
    ],
)


def stream(
    *channels: Channel, endpoint: str = "public", symbol: str = "BTC-USDT-SWAP"
) -> OkxStream:
    """A conversation with these channels subscribed."""
    made = OkxStream(endpoint, TABLE)
    made.subscribe(
        Subscription(
            channel=channel,
            native_symbol=None if channel is Channel.LIQUIDATIONS else symbol,
            interval=Interval.D1 if channel is Channel.CANDLES else None,
        )
        for channel in channels
    )
    return made


def fed(made: OkxStream, message: object) -> list[StreamEvent]:
    """What a message gives."""
    return list(made.feed(msgspec.json.encode(message), AT_NS))


def pushed(channel: str, *rows: object, symbol: str = "BTC-USDT-SWAP", **more: str) -> object:
    """A message with rows."""
    return {"arg": {"channel": channel, "instId": symbol}, **more, "data": list(rows)}


def forced(native: str, *details: dict[str, str]) -> dict[str, object]:
    """One instrument's forced closes."""
    return {"instType": "SWAP", "instFamily": "x", "instId": native, "details": list(details)}


def detail(
    side: str, position: str, price: str, size: str, ts: str = "1692266434010"
) -> dict[str, str]:
    """One forced close."""
    return {
        "side": side, "posSide": position, "bkPx": price, "sz": size, "bkLoss": "0", "ccy": "",
        "ts": ts,
    }  # fmt: skip


def liquidations(*rows: dict[str, object]) -> list[StreamEvent]:
    """Events of a message of all swaps."""
    arg = {"channel": "liquidation-orders", "instType": "SWAP"}
    return fed(stream(Channel.LIQUIDATIONS), {"arg": arg, "data": list(rows)})


# Contract, row → closing side, position, price, kind, base quantity, USD value, floor.
KNOWN = [
    ("IOST-USDT-SWAP", detail("buy", "short", "0.007831", "13"),
     (Side.BUY, PositionSide.SHORT, 0.007831, PriceKind.BANKRUPTCY, 13_000.0, 101.803, True)),
    ("BTC-USDT-SWAP", detail("sell", "net", "37000", "3"),
     (Side.SELL, PositionSide.LONG, 37_000.0, PriceKind.BANKRUPTCY, 0.03, 1_110.0, True)),
    ("BTC-USD-SWAP", detail("sell", "long", "40000", "20"),
     (Side.SELL, PositionSide.LONG, 40_000.0, PriceKind.BANKRUPTCY, 0.05, 2_000.0, True)),
]  # fmt: skip


@pytest.mark.parametrize(("native", "row", "answer"), KNOWN)
def test_known_answers_of_liquidations(
    native: str, row: dict[str, str], answer: tuple[object, ...]
) -> None:
    (event,) = liquidations(forced(native, row))
    assert isinstance(event, Liquidation)
    told = (event.side, event.position_side, event.price, event.price_kind)
    sized = (pytest.approx(event.quantity), pytest.approx(event.value), event.is_floor)
    assert (*told, *sized) == answer


def test_t_d13_sizes_are_contracts_and_not_coins() -> None:
    """Three contracts of 0.01 BTC are worth 1,110 USD at 37,000, not 111,000."""
    (event,) = liquidations(forced("BTC-USDT-SWAP", detail("sell", "long", "37000", "3")))
    assert isinstance(event, Liquidation)
    assert event.value == pytest.approx(1_110.0)


def test_every_row_and_every_detail_counts() -> None:
    one = detail("sell", "long", "37000", "1")
    events = liquidations(forced("BTC-USDT-SWAP", one, one), forced("IOST-USDT-SWAP", one))
    assert len([event for event in events if isinstance(event, Liquidation)]) == 3


def test_what_happened_before_we_subscribed_is_told_as_the_past() -> None:
    """Only in the first push: later ones may be late."""
    made = stream(Channel.LIQUIDATIONS)
    arg = {"channel": "liquidation-orders", "instType": "SWAP"}
    old = forced("BTC-USDT-SWAP", detail("sell", "long", "1", "1", "1692260000000"))
    (past,) = fed(made, {"arg": arg, "data": [old]})
    assert isinstance(past, Past)
    assert past.record.timestamp_ms == 1692260000000
    assert isinstance(fed(made, {"arg": arg, "data": [old]})[0], Liquidation)


def test_an_unknown_contract_cannot_be_sized() -> None:
    (event,) = liquidations(forced("NEW-USDT-SWAP", detail("sell", "long", "1", "1")))
    assert isinstance(event, Ignored)
    assert "contract size" in event.reason


def test_trades_are_in_base_units() -> None:
    row = {
        "instId": "BTC-USDT-SWAP", "tradeId": "7", "px": "40000", "sz": "3", "side": "buy",
        "ts": "5", "count": "3", "source": "0", "seqId": 1,
    }  # fmt: skip
    (trade,) = fed(stream(Channel.TRADES), pushed("trades", row))
    assert isinstance(trade, Trade)
    assert (trade.quantity, trade.value, trade.side) == (0.03, 1_200.0, Side.BUY)
    assert (trade.trade_id, trade.sequence) == (7, None)
    with pytest.raises(WireError):
        fed(stream(Channel.TRADES), pushed("trades", row | {"side": "both"}))


def test_the_mark_price_is_made_of_three_topics() -> None:
    made = stream(Channel.MARK_PRICES)
    index = pushed(
        "index-tickers", {"instId": "BTC-USDT", "idxPx": "99", "ts": "4"}, symbol="BTC-USDT"
    )
    funding = pushed(
        "funding-rate",
        {
            "instId": "BTC-USDT-SWAP",
            "fundingRate": "0.0002",
            "fundingTime": "9",
            "nextFundingTime": "10",
        },
    )
    assert isinstance(fed(made, index)[0], Ignored)
    assert isinstance(fed(made, funding)[0], Ignored)
    (mark,) = fed(
        made, pushed("mark-price", {"instId": "BTC-USDT-SWAP", "markPx": "100", "ts": "5"})
    )
    assert isinstance(mark, MarkPrice)
    assert (mark.mark, mark.index, mark.funding_rate, mark.next_funding_ms) == (100, 99, 0.0002, 9)
    assert mark.timestamp_ms == 5
    (later,) = fed(
        made, pushed("mark-price", {"instId": "BTC-USDT-SWAP", "markPx": "101", "ts": "20000"})
    )
    row = {"instId": "BTC-USDT-SWAP", "fundingRate": "0.0003", "fundingTime": "9", "ts": "15000"}
    (funded,) = fed(made, pushed("funding-rate", row))
    assert isinstance(later, MarkPrice)
    assert isinstance(funded, MarkPrice)
    assert (funded.mark, funded.funding_rate) == (101, 0.0003)
    assert funded.timestamp_ms == later.timestamp_ms, "time does not go back"


def test_a_mark_price_from_before_is_not_told_again() -> None:
    """Given up and wanted once more, the symbol waits for a new one; the index alone is none."""
    made = stream(Channel.MARK_PRICES)
    mark = pushed("mark-price", {"instId": "BTC-USDT-SWAP", "markPx": "100", "ts": "5"})
    index = pushed(
        "index-tickers", {"instId": "BTC-USDT", "idxPx": "150", "ts": "9"}, symbol="BTC-USDT"
    )
    assert isinstance(fed(made, mark)[0], MarkPrice)
    wanted = Subscription(channel=Channel.MARK_PRICES, native_symbol="BTC-USDT-SWAP")
    made.unsubscribe([wanted])
    made.subscribe([wanted])
    assert isinstance(fed(made, index)[0], Ignored)
    assert isinstance(fed(made, mark)[0], MarkPrice)


def test_candles_tickers_and_interest() -> None:
    bar = ["1700000000000", "1", "3", "1", "2", "500", "5", "10", "1"]
    made = stream(Channel.CANDLES, endpoint="business")
    (candle,) = fed(made, pushed("candle1Dutc", bar))
    assert isinstance(candle, Candle)
    assert (candle.volume, candle.quote_volume, candle.is_closed) == (5.0, 10.0, True)
    row = {
        "instId": "BTC-USDT-SWAP", "last": "110", "askPx": "111", "askSz": "2", "bidPx": "109",
        "bidSz": "", "open24h": "100", "volCcy24h": "7", "vol24h": "700", "ts": "5",
    }  # fmt: skip
    (ticker,) = fed(stream(Channel.TICKERS), pushed("tickers", row))
    assert isinstance(ticker, Ticker)
    assert (ticker.volume_24h, ticker.ask_quantity, ticker.bid_quantity) == (7.0, 0.02, None)
    assert ticker.change_24h == pytest.approx(0.1)
    row = {"instId": "BTC-USDT-SWAP", "oi": "100", "oiCcy": "1", "oiUsd": "", "ts": "5"}
    (interest,) = fed(stream(Channel.OPEN_INTEREST), pushed("open-interest", row))
    assert isinstance(interest, OpenInterest)
    assert (interest.open_interest, interest.value) == (1.0, None)


def test_a_request_is_answered_when_its_last_topic_is() -> None:
    made = OkxStream("public", TABLE)
    wanted = Subscription(channel=Channel.MARK_PRICES, native_symbol="BTC-USDT-SWAP")
    (request,) = made.subscribe([wanted])
    arguments = msgspec.json.decode(request.payload)["args"]
    assert [one["channel"] for one in arguments] == ["mark-price", "index-tickers", "funding-rate"]
    events = [
        fed(made, {"id": "1", "event": "subscribe", "arg": one, "connId": "a"})[0]
        for one in arguments
    ]
    assert [type(one) for one in events] == [Ignored, Ignored, Ack]
    (refused,) = fed(made, {"id": "9", "event": "error", "code": "60018", "msg": "Wrong URL"})
    assert isinstance(refused, Ack)
    assert refused.error == "60018: Wrong URL"
    assert fed(made, {"event": "notice", "code": "64008", "msg": "soon"}) == [Closing("64008 soon")]
    assert fed(made, {"event": "notice", "code": "1", "msg": "other"}) == [
        Ignored(what="notice", reason="1 other")
    ]
    assert list(made.feed(b"pong", AT_NS)) == [Ack(request_id=None)]


def test_the_wrong_endpoint_and_impossible_subscriptions_are_refused() -> None:
    with pytest.raises(RequestError, match="business"):
        stream(Channel.CANDLES)
    with pytest.raises(RequestError, match="all swaps at once"):
        OkxStream("public", TABLE).subscribe(
            [Subscription(channel=Channel.LIQUIDATIONS, native_symbol="BTC-USDT-SWAP")]
        )
