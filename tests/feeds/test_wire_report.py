"""What is said of a recording: one line and more for each message, counts, and kept books."""

import json
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from headwater.core.clock import ManualClock
from headwater.core.instruments import InstrumentTable
from headwater.core.records import BookDelta, BookSnapshot
from headwater.feeds.wire_report import (
    PENDING_MAX,
    BookCheck,
    KeptBook,
    ReportLine,
    Summary,
    WireReport,
    encode_report_line,
)
from headwater.venues.discovery import venue

NOW_NS = 1_800_000_000_000_000_000
TRADE: dict[str, Any] = {
    "e": "aggTrade",
    "E": 1,
    "s": "BTCUSDT",
    "a": 1,
    "p": "2",
    "q": "3",
    "f": 1,
    "l": 1,
    "T": 5,
    "m": True,
}
DELTA: dict[str, Any] = {
    "e": "depthUpdate",
    "E": 1,
    "T": 1,
    "s": "BTCUSDT",
    "U": 11,
    "u": 12,
    "pu": 10,
    "b": [["1", "2"]],
    "a": [["3", "4"]],
}


def report(channel: str | None = None, *, native: bool = False) -> WireReport:
    binance = venue("binance")
    reader = binance.tape_reader(InstrumentTable("binance", ()))
    return WireReport(binance, reader, ManualClock(NOW_NS), channel=channel, native=native)


def lines_of(values: Sequence[object]) -> list[bytes]:
    return [value if isinstance(value, bytes) else json.dumps(value).encode() for value in values]


def decoded(line: ReportLine) -> dict[str, Any]:
    text = encode_report_line(line)
    assert text.endswith(b"}\n")
    assert text.count(b"\n") == 1
    found = json.loads(text)
    assert isinstance(found, dict)
    return found


def summary_of(values: Sequence[object]) -> Summary:
    run = report()
    list(run.read(lines_of(values)))
    body = run.summary().body
    assert isinstance(body, Summary)
    return body


def test_a_record_comes_with_its_kind_its_line_and_its_fields() -> None:
    (line,) = report().read([b"", b"", b"1723161255030314667 " + json.dumps(TRADE).encode()])
    assert decoded(line) == {
        "kind": "trade",
        "line": 3,
        "exchange": "binance",
        "symbol": "BTCUSDT",
        "native_symbol": "BTCUSDT",
        "timestamp_ms": 5,
        "received_ns": 1723161255030314667,
        "side": "sell",
        "price": 2.0,
        "quantity": 3.0,
        "value": 6.0,
        "trade_id": 1,
        "sequence": 1,
    }
    assert encode_report_line(line).startswith(b'{"kind":"trade","line":3,')


def test_messages_without_a_receive_time_are_stamped_by_the_clock() -> None:
    (line,) = report().read(lines_of([TRADE]))
    assert decoded(line)["received_ns"] == NOW_NS


def test_every_message_gives_at_least_one_line_in_the_order_of_the_input() -> None:
    many = {"stream": "!miniTicker@arr", "data": [
        {"e": "24hrMiniTicker", "E": 1, "s": symbol, "c": "1", "o": "1", "v": "1", "q": "1"}
        for symbol in ("BTCUSDT", "ETHUSDT")
    ]}  # fmt: skip
    values = [TRADE, b"broken", many, {"result": None, "id": 4}, {"e": "contractInfo"}, [], TRADE]
    run = report()
    lines = [decoded(line) for line in run.read(lines_of(values))]
    assert [(line["line"], line["kind"]) for line in lines] == [
        (1, "trade"),
        (2, "error"),
        (3, "ticker"),
        (3, "ticker"),
        (4, "ack"),
        (5, "ignored"),
        (6, "ignored"),
        (7, "trade"),
    ]
    assert lines[1]["reason"]
    assert lines[4]["request_id"] == 4
    assert lines[5]["reason"]
    assert run.errors == 1


def test_the_venues_payload_is_added_when_asked_for() -> None:
    values = [TRADE, b'{"e":"aggTrade","p":\xff}', b'wss://x <- 1626992741.3: {"op":1}']
    lines = [decoded(line) for line in report(native=True).read(lines_of(values))]
    assert lines[0]["native"] == TRADE
    assert isinstance(lines[1]["native"], str)
    assert lines[2]["native"] == {"op": 1}
    assert all("native" not in decoded(line) for line in report().read(lines_of(values)))


def test_the_channel_names_replies_that_do_not_tell() -> None:
    row = [1700000040000, "1", "2", "0.5", "1.5", "10", 1700000099999, "15", 3, "4", "5", "0"]
    (line,) = report("rest_klines:BTCUSDT").read(lines_of([[row]]))
    found = decoded(line)
    assert (found["kind"], found["interval"], found["is_closed"]) == ("candle", "1m", True)


def test_the_summary_counts_kinds_and_native_channels() -> None:
    found = summary_of(
        [
            {"stream": "btcusdt@aggTrade", "data": TRADE},
            {"stream": "btcusdt@aggTrade", "data": TRADE | {"a": 2}},
            {"stream": "btcusdt@aggTrade", "data": TRADE | {"a": 4}},
            {"stream": "btcusdt@depth", "data": DELTA},
            {"stream": "btcusdt@depth", "data": DELTA | {"U": 13, "u": 14, "pu": 12}},
            {"stream": "btcusdt@depth", "data": DELTA | {"U": 19, "u": 20, "pu": 18}},
            b"configuration: {}",
            b"broken",
        ]
    )
    assert found.messages == 8
    assert found.counts == {"book_delta": 3, "error": 1, "ignored": 1, "trade": 3}
    assert found.native_channels["aggTrade"] == 3
    assert found.native_channels["depth"] == 3
    assert (found.sequence_breaks, found.trade_sequence_breaks) == (1, 1)
    assert found.books["BTCUSDT"].sequence_breaks == 1


def test_the_summary_line_has_kind_first_and_no_line() -> None:
    run = report()
    list(run.read(lines_of([DELTA])))
    found = decoded(run.summary())
    assert next(iter(found)) == "kind"
    assert found["kind"] == "summary"
    assert "line" not in found
    assert found["books"]["BTCUSDT"]["best_bid"] == [1.0, 2.0]
    assert decoded(report().summary())["books"] == {}


def delta(sequence: int, previous: int, bid: float, ask: float) -> BookDelta:
    return BookDelta(
        exchange="binance",
        symbol="BTCUSDT",
        native_symbol="BTCUSDT",
        timestamp_ms=1,
        received_ns=1,
        bids=((bid, 1.0),),
        asks=((ask, 1.0),),
        sequence=sequence,
        first_sequence=previous + 1,
        previous_sequence=previous,
    )


def snapshot(sequence: int, bid: float, ask: float) -> BookSnapshot:
    return BookSnapshot(
        exchange="binance",
        symbol="BTCUSDT",
        native_symbol="BTCUSDT",
        timestamp_ms=1,
        received_ns=1,
        bids=((bid, 5.0),),
        asks=((ask, 5.0),),
        sequence=sequence,
    )


@pytest.fixture
def kept() -> KeptBook:
    return KeptBook(venue("binance").book_rule())


def test_a_snapshot_joins_the_changes_that_came_before_it(kept: KeptBook) -> None:
    kept.on_delta(delta(10, 5, 1.0, 9.0))
    kept.on_delta(delta(20, 10, 2.0, 8.0))
    kept.on_delta(delta(30, 20, 3.0, 7.0))
    assert not kept.check().synced
    kept.on_snapshot(snapshot(15, 0.5, 9.5))
    check = kept.check()
    assert check == BookCheck(
        snapshots=1,
        deltas=3,
        sequence_breaks=0,
        crossed=0,
        synced=True,
        best_bid=(3.0, 1.0),
        best_ask=(7.0, 1.0),
        bid_levels=3,
        ask_levels=3,
    )


def test_after_a_gap_the_book_waits_for_the_next_snapshot(kept: KeptBook) -> None:
    kept.on_snapshot(snapshot(10, 1.0, 9.0))
    kept.on_delta(delta(20, 10, 2.0, 8.0))
    kept.on_delta(delta(40, 30, 3.0, 7.0))
    assert (kept.check().synced, kept.check().sequence_breaks) == (False, 1)
    kept.on_snapshot(snapshot(35, 2.5, 7.5))
    assert kept.check().synced
    assert kept.book.bids() == ((3.0, 1.0), (2.5, 5.0))


def test_a_snapshot_that_is_too_old_for_the_changes_does_not_sync(kept: KeptBook) -> None:
    kept.on_delta(delta(40, 30, 3.0, 7.0))
    kept.on_snapshot(snapshot(10, 1.0, 9.0))
    assert not kept.check().synced


def test_a_crossed_book_is_counted(kept: KeptBook) -> None:
    kept.on_snapshot(snapshot(10, 5.0, 6.0))
    kept.on_delta(delta(20, 10, 7.0, 9.0))
    assert kept.check().crossed == 1


def test_changes_kept_for_a_snapshot_are_bounded(kept: KeptBook) -> None:
    for number in range(PENDING_MAX + 5):
        kept.on_delta(delta(number + 1, number, 1.0, 2.0))
    kept.on_snapshot(snapshot(3, 1.0, 2.0))
    assert not kept.check().synced, "the change that contains the snapshot was dropped"


def test_the_encoding_is_that_of_the_records() -> None:
    (line,) = report().read(lines_of([DELTA]))
    assert isinstance(line.body, BookDelta)
    found = decoded(line)
    expected = json.loads(msgspec.json.encode(line.body))
    assert {key: found[key] for key in expected} == expected
