"""Recordings: what is recognised as what, and the counts of the real ones."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from headwater.core.clock import ManualClock
from headwater.core.errors import WireError
from headwater.core.instruments import InstrumentTable
from headwater.core.intervals import Interval
from headwater.core.records import BookSnapshot, Candle, MarkCandle, Record
from headwater.feeds.wire_report import ReportLine, Summary, WireReport
from headwater.venues.binance import VENUE
from headwater.venues.binance.recordings import BinanceTapeReader
from headwater.venues.messages import Ack, Ignored, StreamEvent

HFT = "hftbacktest/binance/usdm_btcusdt_20240808_first20000.txt"
CRYPTOFEED = "cryptofeed/binance/BINANCE_FUTURES"
NOW_NS = 1_800_000_000_000_000_000
KLINE = [1700000040000, "1", "2", "0.5", "1.5", "10", 1700000099999, "15", 3, "4", "5", "0"]
DEPTH = {"lastUpdateId": 100, "bids": [["1", "2"]], "asks": [["3", "4"]]}


def reader() -> BinanceTapeReader:
    return BinanceTapeReader(InstrumentTable("binance", ()))


def read(
    value: object, *, url: str | None = None, channel: str | None = None
) -> tuple[str, tuple[StreamEvent, ...]]:
    found = reader().read(json.dumps(value).encode(), NOW_NS, url=url, channel=channel)
    return found.channel, found.events


def names(events: tuple[StreamEvent, ...]) -> list[str]:
    return [event.symbol for event in events if isinstance(event, Record)]


def test_a_reply_is_recognised_by_its_url() -> None:
    url = "https://fapi.binance.com/fapi/v1/klines?symbol=BTCUSDT&interval=1m&limit=1"
    channel, events = read([KLINE], url=url)
    assert channel == "rest_klines"
    (candle,) = events
    assert isinstance(candle, Candle)
    assert (candle.symbol, candle.interval, candle.is_closed) == ("BTCUSDT", Interval.M1, True)


def test_symbols_in_urls_are_percent_decoded() -> None:
    url = "https://fapi.binance.com/fapi/v1/depth?symbol=%E5%B8%81%E5%AE%89USDT&limit=5"
    _, events = read(DEPTH, url=url)
    assert names(events) == ["币安USDT"]


@pytest.mark.parametrize(
    "channel",
    ["rest_depth:BTCUSDT", "depth:BTCUSDT", "order_book:BTCUSDT", "/fapi/v1/depth:BTCUSDT"],
)
def test_a_reply_is_recognised_by_the_name_it_is_given(channel: str) -> None:
    name, events = read(DEPTH, channel=channel)
    assert name == "rest_depth"
    assert names(events) == ["BTCUSDT"]


def test_who_names_the_endpoint_only_gets_records_without_a_symbol() -> None:
    _, events = read([KLINE], channel="rest_klines")
    (candle,) = events
    assert isinstance(candle, Candle)
    assert (candle.symbol, candle.close) == ("", 1.5)


@pytest.mark.parametrize("channel", ["rest_depth", "depth", "depth@100ms", "!ticker@arr", "other"])
def test_a_message_that_names_its_stream_is_read_as_that(channel: str) -> None:
    """So a named channel does no harm to a recording that holds both."""
    trade = {"e": "aggTrade", "a": 1, "s": "BTCUSDT", "p": "2", "q": "3", "T": 5, "m": True}
    for value in (trade, {"stream": "btcusdt@aggTrade", "data": trade}):
        name, events = read(value, channel=channel)
        assert name == "aggTrade"
        assert names(events) == ["BTCUSDT"]


SHAPES: list[tuple[str, object, str]] = [
    ("rest_exchangeInfo", {"rateLimits": [], "symbols": [{"symbol": "BTCUSDT", "baseAsset": "BTC",
      "quoteAsset": "USDT"}]}, "instrument"),
    ("rest_openInterest", {"openInterest": "1", "symbol": "BTCUSDT", "time": 1}, "open_interest"),
    ("rest_openInterestHist", [{"symbol": "BTCUSDT", "sumOpenInterest": "1",
      "sumOpenInterestValue": "2", "timestamp": "3"}], "open_interest"),
    ("rest_fundingRate", [{"symbol": "BTCUSDT", "fundingTime": 1, "fundingRate": "0.1"}],
     "funding_rate"),
    ("rest_premiumIndex", {"symbol": "BTCUSDT", "markPrice": "1", "lastFundingRate": "0",
      "nextFundingTime": 5, "time": 1}, "mark_price"),
    ("rest_24hr", {"symbol": "BTCUSDT", "lastPrice": "1", "priceChangePercent": "1", "volume": "1",
      "quoteVolume": "1", "closeTime": 1}, "ticker"),
    ("rest_bookTicker", {"symbol": "BTCUSDT", "bidPrice": "1", "bidQty": "1", "askPrice": "2",
      "askQty": "1"}, "ticker"),
    ("rest_time", {"serverTime": 1}, "ignored"),
    ("rest_fundingInfo", [{"symbol": "BTCUSDT", "fundingIntervalHours": 4}], "ignored"),
]  # fmt: skip


@pytest.mark.parametrize(("channel", "value", "kind"), SHAPES, ids=[item[0] for item in SHAPES])
def test_a_reply_is_recognised_by_its_fields(channel: str, value: object, kind: str) -> None:
    found, events = read(value)
    assert found == channel
    assert [event.kind if isinstance(event, Record) else "ignored" for event in events] == [kind]


def test_a_reply_that_names_no_symbol_takes_the_only_one_there_was() -> None:
    trade = {"a": 1, "p": "2", "q": "3", "f": 1, "l": 1, "T": 5, "m": True}
    tape = reader()
    with pytest.raises(WireError, match="names no symbol"):
        tape.read(json.dumps(DEPTH).encode(), NOW_NS)
    tape.read(json.dumps(trade | {"e": "aggTrade", "s": "BTCUSDT"}).encode(), NOW_NS)
    for value in (DEPTH, [KLINE], [trade]):
        assert names(tape.read(json.dumps(value).encode(), NOW_NS).events) == ["BTCUSDT"]
    tape.read(json.dumps(trade | {"e": "aggTrade", "s": "ETHUSDT"}).encode(), NOW_NS)
    with pytest.raises(WireError, match="names no symbol"):
        tape.read(json.dumps(DEPTH).encode(), NOW_NS)


def test_books_of_the_other_market_are_left_out() -> None:
    _, events = read(DEPTH | {"symbol": "BTCUSD_PERP", "pair": "BTCUSD"})
    assert [type(event) for event in events] == [Ignored]


def test_replies_without_a_record_are_listed_with_the_reason() -> None:
    channel, (event,) = read({"x": 1}, url="https://fapi.binance.com/futures/data/basis?pair=X")
    assert channel == "rest_basis"
    assert isinstance(event, Ignored)
    with pytest.raises(WireError):
        reader().read(b"<html>", NOW_NS, url="https://fapi.binance.com/futures/data/basis")


def test_an_error_reply_is_an_answer_with_the_venues_words() -> None:
    _, (event,) = read({"code": -1121, "msg": "Invalid symbol."}, channel="rest_klines:X")
    assert event == Ack(request_id=None, error="-1121: Invalid symbol.")


def test_an_empty_reply_is_one_line_all_the_same() -> None:
    _, (event,) = read([], channel="rest_klines:BTCUSDT")
    assert isinstance(event, Ignored)


def report_of(path: Path, channel: str | None = None) -> tuple[WireReport, list[ReportLine]]:
    report = WireReport(VENUE, reader(), ManualClock(NOW_NS), channel=channel)
    with path.open("rb") as lines:
        return report, list(report.read(lines))


def summary_of(report: WireReport) -> Summary:
    body = report.summary().body
    assert isinstance(body, Summary)
    return body


def messages_of(path: Path) -> Iterator[dict[str, Any]]:
    """The stream messages of a recording, by plain means."""
    for line in path.read_text().splitlines():
        text = line[line.index("{") :] if "{" in line and "<->" not in line else ""
        if text:
            yield json.loads(text)


def naive_book(
    messages: Iterator[dict[str, Any]],
) -> tuple[dict[float, float], dict[float, float]]:
    """Snapshot and changes in two dictionaries, without any of our code."""
    bids: dict[float, float] = {}
    asks: dict[float, float] = {}
    kept: list[dict[str, Any]] = []
    last: int | None = None
    for message in messages:
        if "lastUpdateId" in message:
            last = message["lastUpdateId"]
            bids = {float(price): float(size) for price, size in message["bids"]}
            asks = {float(price): float(size) for price, size in message["asks"]}
        elif message.get("data", {}).get("e") == "depthUpdate":
            kept.append(message["data"])
    assert last is not None
    for change in kept:
        if change["u"] < last:
            continue
        for side, levels in ((bids, change["b"]), (asks, change["a"])):
            for price, size in levels:
                side[float(price)] = float(size)
                if float(size) == 0:
                    del side[float(price)]
    return bids, asks


def test_hftbacktest_recording_is_read_whole(wire_dir: Path) -> None:
    path = wire_dir / HFT
    report, lines = report_of(path)
    independent = Counter(
        message["stream"].partition("@")[2] if "stream" in message else "rest_depth"
        for message in messages_of(path)
    )
    summary = summary_of(report)
    assert summary.native_channels == dict(independent)
    assert summary.native_channels == {
        "bookTicker": 15377,
        "depth@0ms": 1598,
        "rest_depth": 1,
        "trade": 3024,
    }
    assert summary.counts == {
        "book_delta": 1598,
        "book_snapshot": 1,
        "ticker": 15377,
        "trade": 3024,
    }
    assert [line.line for line in lines] == list(range(1, 20001))
    assert lines[54].kind == "book_snapshot"
    assert (summary.sequence_breaks, summary.crossed, report.errors) == (0, 0, 0)


def test_hftbacktest_book_equals_one_built_by_plain_means(wire_dir: Path) -> None:
    path = wire_dir / HFT
    report, _ = report_of(path)
    book = report.book("BTCUSDT")
    assert book is not None
    bids, asks = naive_book(messages_of(path))
    assert book.bids() == tuple(sorted(bids.items(), reverse=True))
    assert book.asks() == tuple(sorted(asks.items()))
    assert summary_of(report).books["BTCUSDT"].synced


def test_cryptofeed_stream_is_read_whole(wire_dir: Path) -> None:
    path = wire_dir / f"{CRYPTOFEED}.ws.1.0"
    report, lines = report_of(path)
    messages = list(messages_of(path))
    independent = Counter(message["stream"].partition("@")[2] for message in messages)
    summary = summary_of(report)
    assert summary.messages == len(messages) == len(lines)
    assert summary.native_channels == dict(independent)
    assert summary.counts == {"book_delta": 764, "candle": 67, "ticker": 613, "trade": 91}
    assert (summary.sequence_breaks, summary.trade_sequence_breaks, summary.crossed) == (0, 0, 0)


def test_cryptofeed_snapshots_and_stream_make_books(wire_dir: Path) -> None:
    """The snapshots are in a file of their own: both are put in order by their receive time."""
    timed: list[tuple[float, bytes]] = []
    head = b""
    for name in (".ws.1.0", ".http.0.0"):
        for line in (wire_dir / f"{CRYPTOFEED}{name}").read_bytes().splitlines():
            if b"<->" in line:
                head = line
            elif line:
                before = line.partition(b": {")[0]
                timed.append((float(before.rpartition(b" ")[2]), line))
    report = WireReport(VENUE, reader(), ManualClock(NOW_NS))
    lines = list(report.read([head, *(line for _, line in sorted(timed))]))
    summary = summary_of(report)
    assert summary.counts["book_snapshot"] == 4
    assert len(lines) == 1539
    assert len(summary.books) == 4
    for check in summary.books.values():
        assert check.synced
        assert (check.sequence_breaks, check.crossed) == (0, 0)


def test_cryptofeed_replies_are_read(wire_dir: Path) -> None:
    report, lines = report_of(wire_dir / f"{CRYPTOFEED}.http.0.0")
    snapshots = [line.body for line in lines]
    assert [body.symbol for body in snapshots if isinstance(body, BookSnapshot)] == [
        "SUSHIUSDT",
        "AKROUSDT",
        "KEEPUSDT",
        "CTKUSDT",
    ]
    path = wire_dir / f"{CRYPTOFEED}.0"
    report, lines = report_of(path)
    listed = json.loads(path.read_text().splitlines()[0].partition(": ")[2])["symbols"]
    counts = summary_of(report).counts
    assert counts == {"ignored": 1, "instrument": len(listed)}
    dated = [
        line.body
        for line in lines
        if getattr(line.body, "native_symbol", "") != getattr(line.body, "symbol", "")
    ]
    assert {body.symbol for body in dated if isinstance(body, Record)} == {
        entry["symbol"].replace("_", "") for entry in listed if "_" in entry["symbol"]
    }


def test_tardis_and_roq_samples_are_parsed_or_listed(wire_dir: Path) -> None:
    expected = {
        "tardis-node/binance/raw.jsonl": (15, {
            "book_delta": 2, "ignored": 3, "liquidation": 1, "mark_price": 3, "ticker": 3,
            "trade": 3}),
        "roq/binance/messages.jsonl": (64, {
            "ack": 20, "ignored": 39, "instrument": 2, "mark_price": 1, "ticker": 2, "trade": 1}),
    }  # fmt: skip
    for name, (messages, counts) in expected.items():
        report, lines = report_of(wire_dir / name)
        assert summary_of(report).messages == messages
        assert summary_of(report).counts == counts
        assert {line.line for line in lines} == set(range(1, messages + 1))


@pytest.mark.parametrize("folder", ["nautilus/binance", "jkorf/binance"])
def test_every_sample_file_is_parsed_or_listed_with_the_reason(wire_dir: Path, folder: str) -> None:
    """The only errors are replies that name no symbol, and one shortened message."""
    reasons: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    for path in sorted((wire_dir / folder).rglob("*")):
        if path.suffix not in (".json", ".txt"):
            continue
        report, lines = report_of(path)
        assert lines, path.name
        counts.update(summary_of(report).counts)
        reasons.update(line.body.reason[:20] for line in lines if line.kind == "error")  # type: ignore[union-attr]
    assert set(reasons) <= {"the reply names no s", "Object missing requi"}
    assert reasons["Object missing requi"] <= 2
    for kind in ("trade", "candle", "ticker", "mark_price", "liquidation", "open_interest"):
        assert counts[kind] >= 1, kind


def test_recorded_rest_replies_of_every_route_are_read(wire_dir: Path) -> None:
    """The mock capture of another client: each reply with the query that it answered."""
    routes = json.loads((wire_dir / "gocryptotrader/binance/usdm_http.json").read_text())
    routes = routes.get("routes", routes)
    kinds: Counter[str] = Counter()
    for path, methods in routes.items():
        for item in methods["GET"]:
            url = f"https://fapi.binance.com{path}?{item['queryString']}"
            body = json.dumps(item["data"]).encode()
            for event in reader().read(body, NOW_NS, url=url).events:
                kinds[event.kind if isinstance(event, Record) else type(event).__name__] += 1
    for kind in ("instrument", "trade", "candle", "funding_rate", "open_interest", "mark_price"):
        assert kinds[kind] > 0, kind
    assert kinds["Ack"] == 1


def test_a_documented_reply_of_mark_klines_is_read(wire_dir: Path) -> None:
    """With blanks in a field that means nothing; told by URL, or by name and its own times."""
    path = wire_dir / "jkorf/binance/Endpoints/UsdFutures/ExchangeData/GetMarkPriceKlines.txt"
    body = path.read_bytes().split(b"\n", 3)[3]
    url = "https://fapi.binance.com/fapi/v1/markPriceKlines?symbol=BTCUSDT&interval=1m"
    named = reader().read(body, NOW_NS, channel="mark_candles:BTCUSDT")
    for found in (reader().read(body, NOW_NS, url=url), named):
        assert found.channel == "rest_markPriceKlines"
        (bar,) = found.events
        assert isinstance(bar, MarkCandle)
        assert (bar.symbol, bar.interval, bar.timestamp_ms) == (
            "BTCUSDT", Interval.M1, 1591256460000,
        )  # fmt: skip
        assert (bar.open, bar.high, bar.low, bar.close) == (
            9653.29201333, 9654.56401333, 9653.07367333, 9653.07367333,
        )  # fmt: skip
        assert (bar.is_closed, bar.readings) == (True, None)


def test_mark_klines_without_a_price_are_a_wire_error() -> None:
    url = "https://fapi.binance.com/fapi/v1/markPriceKlines?symbol=BTCUSDT&interval=1m"
    rows: tuple[object, ...] = ([1, "0", "2", "1", "1", "0", 2], [1, "1", "2", "1", "1"], ["x"], {})
    for wrong in rows:
        with pytest.raises(WireError):
            read([wrong], url=url)
