"""The platform as `bench_four_venues` measures it: a process of its own that prints one JSON line.

Everything that `headwater run` starts is there: feeds of all venues with continuity, book keepers
and gap ledgers, services, hub and HTTP server. Leases of the wanted channels of every symbol are
taken as its users take them, and one reader of the bus takes whatever has come, each turn of the
loop, and notes how long ago the bytes behind each record were read from the socket
(`received_ns`). The first symbol is a standing one and so brings quotes, mark price, open interest
and candles besides. Records that no frame brought, such as a book fetched by REST, count too.
"""

import argparse
import asyncio
import json
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from headwater.app.logs import configure_logs
from headwater.app.process import ProcessUsage, run_loop
from headwater.app.settings import Settings
from headwater.app.wiring import Platform
from headwater.bus.bus import Reader
from headwater.bus.memory import MemoryBus
from headwater.bus.topics import TopicFilter
from headwater.core.enums import Channel
from headwater.core.errors import NotSupported
from headwater.core.records import BookDelta, BookSnapshot, MarkPrice, OpenInterest, Ticker, Trade
from headwater.feeds.source import Lease
from headwater.feeds.venue_feed import VenueFeed
from headwater.venues.messages import Subscription

CHANNELS = {
    "trades": Channel.TRADES,
    "book": Channel.BOOK,
    "tickers": Channel.TICKERS,
    "quotes": Channel.QUOTES,
    "mark_prices": Channel.MARK_PRICES,
    "open_interest": Channel.OPEN_INTEREST,
}
"""What may be held, by the name on the command line."""

READ = (Trade, BookDelta, BookSnapshot, Ticker, MarkPrice, OpenInterest)
CONFLATED = "book_snapshot at the interval"
"""Kind under which ages of books are noted that the keeper publishes at an interval, and only when
something changed: they are as old as the newest change in them, by intention."""

READER_MAX = 200_000
"""Records that may wait for the reader; a run in which some were dropped counts for nothing."""

AGES_MAX = 2_000_000
"""Ages noted of a kind; a longer run keeps the first ones."""

IMAGES = "hyperliquid"
"""The venue whose stream sends whole books, which are published as they come."""


class Findings(msgspec.Struct, kw_only=True):
    """What one run showed.

    Attributes:
        seconds: how long it was measured.
        cpu_s: processor time of the process in them.
        records: by `venue kind`.
        ages_us: queue age of each record by kind, µs.
        dropped: records that did not reach the reader.
        gaps: entries in the gap ledgers by `venue channel cause state`.
        symbols: by venue, those of which something came.
        resident_bytes: memory at the end.
    """

    seconds: float = 0.0
    cpu_s: float = 0.0
    records: Counter[str]
    ages_us: dict[str, list[int]]
    dropped: int = 0
    gaps: dict[str, int]
    symbols: dict[str, int]
    resident_bytes: int = 0


async def hold(platform: Platform, symbols: list[str], channels: list[str]) -> list[Lease]:
    """Leases of every channel that a venue offers, of every symbol."""
    leases: list[Lease] = []
    for source in platform.sources.values():
        assert isinstance(source, VenueFeed)
        await source.wait_ready()
        for symbol in symbols:
            native_symbol = source.table.resolve(symbol).native_symbol
            for channel in channels:
                wanted = Subscription(channel=CHANNELS[channel], native_symbol=native_symbol)
                try:
                    leases.append(source.acquire(wanted))
                except NotSupported as reason:
                    print(reason, file=sys.stderr)
    return leases


async def read(
    reader: Reader, seconds: float, monotonic: Callable[[], float] = time.monotonic
) -> Findings:
    """Reads for so long; counts records and notes their ages."""
    found = Findings(records=Counter(), ages_us=defaultdict(list), gaps={}, symbols={})
    seen: dict[str, set[str]] = defaultdict(set)
    before, began = ProcessUsage.now().cpu_s, monotonic()
    ends = began + seconds
    while monotonic() < ends:
        batch = await reader.next_batch()
        now_ns = time.time_ns()
        for record in batch:
            kind = record.kind
            found.records[f"{record.exchange} {kind}"] += 1
            seen[record.exchange].add(record.symbol)
            if isinstance(record, BookSnapshot) and record.exchange != IMAGES:
                kind = CONFLATED
            ages = found.ages_us[kind]
            if len(ages) < AGES_MAX:
                ages.append((now_ns - record.received_ns) // 1_000)
    found.cpu_s = ProcessUsage.now().cpu_s - before
    found.seconds = monotonic() - began
    found.symbols = {exchange: len(symbols) for exchange, symbols in seen.items()}
    return found


def gaps_of(platform: Platform) -> Counter[str]:
    """What the ledgers hold, by venue, channel, cause and what became of it."""
    return Counter(
        f"{gap.exchange} {gap.channel} {gap.cause} {gap.state}"
        for source in platform.sources.values()
        for gap in source.gaps()
    )


async def measure(options: argparse.Namespace, addresses: dict[str, Any]) -> None:
    """Starts the platform on given addresses, lets it settle, measures, prints."""
    settings = Settings(
        port=0,
        venue_addresses=addresses,
        venues=tuple(options.venues.split(",")),
        supported_symbols=(options.symbols.partition(",")[0],),
        oi_volume_timeframes=(),
    )
    bus = MemoryBus()
    filters = [TopicFilter(kind) for kind in READ]
    async with Platform(settings, simulated=True, bus=bus) as platform:
        leases = await hold(platform, options.symbols.split(","), options.channels.split(","))
        await asyncio.sleep(options.settle)
        reader = bus.subscribe("benchmark", filters, READER_MAX)
        found = await read(reader, options.seconds)
        found.dropped = reader.stats.dropped
        found.gaps = gaps_of(platform)
        found.resident_bytes = ProcessUsage.now().resident_bytes
        reader.close()
        print(msgspec.json.encode(found).decode(), flush=True)
        for lease in leases:
            lease.release()


def main() -> None:
    """Reads the command line and runs on the loop that the platform runs on."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--addresses", required=True, help="file with the venues' addresses")
    parser.add_argument("--venues", required=True)
    parser.add_argument("--symbols", required=True)
    parser.add_argument("--channels", default="trades,book,tickers")
    parser.add_argument("--settle", type=float, default=15.0)
    parser.add_argument("--seconds", type=float, default=60.0)
    options = parser.parse_args()
    configure_logs("ERROR", "json")
    run_loop(measure(options, json.loads(Path(options.addresses).read_text())))


if __name__ == "__main__":
    main()
