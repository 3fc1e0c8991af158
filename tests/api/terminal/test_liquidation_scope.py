"""Whose liquidations are meant: venues, spellings, and what is held for them."""

import msgspec
import pytest
from tests.api.fake_source import FakeSource

from headwater.api.lookup import UnknownExchange
from headwater.api.terminal.liquidation_scope import SymbolNumbers, read_scope
from headwater.bus.topics import TopicFilter
from headwater.core.enums import Channel
from headwater.core.errors import NotSupported, UnknownSymbol, VenueUnavailable
from headwater.core.records import Liquidation
from headwater.venues.facts import Support

DAY_MS = 86_400_000


def sources(*venues: str) -> dict[str, FakeSource]:
    return {name: FakeSource(name) for name in venues}


def withdraw(source: FakeSource) -> None:
    """The venue tells of no liquidations any more."""
    channels = {**source.facts.channels, Channel.LIQUIDATIONS: Support(available=False, note="no")}
    source.take_facts(msgspec.structs.replace(source.facts, channels=channels))


@pytest.mark.parametrize("spelling", ["BTCUSDT", "btc-usdt", "BTC/USDT:USDT", "BTC"])
def test_one_venue_by_any_spelling(spelling: str) -> None:
    scope = read_scope(sources("binance", "bybit"), "ByBit", spelling)
    assert (scope.exchange, scope.symbol, scope.name) == ("bybit", "BTCUSDT", "bybit:BTCUSDT")
    assert scope.filters == (TopicFilter(Liquidation, "bybit", "BTCUSDT"),)
    ((source, subscription),) = scope.subscriptions()
    assert (source.facts.venue_id, subscription.native_symbol) == ("bybit", "BTCUSDT")
    wanted = scope.wanted(5, 10)
    assert (wanted.exchanges, wanted.start_ms, wanted.end_ms) == (
        frozenset({"bybit"}),
        5,
        10 + DAY_MS,
    )


def test_all_venues_that_tell_and_list_it() -> None:
    """OKX tells none, Hyperliquid does not list it, Bybit has not told its list yet."""
    venues = sources("binance", "bybit", "okx", "hyperliquid")
    withdraw(venues["okx"])
    venues["hyperliquid"].list_symbols("ETHUSDT")
    venues["bybit"].forget_instruments()
    scope = read_scope(venues, "all", "btcusdt")
    assert (scope.exchange, scope.filters[0].exchange) == ("all", None)
    assert scope.wanted(0, 1).exchanges is None
    held = [(one.facts.venue_id, what.native_symbol) for one, what in scope.subscriptions()]
    assert held == [("binance", "BTCUSDT"), ("bybit", None)]


def test_nobody_tells() -> None:
    venues = sources("okx")
    withdraw(venues["okx"])
    with pytest.raises(NotSupported, match="no connected venue"):
        list(read_scope(venues, "all", "BTCUSDT").subscriptions())


def test_what_cannot_be_meant() -> None:
    venues = sources("binance")
    for exchange in ("binance", "all"):
        with pytest.raises(UnknownSymbol):
            read_scope(venues, exchange, "NOPEUSDT")
    with pytest.raises(UnknownExchange, match="one of binance, all"):
        read_scope(venues, "ftx", "BTCUSDT")
    with pytest.raises(UnknownExchange):
        read_scope({}, "all", "BTCUSDT")
    venues["binance"].forget_instruments()
    with pytest.raises(VenueUnavailable):
        read_scope(venues, "all", "BTCUSDT")


def test_an_external_service_has_the_numbers_of_a_venue_that_lists_it() -> None:
    numbers = SymbolNumbers(read_scope(sources("binance"), "all", "BTCUSDT"))
    assert numbers.of("external") == numbers.of("binance")
    form, base = numbers.of("external")
    assert (form.price_places, form.amount_places, base) == (1, 3, "BTC")
