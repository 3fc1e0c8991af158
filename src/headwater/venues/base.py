"""The contract of a venue: what generic code may ask of an exchange, and nothing else.

A venue is facts (`VenueFacts`), REST calls (`MarketRest`: request builders and reply parsers as
generators), a stream object per connection (`MarketStream`: frames in, events out) and a rule for
its book (`BookRule`). All of it is plain code: the transport package brings bytes and time.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol, TypeAlias

from headwater.core.enums import Channel
from headwater.core.errors import NotSupported, VenueError
from headwater.core.http_messages import HttpReply
from headwater.core.instruments import Instrument, InstrumentTable
from headwater.core.intervals import Interval
from headwater.core.margin_tiers import MarginTiers
from headwater.core.records import (
    BookDelta,
    BookSnapshot,
    Candle,
    FundingRate,
    MarkCandle,
    MarkPrice,
    OpenInterest,
    PredictedFunding,
    Ticker,
    Trade,
)
from headwater.core.wallet_positions import WalletPosition
from headwater.venues.facts import Addresses, VenueFacts
from headwater.venues.messages import (
    RestCall,
    StreamEvent,
    StreamRequest,
    Subscription,
    TapeEvents,
    Verdict,
)
from headwater.venues.side import MarketView, VenueSide

Taker: TypeAlias = Callable[[Trade], None]
"""Takes the trades of one symbol."""


class TradeTopic(Protocol):
    """What a stream knows of a topic of trades.

    Attributes:
        symbol: canonical symbol.
        take: what takes its trades, None where they are returned.
    """

    symbol: str
    take: Taker | None


class MarketStream(ABC):
    """One connection's conversation: subscribe messages out, frames in, events out.

    Keeps its state in the instance. Never raises anything but `WireError` from `feed`.

    Attributes:
        taker_of: canonical symbol → what takes its trades, None while nobody does. When it is
            set, `feed` may hand a trade to its taker itself instead of returning it, in the
            venue's order: the short way of the busiest message (docs/adr/0010).
    """

    taker_of: Callable[[str], Taker | None] | None = None

    def _returned(self, topic: TradeTopic, trade: Trade) -> tuple[Trade]:
        """A trade whose topic has no taker: returned, and the next one may have one."""
        if self.taker_of is not None:
            topic.take = self.taker_of(topic.symbol)
        return (trade,)

    @abstractmethod
    def subscribe(self, subscriptions: Iterable[Subscription]) -> list[StreamRequest]:
        """Messages that ask for `subscriptions`, split by the venue's limits; registers them."""

    @abstractmethod
    def unsubscribe(self, subscriptions: Iterable[Subscription]) -> list[StreamRequest]:
        """Messages that give `subscriptions` up; forgets them."""

    def renew(self, subscriptions: Iterable[Subscription]) -> list[StreamRequest]:
        """Messages that give registered `subscriptions` up and ask for them again at once.

        For a silent channel, and for a book whose image the stream must send anew. Where several
        subscriptions share one of the venue's topics, the topic is renewed whoever else uses it
        (`unsubscribe` keeps it until its last user is gone); override this there.
        """
        wanted = tuple(subscriptions)
        return [*self.unsubscribe(wanted), *self.subscribe(wanted)]

    @abstractmethod
    def heartbeat(self) -> str | None:
        """The text to send every `heartbeat_s`, None where the venue wants none."""

    @abstractmethod
    def feed(self, frame: bytes, received_ns: int) -> Sequence[StreamEvent]:
        """Turns one text frame into events.

        Args:
            frame: the payload, UTF-8 JSON.
            received_ns: wall time of its arrival, ns since the epoch.

        Returns:
            Records, acknowledgements, notices and skipped messages in the venue's order; may be
            empty.

        Raises:
            WireError: the frame does not mean what the documents say; the connection may go on.
        """

    @abstractmethod
    def last_data_ns(self, subscription: Subscription) -> int | None:
        """`received_ns` of the last data of a registered subscription, None before the first."""


class BookRule(ABC):
    """One symbol's sequence rule. A gap is a returned value."""

    @abstractmethod
    def on_snapshot(self, snapshot: BookSnapshot) -> None:
        """Starts again from `snapshot`."""

    @abstractmethod
    def on_delta(self, delta: BookDelta) -> Verdict:
        """Says whether `delta` continues the book; on ACCEPT it becomes the last one applied."""


class MarketRest(ABC):
    """Market data by REST. Every method is a `RestCall`; lists ascend in time.

    All raise `WireError` for replies that cannot be read. `limit` is cut to the venue's maximum
    by nobody: the caller asks within `VenueFacts`, or pages.
    """

    @abstractmethod
    def server_time_ms(self) -> RestCall[int]:
        """The venue's clock, ms since the epoch; also the health probe."""

    @abstractmethod
    def instruments(self) -> RestCall[list[Instrument]]:
        """All contracts the venue lists in this market."""

    @abstractmethod
    def candles(
        self,
        instrument: Instrument,
        interval: Interval,
        *,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
        now_ms: int,
    ) -> RestCall[list[Candle]]:
        """Up to `limit` candles, paged if need be; the newest when no start is given.

        Args:
            instrument: of which.
            interval: length.
            limit: most rows, ≥ 1; more than one page holds gives several requests.
            start_ms: earliest opening time, inclusive.
            end_ms: latest opening time, inclusive.
            now_ms: wall time, to tell the forming candle from closed ones.
        """

    @abstractmethod
    def trades(self, instrument: Instrument, *, limit: int) -> RestCall[list[Trade]]:
        """The newest `limit` trades, with the ids of the live channel.

        Where that gathers fills under the id of the last one, each fill may be listed by itself.
        """

    @abstractmethod
    def trades_between(
        self, instrument: Instrument, first_sequence: int, last_sequence: int
    ) -> RestCall[list[Trade]]:
        """Every trade from `first_sequence` to `last_sequence`, both included, by id, paged."""

    @abstractmethod
    def book(self, instrument: Instrument, *, depth: int) -> RestCall[BookSnapshot]:
        """The book, at least `depth` levels a side where the venue gives so many."""

    @abstractmethod
    def tickers(self, instrument: Instrument | None = None) -> RestCall[list[Ticker]]:
        """24-hour figures of one instrument or of all."""

    @abstractmethod
    def mark_prices(self, instrument: Instrument | None = None) -> RestCall[list[MarkPrice]]:
        """Mark price, index price and coming funding of one instrument or of all."""

    @abstractmethod
    def open_interest(self, instrument: Instrument) -> RestCall[OpenInterest]:
        """Open interest now, with its USD value where the venue's data allow it."""

    @abstractmethod
    def open_interest_history(
        self,
        instrument: Instrument,
        period: Interval,
        *,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> RestCall[list[OpenInterest]]:
        """Open interest at the end of each period."""

    @abstractmethod
    def funding_rate(self, instrument: Instrument) -> RestCall[FundingRate]:
        """The running estimate for the coming settlement."""

    @abstractmethod
    def funding_history(
        self,
        instrument: Instrument,
        *,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> RestCall[list[FundingRate]]:
        """Past settlements, the newest `limit` when no start is given."""

    def predicted_funding(self) -> RestCall[list[PredictedFunding]]:
        """What the venue expects the coming funding to be, on itself and on other venues.

        Raises:
            NotSupported: the venue publishes no such table.
        """
        raise NotSupported(type(self).__name__, "predicted_funding", "there is no such table")

    def mark_candles(
        self,
        instrument: Instrument,
        interval: Interval,
        *,
        limit: int,
        start_ms: int | None = None,
        end_ms: int | None = None,
        now_ms: int,
    ) -> RestCall[list[MarkCandle]]:
        """Up to `limit` bars of the mark price; everything is meant as for `candles`.

        Raises:
            NotSupported: the venue tells no past mark prices, or not by this interval.
        """
        del limit, start_ms, end_ms, now_ms
        reason = f"past mark prices of {instrument.native_symbol} by {interval} are not read"
        raise NotSupported(type(self).__name__, "mark_candles", reason)

    def margin_tiers(self, instrument: Instrument) -> RestCall[MarginTiers]:
        """What the venue demands of positions in one contract, by their size.

        Raises:
            NotSupported: the venue publishes no tiers, or not of this contract.
        """
        reason = f"the tiers of {instrument.native_symbol} are not read"
        raise NotSupported(type(self).__name__, "margin_tiers", reason)

    def wallet_positions(self, address: str) -> RestCall[list[WalletPosition]]:
        """Open positions of a public address, in all contracts of the venue.

        Args:
            address: `0x` and 40 hexadecimal digits.

        Raises:
            NotSupported: the venue shows nobody's positions.
        """
        reason = f"the positions of {address} are not public"
        raise NotSupported(type(self).__name__, "wallet_positions", reason)


class TapeReader(ABC):
    """Reads a recording: stream messages of any connection and REST replies, in their order."""

    @abstractmethod
    def read(
        self,
        payload: bytes,
        received_ns: int,
        *,
        url: str | None = None,
        channel: str | None = None,
    ) -> TapeEvents:
        """Reads one recorded message.

        Args:
            payload: its bytes, UTF-8 JSON.
            received_ns: wall time of its arrival, ns since the epoch.
            url: of the connection or the request, where the recording has it.
            channel: what to read it as (an endpoint's path or short name, `rest_klines`), when
                neither URL nor content tells.

        Returns:
            At least one event; what says nothing is `Ignored` with the reason.

        Raises:
            WireError: the bytes do not mean what the documents say.
        """


class Venue(ABC):
    """One exchange. A venue's folder names its instance `VENUE`."""

    facts: VenueFacts

    @abstractmethod
    def rest(self, table: InstrumentTable) -> MarketRest:
        """REST calls; `table` names the instruments in replies that carry native symbols."""

    @abstractmethod
    def stream(self, endpoint: str, table: InstrumentTable) -> MarketStream:
        """A new conversation for one connection to `endpoint`."""

    def tape_reader(self, table: InstrumentTable) -> TapeReader:  # noqa: ARG002 - for others
        """Reads recordings of this venue; `table` may be empty.

        Raises:
            NotSupported: the venue's folder has no reader.
        """
        raise NotSupported(self.facts.venue_id, "recordings", "this venue reads none")

    def listed(self, instrument: Instrument) -> Instrument:
        """How the venue lists a linear USDT perpetual that a simulated market trades.

        Sets what differs by venue: native symbol, quote and settle asset, contract size. Steps in
        base units stay, so that one market fits all venues.
        """
        return instrument

    @abstractmethod
    def endpoint_of(self, channel: Channel) -> str:
        """Name of the WebSocket endpoint that serves `channel`."""

    @abstractmethod
    def stream_url(self, addresses: Addresses, endpoint: str) -> str:
        """Full URL to open for `endpoint`."""

    @abstractmethod
    def book_rule(self) -> BookRule:
        """A fresh sequence rule for one symbol."""

    @abstractmethod
    def error_of(self, reply: HttpReply) -> VenueError | None:
        """The error a reply stands for, None when it is a success."""

    @abstractmethod
    def used_weights(self, reply: HttpReply) -> Mapping[str, int]:
        """What the venue says is used of each pool's current window; empty when it is silent."""

    @abstractmethod
    def venue_side(self, market: MarketView) -> VenueSide:
        """The venue's end of the same protocol, presenting `market`: what its servers do."""
