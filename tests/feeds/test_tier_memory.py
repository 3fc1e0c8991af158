"""Margin tiers are asked for once an hour, and a failure is not remembered."""

import msgspec
import pytest
from tests.api.fake_source import FakeSource

from headwater.core.clock import ManualClock
from headwater.core.errors import (
    PlatformError,
    RequestError,
    UnknownSymbol,
    VenueUnavailable,
    WireError,
)
from headwater.feeds import tier_memory
from headwater.feeds.tier_memory import KEPT_S, RETRY_S, TierMemory
from headwater.venues.facts import Support


async def test_tiers_are_kept_for_an_hour() -> None:
    source, clock = FakeSource(), ManualClock(0)
    memory = TierMemory({"binance": source}, clock)
    first = await memory.margin_tiers("binance", "BTCUSDT")
    assert first is not None
    assert await memory.margin_tiers("binance", "BTCUSDT") is first
    clock.advance(KEPT_S + 1.0)
    assert await memory.margin_tiers("binance", "BTCUSDT") is not first


async def test_a_failure_is_told_and_not_kept() -> None:
    source = FakeSource()
    memory = TierMemory({"binance": source}, ManualClock(0))
    source.error = VenueUnavailable("binance", "away")
    with pytest.raises(VenueUnavailable):
        await memory.margin_tiers("binance", "BTCUSDT")
    source.error = None
    assert await memory.margin_tiers("binance", "BTCUSDT") is not None


@pytest.mark.parametrize(
    "error", [VenueUnavailable("binance", "away"), WireError("binance", "tiers", "no list", b"<")]
)
async def test_a_venue_that_fails_later_leaves_what_it_told(error: PlatformError) -> None:
    """After an hour the old table is given, the venue asked again a minute later and believed."""
    source, clock = FakeSource(), ManualClock(0)
    memory = TierMemory({"binance": source}, clock)
    first = await memory.margin_tiers("binance", "BTCUSDT")
    clock.advance(KEPT_S + 1.0)
    source.error = error
    assert await memory.margin_tiers("binance", "BTCUSDT") is first
    source.error = None
    assert await memory.margin_tiers("binance", "BTCUSDT") is first, "asked a moment ago"
    clock.advance(RETRY_S)
    assert await memory.margin_tiers("binance", "BTCUSDT") is not first


async def test_what_there_is_not() -> None:
    source = FakeSource()
    memory = TierMemory({"binance": source}, ManualClock(0))
    with pytest.raises(RequestError, match="kraken"):
        await memory.margin_tiers("kraken", "BTCUSDT")
    with pytest.raises(UnknownSymbol):
        await memory.margin_tiers("binance", "NOPE")
    missing = {**source.facts.capabilities, "margin_tiers": Support(available=False, note="none")}
    source.take_facts(msgspec.structs.replace(source.facts, capabilities=missing))
    assert await memory.margin_tiers("binance", "BTCUSDT") is None


async def test_no_more_than_so_many_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tier_memory, "KEPT_MAX", 1)
    memory = TierMemory({"binance": FakeSource()}, ManualClock(0))
    first = await memory.margin_tiers("binance", "BTCUSDT")
    await memory.margin_tiers("binance", "ETHUSDT")
    assert await memory.margin_tiers("binance", "BTCUSDT") is not first
