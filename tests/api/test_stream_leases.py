"""Leases of a stream: all of one venue or none; of all venues what there is; given back once."""

import pytest
from tests.api import fake_source as fake

from headwater.api.stream_leases import StreamLeases
from headwater.api.stream_wishes import StreamWish, understand
from headwater.core.enums import Channel
from headwater.core.errors import NotSupported, VenueUnavailable


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
