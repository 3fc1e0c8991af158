"""A venue's book, built from its stream, is the market's book; what is missing is noticed."""

import pytest
from tests.venues.conformance.loopback import STEP_MS, Line, Loopback

from headwater.core.enums import Channel
from headwater.core.order_book import OrderBook
from headwater.core.records import BookDelta, BookSnapshot, Level
from headwater.venues.base import BookRule
from headwater.venues.facts import BookSource
from headwater.venues.messages import StreamEvent, Subscription, Verdict

LEVELS = 10
BEHIND_MS = 3_000
LEFT_OUT = 10

Top = tuple[tuple[Level, ...], tuple[Level, ...]]


class Reader:
    """Keeps a book as a feed does: the rule decides, a gap is counted and needs an image."""

    def __init__(self, loop: Loopback) -> None:
        self._loop = loop
        self._rule: BookRule = loop.venue.book_rule()
        self.book = OrderBook()
        self.gaps = 0
        self._is_live = False

    def read(self, event: StreamEvent) -> None:
        """Takes what a stream brings."""
        if isinstance(event, BookSnapshot):
            self._start(event)
        elif isinstance(event, BookDelta):
            if not self._is_live:
                if self._loop.facts.book_source is not BookSource.REST:
                    return
                self._start(
                    self._loop.ask(self._loop.rest.book(self._loop.instrument(), depth=1000))
                )
            verdict = self._rule.on_delta(event)
            if verdict is Verdict.ACCEPT:
                self.book.apply(event.bids, event.asks, event.sequence, event.timestamp_ms)
            elif verdict is Verdict.GAP:
                self.gaps += 1
                self._is_live = False

    def alive(self) -> bool:
        """Whether the book holds."""
        return self._is_live

    def _start(self, image: BookSnapshot) -> None:
        self._rule.on_snapshot(image)
        self.book.replace(image.bids, image.asks, image.sequence, image.timestamp_ms)
        self._is_live = True


def subscription(loop: Loopback) -> Subscription:
    """To the book of BTCUSDT."""
    return Subscription(channel=Channel.BOOK, native_symbol=loop.instrument().native_symbol)


def test_the_book_follows_the_market(loop: Loopback) -> None:
    """After each of its changes the top of the book is one the market had a moment ago."""
    line = loop.open(loop.venue.endpoint_of(Channel.BOOK))
    line.send(line.stream.subscribe([subscription(loop)]))
    reader, taken, had = Reader(loop), 0, list[Top]()
    matched = 0
    for _ in range(20_000 // STEP_MS):
        line.advance(STEP_MS)
        image = loop.market.book("BTCUSDT", LEVELS)
        had = [*had[-BEHIND_MS // STEP_MS :], (image.bids, image.asks)]
        fresh = line.events[taken:]
        taken = len(line.events)
        for event in fresh:
            reader.read(event)
        if fresh and reader.alive():
            top = (reader.book.bids(LEVELS), reader.book.asks(LEVELS))
            assert any(_same(top, one) for one in had), "the market never had this book"
            assert not reader.book.is_crossed
            matched += 1
    assert matched > 10
    assert reader.gaps == 0


def test_a_change_left_out_is_noticed(loop: Loopback) -> None:
    """By the rule, at the next change; a venue that sends whole images has none to leave out."""
    line = loop.open(loop.venue.endpoint_of(Channel.BOOK))
    line.send(line.stream.subscribe([subscription(loop)]))
    reader, taken, deltas = Reader(loop), 0, 0
    for _ in range(10_000 // STEP_MS):
        line.advance(STEP_MS)
        fresh = line.events[taken:]
        taken = len(line.events)
        for event in fresh:
            deltas += reader.alive() and isinstance(event, BookDelta)
            if deltas != LEFT_OUT or not isinstance(event, BookDelta):
                reader.read(event)
        if reader.gaps:
            break
    if loop.facts.book_source is BookSource.IMAGES:
        assert deltas == 0
    else:
        assert reader.gaps == 1
        assert deltas == LEFT_OUT + 1


def test_a_repeated_or_older_change_changes_nothing(loop: Loopback) -> None:
    """A frame that comes twice is ignored or seen as a gap, never applied twice unnoticed."""
    line = loop.follow(subscription(loop))
    line.advance(5_000)
    reader = Reader(loop)
    before: Top | None = None
    for event in line.events:
        reader.read(event)
        if isinstance(event, BookDelta | BookSnapshot) and reader.alive():
            before = (reader.book.bids(), reader.book.asks())
            reader.read(event)
            if reader.alive():
                assert (reader.book.bids(), reader.book.asks()) == before
            else:
                return
    assert before is not None


def test_the_image_comes_again_when_the_book_is_renewed(loop: Loopback) -> None:
    """What a feed does after a gap on a venue whose stream brings the image."""
    if loop.facts.book_source is BookSource.REST:
        pytest.skip("the image comes by REST")
    line: Line = loop.follow(subscription(loop))
    line.advance(2_000)
    before = len(line.records(BookSnapshot))
    assert before > 0
    line.send(line.stream.renew([subscription(loop)]))
    line.advance(2_000)
    assert len(line.records(BookSnapshot)) > before


def _same(one: Top, other: Top) -> bool:
    return all(
        len(left) == len(right)
        and all(
            price == pytest.approx(true_price, rel=1e-4)
            and quantity == pytest.approx(true_quantity, rel=1e-6)
            for (price, quantity), (true_price, true_quantity) in zip(left, right, strict=True)
        )
        for left, right in zip(one, other, strict=True)
    )
