"""Every recorded message of OKX is read, or skipped with its reason; old checksums verify."""

from pathlib import Path

import pytest
from tests.venues.okx.test_market_events import swap

from headwater.core.clock import ManualClock
from headwater.core.instruments import InstrumentTable
from headwater.core.intervals import Interval
from headwater.core.records import BookDelta, BookSnapshot, MarkCandle
from headwater.feeds.wire_report import Failure, ReportBody, Summary, WireReport
from headwater.venues.messages import Ignored
from headwater.venues.okx import VENUE
from headwater.venues.okx.recordings import OkxTapeReader


def report(path: Path, reader: OkxTapeReader) -> tuple[list[ReportBody], Summary]:
    """What a recording gives."""
    made = WireReport(VENUE, reader, ManualClock())
    with path.open("rb") as lines:
        bodies = [line.body for line in made.read(lines)]
    summary = made.summary().body
    assert isinstance(summary, Summary)
    return bodies, summary


def fresh() -> OkxTapeReader:
    """A reader that knows no instrument."""
    return OkxTapeReader(InstrumentTable("okx", []))


@pytest.mark.parametrize(
    "name",
    [
        "tardis-node/okx/raw.jsonl", "roq/okx/messages.jsonl", "cryptofeed/okx/OKX.ws.1.0",
        "cryptofeed/okx/OKX.0.swap_futures_only", "gocryptotrader/okx/wsOrders.jsonl",
        "gocryptotrader/okx/wsAllTrades.jsonl",
    ],
)  # fmt: skip
def test_everything_is_accounted_for(wire_dir: Path, name: str) -> None:
    bodies, summary = report(wire_dir / name, fresh())
    assert summary.messages > 0
    assert not [one for one in bodies if isinstance(one, Failure)]


def test_every_single_message_is_accounted_for(wire_dir: Path) -> None:
    """One message a file: REST replies by their shape, streams by their channel."""
    paths = sorted((wire_dir / "nautilus" / "okx").glob("*.json"))
    paths = [path for path in paths if path.name.startswith(("http_", "ws_"))]
    assert paths
    for path in paths:
        bodies, _ = report(path, fresh())
        assert bodies, path.name
        assert not [one for one in bodies if isinstance(one, Failure)], path.name


def test_the_290_checksums_of_2022_verify(wire_dir: Path) -> None:
    reader = fresh()
    report(wire_dir / "cryptofeed/okx/OKX.ws.1.0", reader)
    assert (reader.verified, reader.failed) == (290, 0)


def test_books_of_2022_are_whole_once_their_contracts_are_known(wire_dir: Path) -> None:
    """The recording's own list of instruments sizes them; a verified change continues the book."""
    reader = fresh()
    report(wire_dir / "cryptofeed/okx/OKX.0.swap_futures_only", reader)
    bodies, summary = report(wire_dir / "cryptofeed/okx/OKX.ws.1.0", reader)
    assert {one.symbol for one in bodies if isinstance(one, BookSnapshot)} == {"UNIUSD"}
    assert len([one for one in bodies if isinstance(one, BookDelta)]) == 92
    assert (summary.sequence_breaks, summary.crossed) == (0, 0)


def test_a_documented_reply_of_mark_candles_is_read(wire_dir: Path) -> None:
    """Two rows, newest first; the forming one says so. Both endpoints write the same rows."""
    path = wire_dir / "jkorf/okx/Endpoints/UnifiedApi/ExchangeData/GetMarkPriceKlines.txt"
    body = path.read_bytes().split(b"\n", 3)[3]
    table = InstrumentTable("okx", [swap("BTC-USDT-SWAP", 0.01)])
    for endpoint in ("mark-price-candles", "history-mark-price-candles"):
        url = f"https://www.okx.com/api/v5/market/{endpoint}?instId=BTC-USDT-SWAP&bar=1H"
        closed, forming = OkxTapeReader(table).read(body, 1, url=url).events
        assert isinstance(closed, MarkCandle)
        assert isinstance(forming, MarkCandle)
        assert (closed.symbol, closed.interval) == ("BTCUSDT", Interval.H1)
        assert (closed.open, closed.high, closed.low, closed.close) == (3.731, 3.799, 3.494, 3.72)
        assert (closed.is_closed, forming.is_closed, forming.close) == (True, False, 3.708)
    (unsized,) = fresh().read(body, 1, channel="mark_candles:NOPE-USDT-SWAP").events
    assert isinstance(unsized, Ignored)
