"""The venue's end of its protocol: what its servers would answer, also without sockets.

The simulator owns a market (matching, margin, liquidations) and shows it as a `MarketView`; a
venue's `venue_side.py` presents that market in the venue's own wire protocol with its real limits
and error bodies; `simulator/server.py` puts it on real sockets.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from headwater.core.enums import Channel, PositionSide
from headwater.core.errors import NotSupported
from headwater.core.instruments import InstrumentTable
from headwater.core.intervals import Interval
from headwater.core.margin_tiers import MarginTier
from headwater.core.records import (
    BookSnapshot,
    Candle,
    FundingRate,
    Liquidation,
    MarkCandle,
    MarkPrice,
    OpenInterest,
    Record,
    Trade,
)
from headwater.venues.common import CandleT


class DayStats(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of the last 24 hours of one symbol.

    Attributes:
        open: price 24 h ago (first price of the window), quote currency.
        high: highest price.
        low: lowest price.
        last: last price.
        last_quantity: base units of the last trade.
        volume: base units traded.
        quote_volume: quote currency traded.
        trades_count: number of fills.
        first_trade_id: id of the first fill of the window.
        last_trade_id: id of the last fill.
        opened_at_ms: start of the window.
        closed_at_ms: end of the window.
    """

    open: float
    high: float
    low: float
    last: float
    last_quantity: float
    volume: float
    quote_volume: float
    trades_count: int
    first_trade_id: int
    last_trade_id: int
    opened_at_ms: int
    closed_at_ms: int


class FillPrint(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One public trade as the matching engine made it: fills of one taker order at one price.

    Attributes:
        trade: the normalised record; `sequence` counts prints of a symbol without holes.
        first_fill_id: id of the first single fill contained; fills are counted without holes.
        last_fill_id: id of the last one.
    """

    trade: Trade
    first_fill_id: int
    last_fill_id: int


class CandlesOf(Protocol[CandleT]):
    """`MarketView.candles`, or `MarketView.mark_candles`."""

    def __call__(
        self,
        symbol: str,
        interval: Interval,
        *,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> list[CandleT]:
        """Rows by opening time."""
        ...


class MarketView(Protocol):
    """What a simulated market tells about itself. Symbols are canonical; lists ascend in time.

    Events reach the venue side as core records through `ServerSocket.deliver`: a `Trade` for each
    print, a `BookDelta` for each matching step that changed a book (absolute levels; `sequence`
    is the last update id of the step, `first_sequence` its first, `previous_sequence` the
    `sequence` of the delta before), a `Liquidation` for each forced close, a `MarkPrice` each
    second and symbol, a `FundingRate` at each settlement.
    """

    def now_ms(self) -> int:
        """The simulated venue's clock, ms since the epoch."""
        ...

    @property
    def table(self) -> InstrumentTable:
        """All instruments listed."""
        ...

    def candles(
        self,
        symbol: str,
        interval: Interval,
        *,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> list[Candle]:
        """Candles by opening time; from `start_ms` forward when given, else the newest.

        The forming candle is the last row and not closed. Bounds are inclusive.
        """
        ...

    def mark_candles(
        self,
        symbol: str,
        interval: Interval,
        *,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> list[MarkCandle]:
        """Bars of the mark price by opening time; bounds and the forming one as for `candles`."""
        ...

    def prints(
        self, symbol: str, *, limit: int, first_sequence: int | None = None
    ) -> list[FillPrint]:
        """Prints from `first_sequence` on, or the newest `limit`."""
        ...

    def liquidations(self, *, since_ms: int) -> list[Liquidation]:
        """Forced closes of all symbols from a moment on, of the newest that are kept."""
        ...

    def print_of_fill(self, symbol: str, fill_id: int) -> FillPrint | None:
        """The print that contains this fill, None when it is unknown or forgotten."""
        ...

    def book(self, symbol: str, depth: int) -> BookSnapshot:
        """The book now, best first, with the update id of its last change."""
        ...

    def day_stats(self, symbol: str) -> DayStats:
        """Figures of the last 24 hours."""
        ...

    def mark_price(self, symbol: str) -> MarkPrice:
        """Mark, index, running funding estimate, next settlement."""
        ...

    def open_interest(self, symbol: str) -> OpenInterest:
        """Open interest now, base units and quote value."""
        ...

    def open_interest_history(
        self,
        symbol: str,
        period: Interval,
        *,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> list[OpenInterest]:
        """Open interest at the end of each period; `timestamp_ms` is that end."""
        ...

    def funding_history(
        self,
        symbol: str,
        *,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> list[FundingRate]:
        """Past settlements; from `start_ms` forward when given, else the newest."""
        ...

    def margin_tiers(self, symbol: str) -> tuple[MarginTier, ...]:
        """Margin tiers of a contract, smallest positions first, by notional."""
        ...

    def position(self, symbol: str, trader: int) -> "HeldPosition | None":
        """What a trader holds of a contract: trader N has position N of each symbol, while open."""
        ...


class HeldPosition(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An isolated position that somebody on a simulated market holds.

    Attributes:
        position_side: direction.
        quantity: base units, > 0.
        entry: average entry price, quote currency.
        leverage: entry notional / margin.
        liquidation_price: mark price at which it is closed by force, quote currency; 0 for never.
    """

    position_side: PositionSide
    quantity: float
    entry: float
    leverage: int
    liquidation_price: float


class ServerRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request as the venue's server sees it.

    Attributes:
        method: HTTP method.
        path: percent-decoded absolute path.
        query: decoded pairs in order.
        client: what the venue counts limits by (an IP address).
        body: body bytes.
        headers: names in lower case.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    client: str
    body: bytes = b""
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)


class ServerReply(msgspec.Struct, frozen=True, kw_only=True):
    """What the venue's server answers.

    Attributes:
        status: HTTP status.
        headers: extra headers.
        body: JSON bytes.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


class ServerFrames(msgspec.Struct, frozen=True, kw_only=True):
    """What a server socket wants done.

    Attributes:
        texts: text frames to send, in order.
        ping: payload of a ping frame to send, None for none.
        close_code: close the connection with this code after sending, None to keep it.
        close_reason: text of the close frame.
    """

    texts: tuple[str, ...] = ()
    ping: bytes | None = None
    close_code: int | None = None
    close_reason: str = ""


class ServerSocket(ABC):
    """The venue's end of one WebSocket connection."""

    @abstractmethod
    def receive(self, text: str, now_ms: int) -> ServerFrames:
        """Answers one text frame of the client; enforces the venue's message limits."""

    @abstractmethod
    def receive_pong(self, now_ms: int) -> ServerFrames:
        """Notes a pong (some venues count it against the message limit)."""

    def receive_ping(self, now_ms: int) -> ServerFrames:  # noqa: ARG002 - most venues ignore it
        """Notes a ping, which the server has answered (some venues count it)."""
        return ServerFrames()

    def retire(self, now_ms: int) -> ServerFrames:  # noqa: ARG002 - for venues that announce it
        """The server goes into maintenance: the connection is closed, now or after a notice."""
        return ServerFrames(close_code=1001, close_reason="maintenance")

    def closed(self) -> None:  # noqa: B027 - a venue that shares nothing has nothing to forget
        """Notes that the connection is gone: nothing is delivered any more."""

    @abstractmethod
    def deliver(self, record: Record) -> ServerFrames:
        """Takes note of a market event; returns the frames that must go out at once.

        Channels that the venue throttles are only noted here and sent by `tick`.
        """

    @abstractmethod
    def tick(self, now_ms: int) -> ServerFrames:
        """Called at least every 50 ms: throttled channels, pings, end of a connection's life."""


class VenueSide(ABC):
    """The venue's servers."""

    @abstractmethod
    def answer(self, request: ServerRequest) -> ServerReply:
        """Answers a REST request, counting its weight against the client."""

    @abstractmethod
    def open(self, path: str, query: Sequence[tuple[str, str]], client: str) -> ServerSocket | None:
        """Opens the venue's end of a WebSocket on `path`; None where the venue has no such path."""

    def breaches(self) -> int:
        """How often a client went over one of the venue's limits, since the start."""
        return 0

    def frame_marks(self, channel: Channel, symbol: str) -> tuple[str, ...]:
        """Pieces of text that exactly the data frames of one channel and symbol carry.

        A fault that mutes one channel finds its frames by them: all must occur in the text.

        Args:
            channel: kind of data.
            symbol: canonical.

        Raises:
            NotSupported: this venue's servers cannot be muted.
        """
        raise NotSupported(type(self).__name__, "mute", f"{channel} of {symbol} cannot be told")

    def trouble(self, status: int, client: str, retry_after_s: int | None) -> ServerReply:  # noqa: ARG002
        """What the venue's servers say when they are in trouble or had enough.

        Args:
            status: 418, 429 or a 5xx.
            client: whom it is said to.
            retry_after_s: goes into `Retry-After`, None to leave the header out.
        """
        headers = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}
        return ServerReply(status=status, headers=headers, body=b"{}")
