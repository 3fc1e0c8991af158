"""Every recorded message of Bybit is read, or skipped with its reason."""

from pathlib import Path

import pytest

from headwater.core.clock import ManualClock
from headwater.core.enums import PositionSide
from headwater.core.instruments import InstrumentTable
from headwater.core.intervals import Interval
from headwater.core.records import Liquidation, MarkCandle
from headwater.feeds.wire_report import Failure, ReportBody, Summary, WireReport
from headwater.venues.bybit import VENUE
from headwater.venues.messages import Ignored


def report(path: Path) -> tuple[WireReport, list[ReportBody], Summary]:
    """What a recording gives."""
    reader = VENUE.tape_reader(InstrumentTable("bybit", []))
    made = WireReport(VENUE, reader, ManualClock())
    with path.open("rb") as lines:
        bodies = [line.body for line in made.read(lines)]
    summary = made.summary().body
    assert isinstance(summary, Summary)
    return made, bodies, summary


@pytest.mark.parametrize(
    "name",
    [
        "tardis-node/bybit/raw.jsonl", "roq/bybit/messages.jsonl",
        "gocryptotrader/bybit/wsTicker.jsonl", "gocryptotrader/bybit/wsAuth.jsonl",
        "nautilus/bybit/xrpusdt_ob500.jsonl",
    ],
)  # fmt: skip
def test_everything_is_accounted_for(wire_dir: Path, name: str) -> None:
    _, bodies, summary = report(wire_dir / name)
    assert summary.messages > 0
    assert not [one for one in bodies if isinstance(one, Failure)]


def test_every_single_message_is_accounted_for(wire_dir: Path) -> None:
    """One message a file: REST replies by their shape, streams by their topic."""
    paths = sorted((wire_dir / "nautilus" / "bybit").glob("*.json"))
    assert paths
    for path in paths:
        _, bodies, _ = report(path)
        assert bodies, path.name
        assert not [one for one in bodies if isinstance(one, Failure)], path.name


def test_the_count_of_the_recorded_book_has_no_break(wire_dir: Path) -> None:
    made, _, summary = report(wire_dir / "nautilus/bybit/xrpusdt_ob500.jsonl")
    assert (summary.sequence_breaks, summary.crossed) == (0, 0)
    assert summary.counts == {"book_delta": 49, "book_snapshot": 1}
    book = made.book("XRPUSDT")
    assert book is not None
    assert not book.is_crossed


def test_recorded_liquidations_have_the_side_of_the_position(wire_dir: Path) -> None:
    _, bodies, _ = report(wire_dir / "tardis-node/bybit/raw.jsonl")
    found = [one for one in bodies if isinstance(one, Liquidation)]
    assert [(one.symbol, one.position_side, one.is_floor) for one in found] == [
        ("GALAUSDT", PositionSide.LONG, True),
        ("PIPPINUSDT", PositionSide.SHORT, False),
        ("PIPPINUSDT", PositionSide.SHORT, False),
    ]


def test_a_documented_reply_of_mark_klines_is_read(wire_dir: Path) -> None:
    path = wire_dir / "jkorf/bybit/Endpoints/V5Api/ExchangeData/GetMarkPriceKlines.txt"
    body = path.read_bytes().split(b"\n", 3)[3]
    url = "https://api.bybit.com/v5/market/mark-price-kline?category=linear&interval=60"
    reader = VENUE.tape_reader(InstrumentTable("bybit", []))
    (bar,) = reader.read(body, 1_700_000_000_000_000_000, url=url).events
    assert isinstance(bar, MarkCandle)
    assert (bar.symbol, bar.interval, bar.timestamp_ms) == (
        "BTCUSDT", Interval.H1, 1670608800000,
    )  # fmt: skip
    assert (bar.open, bar.high, bar.low, bar.close) == (17164.16, 17164.16, 17121.5, 17131.64)
    assert (bar.is_closed, bar.readings) == (True, None)
    inverse = body.replace(b'"linear"', b'"inverse"')
    (skipped,) = reader.read(inverse, 1, channel="rest_mark-price-kline:BTCUSD").events
    assert isinstance(skipped, Ignored)
