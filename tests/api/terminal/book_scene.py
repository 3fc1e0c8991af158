"""An order book on a venue in memory, and what the terminal shows of it."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from tests.api.fake_source import NOW_MS
from tests.api.served import Platform
from tests.api.terminal.viewing import Message

from headwater.api.terminal.desk import FeedDesk, SharedFeed
from headwater.api.terminal.live_book import LiveBook
from headwater.core.enums import Channel, FeedState
from headwater.core.records import BookDelta, BookSnapshot, ConnectionState, Level

BIDS: Sequence[Level] = ((100.4, 1.0), (100.3, 2.0), (100.2, 4.0))
ASKS: Sequence[Level] = ((100.5, 8.0), (100.6, 16.0), (100.8, 32.0))
PATH = "orderbook/BTCUSDT?rounding=0.1&limit=5"

Side = list[tuple[float, float, float]]


def snapshot(
    bids: Sequence[Level] = BIDS,
    asks: Sequence[Level] = ASKS,
    *,
    sequence: int = 10,
    is_start: bool = True,
) -> BookSnapshot:
    """A book of the venue; a start for readers of deltas unless it says otherwise."""
    return BookSnapshot(
        exchange="binance",
        symbol="BTCUSDT",
        native_symbol="BTCUSDT",
        timestamp_ms=NOW_MS + sequence,
        received_ns=1,
        bids=tuple(bids),
        asks=tuple(asks),
        sequence=sequence,
        is_start=is_start,
    )


def delta(sequence: int, bids: Sequence[Level] = (), asks: Sequence[Level] = ()) -> BookDelta:
    """A change of it."""
    return BookDelta(
        exchange="binance",
        symbol="BTCUSDT",
        native_symbol="BTCUSDT",
        timestamp_ms=NOW_MS + sequence,
        received_ns=1,
        bids=tuple(bids),
        asks=tuple(asks),
        sequence=sequence,
    )


def state(now: FeedState, channel: Channel | None = Channel.BOOK) -> ConnectionState:
    """What the venue's stream became."""
    return ConnectionState(
        exchange="binance",
        symbol="BTCUSDT",
        native_symbol="BTCUSDT",
        timestamp_ms=NOW_MS,
        received_ns=1,
        channel=channel,
        state=now,
        reason="",
        since_ms=NOW_MS,
    )


def side(message: Message, name: str) -> Side:
    """A side as prices, amounts and sums."""
    return [(one["price"], one["amount"], one["cumulative"]) for one in message[name]]


def feeds_of(platform: Platform) -> Mapping[str, SharedFeed]:
    """What somebody views now."""
    owners = (getattr(closer, "__self__", None) for closer in platform.hub._closers)
    (desk,) = (one for one in owners if isinstance(one, FeedDesk))
    return desk.feeds


def live_book(platform: Platform) -> LiveBook:
    """The only feed."""
    (feed,) = feeds_of(platform).values()
    assert isinstance(feed, LiveBook)
    return feed


@asynccontextmanager
async def booked(platform: Platform | None = None) -> AsyncIterator[Platform]:
    """A served platform whose Binance has a live book."""
    made = platform or Platform()
    made.source.books["BTCUSDT"] = snapshot()
    async with made.served():
        yield made
