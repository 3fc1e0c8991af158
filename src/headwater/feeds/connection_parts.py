"""What a connection is given and whom it tells: shared by all connections of a venue."""

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import msgspec

from headwater.core.clock import Clock
from headwater.core.enums import FeedState, GapCause
from headwater.core.errors import WireError
from headwater.core.instruments import InstrumentTable
from headwater.feeds.link import FrameTap, Handlers
from headwater.feeds.settings import ConnectionSettings, SessionSettings
from headwater.feeds.supervisor import Supervisor
from headwater.transport.backoff import FullJitterBackoff
from headwater.transport.pacing import ConnectGate
from headwater.transport.ws import SocketOptions
from headwater.venues.base import Taker, Venue
from headwater.venues.facts import Addresses
from headwater.venues.messages import Subscription


class ConnectionSink(Protocol):
    """What a connection tells its feed."""

    @property
    def handlers(self) -> Handlers:
        """Handler of each class of record."""
        ...

    def taker_of(self, symbol: str) -> Taker | None:
        """What takes the trades of a canonical symbol, None before the first."""
        ...

    def on_change(self, subscription: Subscription, state: FeedState, reason: str) -> None:
        """A subscription changed its state."""
        ...

    def on_confirmed(self, subscriptions: Iterable[Subscription]) -> None:
        """The venue acknowledged subscriptions."""
        ...

    def on_interrupted(
        self,
        subscriptions: Sequence[Subscription],
        cause: GapCause,
        reason: str,
        last_data_ns: int | None = None,
    ) -> None:
        """These streams ended or were in doubt: records may be missing from now on.

        Args:
            subscriptions: which streams.
            cause: for the ledger.
            reason: in words.
            last_data_ns: when the connection last brought anything; None when that is now.
        """
        ...

    def on_connection(self, endpoint: str, state: FeedState, reason: str) -> None:
        """A whole connection changed its state."""
        ...

    def on_wire_error(self, error: WireError) -> None:
        """A frame could not be read."""
        ...


class ConnectionParts(msgspec.Struct, frozen=True, kw_only=True):
    """What all connections of a venue share.

    Attributes:
        venue: makes streams and addresses.
        addresses: where the venue is.
        table: the instruments known now.
        clock: measures ages.
        gate: spaces new connections.
        backoff: delays after lost connections, per venue.
        supervisor: owns the tasks.
        sink: hears everything.
        tap: hears frames, None for nobody.
        options: bounds of sockets.
        settings: keeping of connections.
        session_settings: watching of connections.
    """

    venue: Venue
    addresses: Addresses
    table: Callable[[], InstrumentTable]
    clock: Clock
    gate: ConnectGate
    backoff: FullJitterBackoff
    supervisor: Supervisor
    sink: ConnectionSink
    tap: FrameTap | None
    options: SocketOptions
    settings: ConnectionSettings
    session_settings: SessionSettings
