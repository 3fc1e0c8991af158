"""Which venues are chosen and where they are reached."""

import pytest

from headwater.app.settings import Settings, load
from headwater.app.venues import addresses_of, chosen_venues
from headwater.core.errors import ConfigError
from headwater.venues.discovery import venue

_LOCAL = {"rest": "http://127.0.0.1:1/", "streams": {"public": "ws://127.0.0.1:1/public"}}


def _settings(**options: object) -> Settings:
    return load(options=options, environ={})


def test_every_venue_by_default_and_the_named_ones_else() -> None:
    assert "binance" in [chosen.facts.venue_id for chosen in chosen_venues(_settings())]
    named = chosen_venues(_settings(venues="binance"))
    assert [chosen.facts.venue_id for chosen in named] == ["binance"]
    with pytest.raises(ConfigError, match="mtgox"):
        chosen_venues(_settings(venues="mtgox"))


def test_live_addresses_are_the_routed_ones() -> None:
    addresses = addresses_of(venue("binance"), _settings())
    assert addresses.streams["market"].endswith("/market")
    assert addresses.rest.startswith("https://")


def test_own_addresses_replace_all_or_are_refused() -> None:
    complete = {**_LOCAL, "streams": {"public": "ws://a", "market": "ws://b"}}
    chosen = addresses_of(venue("binance"), _settings(venue_addresses={"binance": complete}))
    assert chosen.rest == "http://127.0.0.1:1"
    with pytest.raises(ConfigError, match="lacks market"):
        addresses_of(venue("binance"), _settings(venue_addresses={"binance": _LOCAL}))
    with pytest.raises(ConfigError, match="nowhere"):
        addresses_of(venue("binance"), _settings(venue_environment="nowhere"))
    with pytest.raises(ConfigError, match="mtgox"):
        chosen_venues(_settings(venue_addresses={"mtgox": complete}))


def test_exchanges_of_ccxt_join_the_venues() -> None:
    """Only when they are named; one with a folder of its own is refused."""
    pytest.importorskip("ccxt", reason="the bridge is an optional extra")
    chosen = chosen_venues(Settings(venues=("binance",), ccxt_exchanges=("krakenfutures",)))
    assert [one.facts.venue_id for one in chosen] == ["binance", "krakenfutures"]
    with pytest.raises(ConfigError, match="ccxt_exchanges: 'binance' is a venue of ours"):
        chosen_venues(Settings(ccxt_exchanges=("binance",)))
