"""Leases of a stream: all of one venue or none; of all venues what there is; given back once."""

import msgspec
import pytest
from tests.api import fake_source as fake

from headwater.api.stream_leases import StreamLeases
from headwater.api.stream_wishes import StreamWish, understand
from headwater.core.enums import Channel
from headwater.core.errors import NotSupported, RequestError, VenueUnavailable
from headwater.venues.messages import Subscription


def wish_of(sources: dict[str, fake.FakeSource], path: str) -> StreamWish:
    return understand(dict(sources), (), path, "")


def released(source: fake.FakeSource) -> list[int]:
    return [lease.released for lease in source.leases]


def test_everything_is_given_back_once() -> None:
    source = fake.FakeSource()
    leases = StreamLeases(wish_of({"binance": source}, "binance/BTCUSDT/ticker"))
    assert released(source) == [0, 0]
    leases.release()
    leases.release()
    assert released(source) == [1, 1]


def test_when_one_is_refused_none_is_kept() -> None:
    source = fake.FakeSource()
    source.acquire_error = NotSupported("binance", "quotes", "too many streams")
    source.refused_channel = Channel.QUOTES
    with pytest.raises(NotSupported):
        StreamLeases(wish_of({"binance": source}, "binance/BTCUSDT/ticker"))
    assert released(source) == [1]


def test_a_stream_over_all_venues_takes_what_it_gets() -> None:
    sources = {name: fake.FakeSource(name) for name in ("binance", "bybit")}
    sources["binance"].acquire_error = VenueUnavailable("binance", "no")
    leases = StreamLeases(wish_of(sources, "all/liquidations"))
    assert [released(source) for source in sources.values()] == [[], [0]]
    leases.release()
    sources["bybit"].acquire_error = VenueUnavailable("bybit", "no")
    with pytest.raises(VenueUnavailable):
        StreamLeases(wish_of(sources, "all/liquidations"))


class AllAtOnce(fake.FakeSource):
    """A venue that tells of liquidations of its whole market only, as OKX does."""

    def acquire(self, subscription: Subscription) -> fake.FakeLease:
        """A lease, unless it is of one symbol."""
        native = subscription.native_symbol
        if subscription.channel is Channel.LIQUIDATIONS and native is not None:
            raise RequestError("native_symbol", native, "all swaps at once")
        return super().acquire(subscription)


def test_one_symbol_of_a_stream_that_a_venue_has_for_all_at_once() -> None:
    source = AllAtOnce("okx")
    wish = wish_of({"okx": source}, "okx/BTCUSDT/liquidations")
    with pytest.raises(RequestError, match="all swaps at once"):
        StreamLeases(wish)
    whole = frozenset({Channel.LIQUIDATIONS})
    source.take_facts(msgspec.structs.replace(source.facts, whole_market=whole))
    leases = StreamLeases(wish)
    assert [one.subscription.native_symbol for one in source.leases] == [None]
    leases.release()
    assert released(source) == [1]


def test_what_a_venue_does_not_offer_is_refused_all_the_same() -> None:
    source = fake.FakeSource()
    whole = frozenset({Channel.LIQUIDATIONS})
    source.take_facts(msgspec.structs.replace(source.facts, whole_market=whole))
    source.acquire_error = NotSupported("binance", "liquidations", "no")
    with pytest.raises(NotSupported):
        StreamLeases(wish_of({"binance": source}, "binance/BTCUSDT/liquidations"))
    assert source.leases == []
