"""The venue as one object: facts, addresses and the parts it hands out."""

import pytest

from headwater.core.enums import Channel
from headwater.core.errors import VenueRejected
from headwater.core.http_messages import HttpReply
from headwater.core.instruments import InstrumentTable
from headwater.core.intervals import Interval
from headwater.venues.binance import VENUE
from headwater.venues.binance.book import BinanceBookRule
from headwater.venues.binance.market_rest import BinanceMarketRest
from headwater.venues.binance.market_stream import BinanceStream
from headwater.venues.binance.recordings import BinanceTapeReader
from headwater.venues.discovery import venues

NO_TABLE = InstrumentTable("binance", ())


def test_it_is_found_by_its_folder() -> None:
    assert venues()["binance"] is VENUE


def test_book_and_quotes_are_public_and_everything_else_is_market() -> None:
    """The split of 2026: the wrong path stays silent."""
    channels = [channel for channel, one in VENUE.facts.channels.items() if one.available]
    endpoints = {channel: VENUE.endpoint_of(channel) for channel in channels}
    public = {channel for channel, endpoint in endpoints.items() if endpoint == "public"}
    assert public == {Channel.BOOK, Channel.QUOTES}
    assert set(endpoints.values()) == {"public", "market"}


def test_stream_urls() -> None:
    live = VENUE.facts.environments["live"]
    assert VENUE.stream_url(live, "public") == "wss://fstream.binance.com/public/stream"
    assert VENUE.stream_url(live, "market") == "wss://fstream.binance.com/market/stream"
    assert "testnet" in VENUE.facts.environments


def test_facts_hold_what_the_venue_documents() -> None:
    facts = VENUE.facts
    limits = facts.stream_limits
    assert {pool.name: (pool.capacity, pool.window_s) for pool in facts.pools} == {
        "ip": (2400, 60),
        "funding": (500, 300),
        "open_interest_history": (1000, 300),
    }
    assert limits.max_age_s == 86_400
    assert limits.max_streams == 1024
    assert limits.messages_per_s < 10
    assert limits.quiet_limit_s > 180
    assert set(Interval) - set(facts.intervals) == {Interval.D2, Interval.MONTH3}
    assert set(facts.channels) == set(Channel)
    assert all(one.source if one.available else one.note for one in facts.channels.values())
    assert list(facts.book_depths) == sorted(facts.book_depths)


def test_a_silent_channel_is_found_within_ten_seconds() -> None:
    limits = VENUE.facts.stale_after_s
    assert all(limit < 10 for limit in limits.values())
    assert Channel.LIQUIDATIONS not in limits


@pytest.mark.parametrize("endpoint", ["public", "market"])
def test_each_connection_has_its_own_conversation(endpoint: str) -> None:
    first, second = VENUE.stream(endpoint, NO_TABLE), VENUE.stream(endpoint, NO_TABLE)
    assert isinstance(first, BinanceStream)
    assert first is not second


def test_the_other_parts() -> None:
    assert isinstance(VENUE.rest(NO_TABLE), BinanceMarketRest)
    assert isinstance(VENUE.book_rule(), BinanceBookRule)
    assert isinstance(VENUE.tape_reader(NO_TABLE), BinanceTapeReader)


def test_replies_are_judged() -> None:
    answer = HttpReply(
        status=400,
        headers={"x-mbx-used-weight-1m": "3"},
        body=b'{"code":-1121,"msg":"Invalid symbol."}',
        received_ns=1,
    )
    assert isinstance(VENUE.error_of(answer), VenueRejected)
    assert VENUE.used_weights(answer) == {"ip": 3}
