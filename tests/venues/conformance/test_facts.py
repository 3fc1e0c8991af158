"""Facts are complete and agree with what the folder does."""

from pathlib import Path

import pytest
from tests.venues.conformance.loopback import Loopback, http_reply

import headwater.venues
from headwater.core.enums import Channel, FeedCompleteness
from headwater.core.errors import RateLimited, VenueError, VenueUnavailable
from headwater.core.instruments import canonical_spelling
from headwater.venues.base import Venue
from headwater.venues.facts import BookSource

CAPABILITIES = {
    "ohlc", "trades", "order_book", "tickers", "mark_prices", "open_interest",
    "open_interest_history", "funding_rate", "funding_history", "mark_candles", "margin_tiers",
}  # fmt: skip
WATCHED = {Channel.TRADES, Channel.CANDLES, Channel.BOOK, Channel.TICKERS, Channel.MARK_PRICES}


def test_every_channel_and_capability_is_declared_with_source_or_reason(venue: Venue) -> None:
    facts = venue.facts
    assert set(facts.channels) == set(Channel)
    assert set(facts.capabilities) >= CAPABILITIES
    for support in (*facts.channels.values(), *facts.capabilities.values()):
        assert support.source if support.available else support.note
    assert facts.whole_market <= {name for name, one in facts.channels.items() if one.available}
    assert set(facts.stale_after_s) <= set(facts.channels)
    assert {one for one in WATCHED if facts.channels[one].available} <= set(facts.stale_after_s)


def test_bounds_are_bounds(venue: Venue) -> None:
    facts, limits = venue.facts, venue.facts.stream_limits
    assert facts.venue_id == facts.venue_id.lower()
    assert facts.intervals == tuple(sorted(set(facts.intervals), key=lambda one: one.nominal_ms))
    assert list(facts.book_depths) == sorted(set(facts.book_depths))
    assert min(facts.candles_max, facts.trades_max, facts.funding_max) > 0
    assert all(pool.capacity > 0 and pool.window_s > 0 for pool in facts.pools)
    assert len({pool.name for pool in facts.pools}) == len(facts.pools)
    assert min(limits.max_streams, limits.messages_per_s, limits.topics_per_message) > 0
    assert limits.quiet_limit_s > (limits.heartbeat_s or 0)
    assert facts.documentation.startswith("https://")


def test_every_available_channel_has_an_endpoint_in_every_environment(venue: Venue) -> None:
    facts = venue.facts
    available = [channel for channel, one in facts.channels.items() if one.available]
    for addresses in facts.environments.values():
        assert not addresses.rest.endswith("/")
        for channel in available:
            url = venue.stream_url(addresses, venue.endpoint_of(channel))
            assert url.startswith("wss://")


def test_no_two_environments_share_an_address(venue: Venue) -> None:
    """Nothing but its address tells a request which market is meant."""
    environments = venue.facts.environments.values()
    for told in (
        [one.rest for one in environments],
        [url for one in environments for url in set(one.streams.values())],
    ):
        assert len(set(told)) == len(told)


def test_the_readme_has_support_and_evidence(venue: Venue) -> None:
    folder = Path(headwater.venues.__path__[0]) / venue.facts.venue_id
    text = (folder / "README.md").read_text(encoding="utf-8")
    for heading in ("## What is offered", "## Evidence, channel by channel"):
        assert f"\n{heading}\n" in text


def test_instruments_are_found_by_any_spelling(loop: Loopback) -> None:
    """Canonical, native and with separators: the same contract."""
    assert len(loop.table) == 2
    for listed in loop.market.table:
        read = loop.table.by_native(listed.native_symbol)
        assert read is not None
        assert (read.symbol, read.base_asset) == (listed.symbol, listed.base_asset)
        assert read.contract_size == listed.contract_size
        assert read.is_linear
        for text in (read.symbol, read.symbol.lower(), read.native_symbol):
            assert loop.table.resolve(text) is read
        assert canonical_spelling(read.symbol) == read.symbol


def test_a_reply_in_trouble_is_an_error_of_the_right_kind(loop: Loopback) -> None:
    """429 and 5xx are errors whatever the body says."""
    expected: dict[int, type[VenueError]] = {429: RateLimited, 503: VenueUnavailable}
    for status, kind in expected.items():
        trouble = loop.side.trouble(status, "192.0.2.9", 7)
        error = loop.venue.error_of(http_reply(trouble, loop.market.now_ms()))
        assert isinstance(error, kind), f"{status}: {error!r}"


@pytest.mark.parametrize("body", [b"", b"<html>", b"[", b"null", b"{}", b"\xff", b"[1]"])
@pytest.mark.parametrize("status", [200, 400, 403, 404, 418, 429, 500, 502, 503])
def test_any_reply_is_judged_without_a_crash(venue: Venue, status: int, body: bytes) -> None:
    from headwater.core.http_messages import HttpReply

    reply = HttpReply(status=status, headers={}, body=body, received_ns=1)
    error = venue.error_of(reply)
    assert error is None or isinstance(error, VenueError)
    assert status < 400 or error is not None
    assert dict(venue.used_weights(reply)) == {}


def test_the_book_comes_about_as_declared(venue: Venue) -> None:
    assert venue.facts.book_source in BookSource
    assert venue.book_rule() is not venue.book_rule()


def test_a_venue_says_how_many_liquidations_its_feed_tells(venue: Venue) -> None:
    """A throttled feed is never called a full one."""
    facts = venue.facts
    if not facts.channels[Channel.LIQUIDATIONS].available:
        return
    assert facts.liquidations_told is not FeedCompleteness.UNKNOWN
    note = facts.channels[Channel.LIQUIDATIONS].note
    assert ("lower bound" in note) == (facts.liquidations_told is not FeedCompleteness.FULL)
