"""Writes `orderbook_update` messages: from a ladder to the bytes that every viewer of it gets.

Written as text, not encoded from views: a level that did not change keeps what was written of it
but for its running sum, and every number is its exact decimal digits. That `OrderbookUpdateView`
reads these bytes, and nothing is missing or too much, is a test.
"""

from decimal import Decimal
from functools import lru_cache
from itertools import accumulate
from typing import Final

import msgspec

from headwater.analytics.book_ladder import BookLadder, LadderSide
from headwater.api.schemas.base import encode
from headwater.api.schemas.terminal.order_book import AsksOrder, BookState
from headwater.core.formatting import PLACES_MAX, UnitText, plain

RAW_PER_LEVEL: Final = 10
"""Levels of the venue for each one that is asked for; fewer may be too few to aggregate (O-S5)."""

LEVEL_BYTES: Final = 256
"""Room for one level of a message: six numbers below 10^16 units and their names need no more."""

LEVELS_MAX: Final = 1_000
"""Most levels a side of a message, whatever was asked for."""

LABELS_MAX: Final = 20_000
"""Prices of one side whose texts are remembered; beyond it all are written again."""


class BookHead(msgspec.Struct, frozen=True, kw_only=True):
    """What a message says besides its levels.

    Attributes:
        exchange: venue id.
        symbol: canonical symbol.
        state: of the book.
        options: roundings that are offered, ascending.
        raw_bids: levels of the venue.
        raw_asks: levels of the venue.
        timestamp_ms: time of the newest change.
    """

    exchange: str
    symbol: str
    state: BookState
    options: tuple[Decimal, ...]
    raw_bids: int
    raw_asks: int
    timestamp_ms: int


class _SideWriter:
    """Writes one side of a ladder.

    Args:
        side: of the ladder.
        price_text: writes its prices.
        amount_text: writes quantities.
        limit: most levels.
        is_reversed: whether the worst level comes first.
    """

    __slots__ = (
        "_amount_text",
        "_is_reversed",
        "_labels",
        "_limit",
        "_price_text",
        "_side",
        "_text",
        "_version",
        "count",
    )

    def __init__(
        self,
        side: LadderSide,
        price_text: UnitText,
        amount_text: UnitText,
        limit: int,
        *,
        is_reversed: bool,
    ) -> None:
        self._side = side
        self._price_text = price_text
        self._amount_text = amount_text
        self._limit = limit
        self._is_reversed = is_reversed
        self._version = -1
        self._text = ""
        self._labels: dict[int, str] = {}
        self.count = 0

    @property
    def labels_kept(self) -> int:
        """Prices whose texts are remembered."""
        return len(self._labels)

    def text(self) -> str:
        """The levels with commas between; what did not change since the last call is not redone."""
        side = self._side
        if self._version != side.version:
            self._version = side.version
            ranks = side.ranks[: self._limit]
            self.count = len(ranks)
            self._text = self._write(ranks) if ranks else ""
        return self._text

    def _write(self, ranks: list[int]) -> str:
        side, known = self._side, self._side.memo
        unknown = [rank for rank in ranks if rank not in known]
        if unknown:
            self._remember(unknown)
        levels = self._amount_text.twice(
            map(known.__getitem__, ranks),
            accumulate(map(side.amounts.__getitem__, ranks)),
            ',"cumulativeFormatted":"',
            '"}',
        )
        if self._is_reversed:
            levels.reverse()
        return ",".join(levels)

    def _remember(self, ranks: list[int]) -> None:
        """Writes all of some levels but their sums; prices that come back are not written again."""
        side, labels = self._side, self._labels
        if len(labels) > LABELS_MAX:
            labels.clear()
        new = [rank for rank in ranks if rank not in labels]
        if new:
            prices = map(side.price, new)
            heads = ('{"price":',) * len(new)
            texts = self._price_text.twice(heads, prices, ',"priceFormatted":"', '","amount":')
            labels.update(zip(new, texts, strict=True))
        texts = self._amount_text.twice(
            map(labels.__getitem__, ranks),
            map(side.amounts.__getitem__, ranks),
            ',"amountFormatted":"',
            '","cumulative":',
        )
        side.memo.update(zip(ranks, texts, strict=True))


class BookRendering:
    """One view of a ladder as bytes.

    Args:
        ladder: with a rounding.
        limit: levels a side that were asked for.
        asks: their order.
        levels_max: most levels a side that a message has room for.
    """

    def __init__(
        self, ladder: BookLadder, limit: int, asks: AsksOrder, levels_max: int = LEVELS_MAX
    ) -> None:
        assert ladder.rounding is not None, "a screen's book has a rounding"
        self._limit = limit
        shown = min(limit, levels_max)
        price_text = unit_text(ladder.price_places)
        amount_text = unit_text(ladder.amount_places)
        self._bids = _SideWriter(ladder.bids, price_text, amount_text, shown, is_reversed=False)
        is_reversed = asks == "highest_first"
        self._asks = _SideWriter(
            ladder.asks, price_text, amount_text, shown, is_reversed=is_reversed
        )
        self._rounding = (
            f'{plain_decimal(ladder.rounding)},"roundingFormatted":"{plain(ladder.rounding)}"'
        )
        self._aggregated = "true" if ladder.is_aggregated else "false"
        self._options: tuple[Decimal, ...] = ()
        self._options_text = '[],"roundingOptionsFormatted":[]'

    @property
    def labels_kept(self) -> tuple[int, int]:
        """Prices whose texts are remembered, of bids and asks."""
        return self._bids.labels_kept, self._asks.labels_kept

    def body(self, head: BookHead) -> str:
        """All of the message but its end, which tells the time: what two of them may share."""
        if head.state == "resyncing":
            bids = asks = ""
            counts = (0, 0)
        else:
            bids, asks = self._bids.text(), self._asks.text()
            counts = (self._bids.count, self._asks.count)
        if head.options != self._options:
            self._options = head.options
            numbers = ",".join(map(plain_decimal, head.options))
            texts = ",".join(f'"{plain(one)}"' for one in head.options)
            self._options_text = f'[{numbers}],"roundingOptionsFormatted":[{texts}]'
        return (
            f'{{"type":"orderbook_update","exchange":"{head.exchange}","symbol":'
            f'{_quoted(head.symbol)},"state":"{head.state}","rounding":{self._rounding},'
            f'"roundingOptions":{self._options_text},"aggregated":{self._aggregated},'
            f'"bids":[{bids}],"asks":[{asks}],'
            f'"marketDepthInfo":{self._depth(head, *counts)}'
        )

    def _depth(self, head: BookHead, bids: int, asks: int) -> str:
        limit, raw_min = self._limit, self._limit * RAW_PER_LEVEL
        actual = min(bids, asks)
        limited = "true" if actual < limit else "false"
        few = "true" if min(head.raw_bids, head.raw_asks) < raw_min else "false"
        return (
            f'{{"actualLevels":{actual},"requestedLevels":{limit},'
            f'"isMarketDepthLimited":{limited},"hasInsufficientRawData":{few},'
            f'"rawBids":{head.raw_bids},"rawAsks":{head.raw_asks},'
            f'"minRequiredRawData":{raw_min}}}'
        )


def message_of(body: str, timestamp_ms: int) -> bytes:
    """A whole message: its body and the time of the newest change, ms since 1970."""
    end = f'{body},"timestamp":{timestamp_ms},"time":{timestamp_ms // 1000}}}'
    return end.encode()


def plain_decimal(value: Decimal) -> str:
    """A decimal without an exponent, as JSON numbers are read exactly everywhere: 100, 0.25."""
    return f"{value:f}"


@lru_cache(maxsize=PLACES_MAX + 1)
def unit_text(places: int) -> UnitText:
    """The writer of whole units of 10^-places, one for all books."""
    return UnitText(places)


@lru_cache(maxsize=4096)
def _quoted(text: str) -> str:
    """A text as JSON: the symbols of some venues are not plain letters."""
    return encode(text).decode()
