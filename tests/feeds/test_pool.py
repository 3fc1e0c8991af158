"""One upstream stream however many want it; given up when nobody does."""

import random

import msgspec
import pytest
from tests.feeds.made import quick_backoff, turns

from headwater.bus.memory import MemoryBus
from headwater.core.clock import ManualClock
from headwater.core.enums import Channel
from headwater.core.errors import RequestError
from headwater.core.instruments import InstrumentTable
from headwater.feeds.connection_parts import ConnectionParts
from headwater.feeds.pipeline import Fetchers, MarketPipeline, Surroundings
from headwater.feeds.pool import SubscriptionPool
from headwater.feeds.settings import ConnectionSettings, FeedSettings, SessionSettings
from headwater.feeds.supervisor import Supervisor
from headwater.transport.backoff import FullJitterBackoff
from headwater.transport.pacing import ConnectGate
from headwater.transport.ws import SocketOptions
from headwater.venues.binance.venue import FACTS, BinanceVenue
from headwater.venues.facts import Addresses
from headwater.venues.messages import Subscription

NOWHERE = Addresses(
    rest="http://127.0.0.1:9",
    streams={"public": "ws://127.0.0.1:9/public", "market": "ws://127.0.0.1:9/market"},
)


class Narrow(BinanceVenue):
    """Two streams a connection."""

    facts = msgspec.structs.replace(
        FACTS, stream_limits=msgspec.structs.replace(FACTS.stream_limits, max_streams=2)
    )


async def _none(*_: object) -> list[object]:
    return []


class Rig:
    """A pool whose venue cannot be reached."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        rng = random.Random(1)
        self.supervisor = Supervisor("toy", self.clock, quick_backoff)
        table = InstrumentTable("binance", ())
        pipeline = MarketPipeline(
            Narrow(),
            Surroundings(
                bus=MemoryBus(),
                clock=self.clock,
                rng=rng,
                settings=FeedSettings(),
                table=lambda: table,
                offset_ms=lambda: 0,
                on_quiet=lambda one: None,
            ),
            Fetchers(
                trades_between=_none,  # type: ignore[arg-type]
                trades_newest=_none,  # type: ignore[arg-type]
                book=None,
                candles=None,
            ),
        )
        self.added: list[Subscription] = []
        self.removed: list[Subscription] = []
        self.pool = SubscriptionPool(
            ConnectionParts(
                venue=Narrow(),
                addresses=NOWHERE,
                table=lambda: table,
                clock=self.clock,
                gate=ConnectGate("toy", 100, 1.0, clock=self.clock, rng=rng),
                backoff=FullJitterBackoff(1.0, 2.0, rng),
                supervisor=self.supervisor,
                sink=pipeline,
                tap=None,
                options=SocketOptions(),
                settings=ConnectionSettings(linger_s=10.0, per_endpoint_max=2),
                session_settings=SessionSettings(),
            ),
            self.added.append,
            self.removed.append,
        )


def _trades(symbol: str) -> Subscription:
    return Subscription(channel=Channel.TRADES, native_symbol=symbol)


async def test_leases_are_counted_and_the_stream_lingers() -> None:
    rig = Rig()
    one, two = rig.pool.acquire(_trades("A")), rig.pool.acquire(_trades("A"))
    assert rig.added == [_trades("A")]
    assert rig.pool.leases(_trades("A")) == 2
    one.release()
    one.release()
    assert rig.pool.leases(_trades("A")) == 1
    two.release()
    rig.clock.advance(9.0)
    rig.pool.sweep()
    assert rig.removed == []
    three = rig.pool.acquire(_trades("A"))
    rig.clock.advance(20.0)
    rig.pool.sweep()
    assert rig.pool.subscriptions == [_trades("A")], "held again in time"
    three.release()
    rig.clock.advance(10.0)
    rig.pool.sweep()
    assert rig.removed == [_trades("A")]
    assert rig.pool.age_s(_trades("A")) is None
    await turns()
    assert rig.supervisor.tasks == [], "an empty connection is closed"
    await rig.supervisor.stop()


async def test_streams_fill_connections_and_the_bound_is_kept() -> None:
    rig = Rig()
    for symbol in "ABCD":
        rig.pool.acquire(_trades(symbol))
    rig.pool.acquire(Subscription(channel=Channel.BOOK, native_symbol="A"))
    assert sorted(task.name for task in rig.supervisor.tasks) == [
        "toy/market-1",
        "toy/market-2",
        "toy/public-3",
    ]
    with pytest.raises(RequestError, match="at most 4 streams"):
        rig.pool.acquire(_trades("E"))
    assert rig.pool.open_connections == 0
    assert (rig.pool.frames, rig.pool.reconnects, rig.pool.rotations) == (0, 0, 0)
    await rig.supervisor.stop()
