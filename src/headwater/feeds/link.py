"""One open socket with its conversation: frames in, events straight to their handlers.

The hot path of the platform: parse, one dictionary look-up per event, one call. A link may begin
as a shadow beside the connection it will replace: its events are kept (bounded) until `promote`
hands them over, so that two connections never race and nothing is missed between them; what came
twice is recognised downstream by id or sequence.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol, TypeAlias

from headwater.core.errors import WireError
from headwater.core.instruments import InstrumentTable
from headwater.core.records import (
    BookDelta,
    BookSnapshot,
    Candle,
    FundingRate,
    Liquidation,
    MarkPrice,
    OpenInterest,
    Ticker,
    Trade,
)
from headwater.transport.ws import CloseInfo, Socket, SocketClosed
from headwater.venues.base import MarketStream, Taker
from headwater.venues.messages import (
    Ack,
    Closing,
    Ignored,
    Past,
    StreamEvent,
    Subscription,
    TradeRun,
)

Handler: TypeAlias = Callable[[Any], None]
"""Takes one event of the class it is registered for."""

Handlers: TypeAlias = Mapping[type, Handler]
"""Handler by class of event; every class a venue's stream may give is in it."""

STREAM_CLASSES: Final[tuple[type, ...]] = (
    Trade,
    BookDelta,
    BookSnapshot,
    Candle,
    Liquidation,
    Ticker,
    MarkPrice,
    FundingRate,
    OpenInterest,
    Past,
)
"""Classes of records a stream may give. Sinks have a handler for each."""

_KEPT_IN_SHADOW: Final = (Trade, BookDelta, BookSnapshot, Candle, Liquidation, Past)


class FrameTap(Protocol):
    """Hears every frame, for the tape."""

    def on_frame(self, url: str, frame: bytes, received_ns: int) -> None:
        """Takes a frame; must return at once."""
        ...


def drop(event: object) -> None:
    """A handler that wants nothing."""


def _unheard(frame: bytes, received_ns: int) -> Sequence[StreamEvent]:  # noqa: ARG001
    """What a link that was ended makes of frames that still come."""
    return ()


class Link:
    """Listener of one socket.

    Args:
        url: what is connected to, for the tape.
        stream: parses frames.
        table: the instruments `stream` knows.
        handlers: take the records.
        on_wire_error: takes frames that cannot be read; the connection goes on.
        wake: called when the socket ended or will end, when an acknowledgement came, or when a
            shadow has kept as much as it may.
        tap: hears frames, None for nobody.
        shadow_max: events kept while a shadow; None for a link that is none.
        taker_of: what takes the trades of a symbol, for a parser that hands them over itself.

    Attributes:
        ends_because: why the venue will close the connection soon; empty while it will not.
    """

    def __init__(
        self,
        url: str,
        stream: MarketStream,
        table: InstrumentTable,
        handlers: Handlers,
        on_wire_error: Callable[[WireError], None],
        wake: Callable[[], None],
        tap: FrameTap | None = None,
        shadow_max: int | None = None,
        taker_of: Callable[[str], Taker | None] | None = None,
    ) -> None:
        self.url = url
        self.stream = stream
        self.table = table
        self.socket: Socket | None = None
        self.closed: CloseInfo | None = None
        self.frames = 0
        self.controls = 0
        self.acks: list[Ack] = []
        self.ignored = 0
        self.ends_because = ""
        self._feed = stream.feed
        self._on_wire_error = on_wire_error
        self._wake = wake
        self._tap = tap
        self._shadow_max = shadow_max
        self._kept: list[StreamEvent] = []
        self._untaped: list[tuple[bytes, int]] = []
        own: dict[type, Handler] = {
            Ack: self._on_ack,
            Ignored: self._on_ignored,
            Closing: self._on_closing,
        }
        self._promoted: dict[type, Handler] = {TradeRun: self._one_by_one, **handlers, **own}
        self._handlers = self._promoted
        self._taker_of = taker_of
        if shadow_max is None:
            stream.taker_of = taker_of
        else:
            shadow: dict[type, Handler] = dict.fromkeys(self._promoted, drop)
            shadow.update(dict.fromkeys(_KEPT_IN_SHADOW, self._keep))
            shadow[TradeRun] = self._one_by_one
            self._handlers = {**shadow, **own}

    def on_frame(self, frame: bytes, received_ns: int) -> None:
        """One complete message."""
        self.frames += 1
        if self._tap is not None:
            self._tape(frame, received_ns)
        feed = self._feed
        try:
            events = feed(frame, received_ns)
        except WireError as error:
            self._on_wire_error(error)
            return
        if events:
            handlers = self._handlers
            if events.__class__ is TradeRun:
                handlers[TradeRun](events)
            else:
                for event in events:
                    handlers[event.__class__](event)

    def on_control(self, received_ns: int) -> None:  # noqa: ARG002 - part of the contract
        """A ping or pong: a sign of life, no data."""
        self.controls += 1

    def on_close(self, info: CloseInfo) -> None:
        """The socket is gone."""
        if self.closed is None:
            self.closed = info
        self._wake()

    @property
    def is_open(self) -> bool:
        """Whether messages may be sent."""
        return self.closed is None and self.socket is not None and self.socket.is_open

    def send(self, text: str) -> None:
        """Sends one text frame.

        Raises:
            SocketClosed: the connection is not open.
        """
        if self.socket is None:
            raise SocketClosed("the connection is not open yet")
        self.socket.send(text)

    def abandon(self, reason: str) -> None:
        """Ends the link from our side: nothing more is heard of it."""
        if self.closed is None:
            self.closed = CloseInfo(code=None, reason=reason, clean=True)
        self._feed = _unheard
        if self.socket is not None:
            self.socket.close()

    def knows(self, subscription: Subscription) -> bool:
        """Whether the parser knows the instrument of a subscription."""
        native_symbol = subscription.native_symbol
        return native_symbol is None or self.table.by_native(native_symbol) is not None

    @property
    def signs(self) -> int:
        """Frames of any kind so far."""
        return self.frames + self.controls

    @property
    def is_full(self) -> bool:
        """Whether a shadow has kept as much as it may."""
        return self._shadow_max is not None and len(self._kept) >= self._shadow_max

    def take_acks(self) -> Sequence[Ack]:
        """Takes the acknowledgements that came since the last call."""
        acks, self.acks = self.acks, []
        return acks

    def promote(self) -> int:
        """Ends being a shadow: hands over what was kept, then every event as it comes.

        Returns:
            Events handed over.
        """
        kept, self._kept = self._kept, []
        untaped, self._untaped = self._untaped, []
        self._shadow_max = None
        for frame, received_ns in untaped:
            self._tape(frame, received_ns)
        handlers = self._handlers = self._promoted
        for event in kept:
            handlers[event.__class__](event)
        self.stream.taker_of = self._taker_of
        return len(kept)

    def _tape(self, frame: bytes, received_ns: int) -> None:
        """Records a frame; a shadow's only when it takes over, in the order it is used in."""
        if self._shadow_max is not None:
            self._untaped.append((frame, received_ns))
        elif self._tap is not None:
            self._tap.on_frame(self.url, frame, received_ns)

    def _keep(self, event: StreamEvent) -> None:
        self._kept.append(event)
        if self.is_full:
            self._wake()

    def _one_by_one(self, trades: TradeRun) -> None:
        """A run where nobody takes runs."""
        take = self._handlers[Trade]
        for trade in trades:
            take(trade)

    def _on_ack(self, ack: Ack) -> None:
        self.acks.append(ack)
        self._wake()

    def _on_closing(self, event: Closing) -> None:
        self.ends_because = event.reason
        self._wake()

    def _on_ignored(self, event: Ignored) -> None:  # noqa: ARG002 - only counted
        self.ignored += 1
