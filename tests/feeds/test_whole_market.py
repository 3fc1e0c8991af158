"""One hold on a whole market, where the venue has only streams per symbol."""

from collections.abc import Callable

import msgspec
from tests.feeds.made import instrument

from headwater.core.enums import Channel, InstrumentStatus
from headwater.core.errors import RequestError
from headwater.core.instruments import Instrument, InstrumentTable
from headwater.feeds.whole_market import WholeMarket
from headwater.venues.messages import Subscription


class CountingLease:
    """A hold that tells when it is given up."""

    def __init__(self, release: Callable[[], None]) -> None:
        self.release = release


class CountingPool:
    """Holds by symbol; refuses beyond its room."""

    def __init__(self, room: int = 99) -> None:
        self.held: list[str] = []
        self._room = room

    def acquire(self, subscription: Subscription) -> CountingLease:
        """Holds one stream."""
        native = subscription.native_symbol
        assert native is not None
        assert subscription.channel is Channel.LIQUIDATIONS
        if len(self.held) >= self._room:
            raise RequestError("subscription", native, f"at most {self._room}")
        self.held.append(native)
        return CountingLease(lambda: self.held.remove(native))


class Stage:
    """A market whose list changes."""

    def __init__(self, *symbols: str, room: int = 99, most: int = 99) -> None:
        self.pool = CountingPool(room)
        self.instruments: list[Instrument] = [instrument(one) for one in symbols]
        self.market = WholeMarket(self.pool, self.table, most)  # type: ignore[arg-type]

    def table(self) -> InstrumentTable:
        """What is listed now."""
        return InstrumentTable("venue", self.instruments)

    def follow(self) -> None:
        """The list is looked at again."""
        for channel, bundle in self.market._bundles.items():
            self.market._follow(channel, bundle)


def test_every_trading_symbol_is_held_once_however_many_ask() -> None:
    stage = Stage("AAAUSDT", "BBBUSDT")
    first, second = (stage.market.acquire(Channel.LIQUIDATIONS) for _ in range(2))
    assert stage.pool.held == ["AAAUSDT", "BBBUSDT"]
    assert stage.market.members(Channel.LIQUIDATIONS) == 2
    first.release()
    first.release()
    assert len(stage.pool.held) == 2
    second.release()
    assert stage.pool.held == []
    assert stage.market.members(Channel.LIQUIDATIONS) == 0


def test_the_list_is_followed() -> None:
    """What is new joins, what is gone or halted leaves."""
    stage = Stage("AAAUSDT", "BBBUSDT")
    stage.market.acquire(Channel.LIQUIDATIONS)
    halted = msgspec.structs.replace(instrument("BBBUSDT"), status=InstrumentStatus.HALTED)
    stage.instruments = [instrument("AAAUSDT"), halted, instrument("CCCUSDT")]
    stage.follow()
    assert sorted(stage.pool.held) == ["AAAUSDT", "CCCUSDT"]


def test_bounds_leave_symbols_out_and_go_on() -> None:
    stage = Stage("AAAUSDT", "BBBUSDT", "CCCUSDT", most=2)
    stage.market.acquire(Channel.LIQUIDATIONS)
    assert stage.pool.held == ["AAAUSDT", "BBBUSDT"]
    crowded = Stage("AAAUSDT", "BBBUSDT", room=1)
    crowded.market.acquire(Channel.LIQUIDATIONS)
    assert crowded.pool.held == ["AAAUSDT"]
