"""Topics, filters and what happens to a reader that is too slow.

A topic is the class of a record, a venue and a symbol: never a text key. The policy of a topic
follows from the kind of data (architecture, "slow readers").
"""

from enum import Enum
from typing import Final, NamedTuple

import msgspec

from headwater.core.records import (
    BookDelta,
    BookSnapshot,
    Candle,
    ConnectionState,
    FundingRate,
    Gap,
    LargeTrade,
    Liquidation,
    MarkPrice,
    OiVolumeSpike,
    OpenInterest,
    Record,
    Ticker,
    Trade,
)


class Topic(NamedTuple):
    """What a record is published under.

    Attributes:
        kind: class of the record.
        exchange: venue id.
        symbol: canonical symbol, `*` for what concerns a whole venue.
    """

    kind: type[Record]
    exchange: str
    symbol: str


class TopicFilter(msgspec.Struct, frozen=True):
    """Which topics a reader wants.

    Attributes:
        kind: class of the records.
        exchange: venue id, None for all.
        symbol: canonical symbol, None for all.
    """

    kind: type[Record]
    exchange: str | None = None
    symbol: str | None = None

    def matches(self, topic: Topic) -> bool:
        """Whether `topic` is wanted."""
        return (
            self.kind is topic.kind
            and self.exchange in (None, topic.exchange)
            and self.symbol in (None, topic.symbol)
        )


class SlowPolicy(Enum):
    """What happens when a reader's queue is full.

    LATEST keeps the newest record of each topic (state: a missed value is superseded);
    DROP_OLDEST drops the oldest and counts (events: the reader is told how many);
    DISCONNECT ends the subscription (own orders and fills, and deltas that build on each other:
    the reader must reload).
    """

    LATEST = "latest"
    DROP_OLDEST = "drop_oldest"
    DISCONNECT = "disconnect"


POLICIES: Final[dict[type[Record], SlowPolicy]] = {
    Trade: SlowPolicy.DROP_OLDEST,
    LargeTrade: SlowPolicy.DROP_OLDEST,
    Liquidation: SlowPolicy.DROP_OLDEST,
    OiVolumeSpike: SlowPolicy.DROP_OLDEST,
    Gap: SlowPolicy.DROP_OLDEST,
    ConnectionState: SlowPolicy.DROP_OLDEST,
    Candle: SlowPolicy.DROP_OLDEST,
    BookDelta: SlowPolicy.DROP_OLDEST,
    BookSnapshot: SlowPolicy.LATEST,
    Ticker: SlowPolicy.LATEST,
    MarkPrice: SlowPolicy.LATEST,
    FundingRate: SlowPolicy.LATEST,
    OpenInterest: SlowPolicy.LATEST,
}
"""Policy by kind of record. A dropped `BookDelta` shows as a break in its sequence numbers."""
