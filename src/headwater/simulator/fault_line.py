"""Applies frame faults to one connection's data, and shows a market with an older book.

`FrameLine` sits between a venue's socket and the wire; `AgedMarket` between the market and the
venue's REST desk. Neither changes the market.
"""

from collections import deque
from collections.abc import Sequence

from headwater.core.records import BookSnapshot
from headwater.simulator.faults import FaultInjector
from headwater.venues.side import MarketView

IMAGE_DEPTH = 1000
"""Levels a side kept of an older book."""

IMAGES_MAX = 6
"""Older images kept of each symbol, so that the memory stays bounded."""

IMAGE_EVERY_S = 2.0


class FrameLine:
    """One connection's data frames on their way out.

    Args:
        injector: draws the faults.
        target: name of the connection in the journal.
    """

    def __init__(self, injector: FaultInjector, target: str) -> None:
        self._injector = injector
        self._target = target
        self._held: str | None = None

    def pass_on(self, texts: Sequence[str], now_ms: int, now_s: float) -> list[tuple[str, float]]:
        """Lets frames through, or not.

        Args:
            texts: data frames in the venue's order.
            now_ms: the venue's time, for the journal.
            now_s: monotonic time, for mutes.

        Returns:
            What to send and how many seconds each frame has to wait for.
        """
        injector, frames = self._injector, self._injector.plan.frames
        sent: list[tuple[str, float]] = []
        for text in texts:
            if self._is_muted(text, now_s):
                injector.note("mute", now_ms, self._target, text)
                continue
            if injector.chance(frames.drop):
                injector.note("drop", now_ms, self._target, text)
                continue
            if self._held is None and injector.chance(frames.swap):
                injector.note("swap", now_ms, self._target, text)
                self._held = text
                continue
            wait_s = 0.0
            if injector.chance(frames.delay):
                injector.note("delay", now_ms, self._target, text)
                wait_s = injector.draw(frames.delay_ms) / 1000
            body = text
            if injector.chance(frames.corrupt):
                injector.note("corrupt", now_ms, self._target, text)
                body = text[: injector.random.randrange(1, len(text))]
            sent.append((body, wait_s))
            if injector.chance(frames.duplicate):
                injector.note("duplicate", now_ms, self._target, text)
                sent.append((body, 0.0))
            if self._held is not None:
                sent.append((self._held, 0.0))
                self._held = None
        return sent

    def release(self) -> str | None:
        """Gives back a frame that waits for a next one to change places with."""
        held, self._held = self._held, None
        return held

    def _is_muted(self, text: str, now_s: float) -> bool:
        return any(
            now_s < mute.until_s and all(mark in text for mark in mute.marks)
            for mute in self._injector.mutes
        )


class AgedMarket:
    """A `MarketView` that can show an older book for the time of one request.

    Args:
        market: the real one; everything but the book is passed through.
    """

    def __init__(self, market: MarketView) -> None:
        self._market = market
        self._images: dict[str, deque[tuple[float, BookSnapshot]]] = {}
        self._imaged_s = float("-inf")
        self._older_than_s: float | None = None
        self._has_shown_older = False
        self.now_ms = market.now_ms
        self.table = market.table
        self.candles = market.candles
        self.mark_candles = market.mark_candles
        self.prints = market.prints
        self.liquidations = market.liquidations
        self.print_of_fill = market.print_of_fill
        self.day_stats = market.day_stats
        self.mark_price = market.mark_price
        self.open_interest = market.open_interest
        self.open_interest_history = market.open_interest_history
        self.funding_history = market.funding_history
        self.margin_tiers = market.margin_tiers
        self.position = market.position

    def book(self, symbol: str, depth: int) -> BookSnapshot:
        """The book now, or an older one while `show_older` holds."""
        if self._older_than_s is not None:
            for taken_s, image in reversed(self._images.get(symbol, ())):
                if taken_s <= self._older_than_s:
                    self._has_shown_older = True
                    return BookSnapshot(
                        exchange=image.exchange,
                        symbol=image.symbol,
                        native_symbol=image.native_symbol,
                        timestamp_ms=image.timestamp_ms,
                        received_ns=image.received_ns,
                        bids=image.bids[:depth],
                        asks=image.asks[:depth],
                        sequence=image.sequence,
                    )
        return self._market.book(symbol, depth)

    def show_older(self, moment_s: float) -> None:
        """From now on shows books as they were at `moment_s` (monotonic)."""
        self._older_than_s = moment_s
        self._has_shown_older = False

    def show_now(self) -> bool:
        """Shows books as they are again; returns whether an older one was seen meanwhile."""
        self._older_than_s = None
        return self._has_shown_older

    def take_images(self, now_s: float) -> None:
        """Keeps the books of now, when the last images are old enough."""
        if now_s - self._imaged_s < IMAGE_EVERY_S:
            return
        self._imaged_s = now_s
        for instrument in self.table:
            symbol = instrument.symbol
            images = self._images.setdefault(symbol, deque(maxlen=IMAGES_MAX))
            images.append((now_s, self._market.book(symbol, IMAGE_DEPTH)))
