"""Polling in turns."""

import asyncio

import pytest
from tests.feeds.made import EXCHANGE, instrument

from headwater.core.clock import SystemClock
from headwater.core.enums import Channel
from headwater.core.errors import VenueUnavailable
from headwater.core.instruments import Instrument
from headwater.core.records import OpenInterest
from headwater.feeds.poller import Poller, by_rest_only
from headwater.venues.discovery import venues


def _reading(of: Instrument) -> OpenInterest:
    return OpenInterest(
        exchange=EXCHANGE,
        symbol=of.symbol,
        native_symbol=of.symbol,
        timestamp_ms=1,
        received_ns=1,
        open_interest=1.0,
        value=None,
    )


async def test_every_wanted_symbol_has_its_turn_and_a_failure_skips_one() -> None:
    wanted: list[Instrument] = []
    asked: list[str] = []
    enough = asyncio.Event()

    async def ask(of: Instrument) -> OpenInterest:
        asked.append(of.symbol)
        if len(asked) >= 6:
            enough.set()
        if of.symbol == "BUSDT":
            raise VenueUnavailable(EXCHANGE, "down")
        return _reading(of)

    poller = Poller(lambda: wanted, ask, SystemClock(), 0.03)
    task = asyncio.create_task(poller.run())
    await asyncio.sleep(0)
    assert asked == []
    wanted.extend((instrument("AUSDT"), instrument("BUSDT"), instrument("CUSDT")))
    async with asyncio.timeout(5):
        await enough.wait()
    task.cancel()
    await asyncio.wait([task])
    assert asked[:6] == ["AUSDT", "BUSDT", "CUSDT"] * 2
    assert poller.failures == 2
    assert "BUSDT" in poller.last_problem


async def test_an_error_of_ours_is_not_swallowed() -> None:
    async def ask(of: Instrument) -> OpenInterest:
        raise ValueError(of.symbol)

    poller = Poller(lambda: [instrument()], ask, SystemClock(), 1.0)
    with pytest.raises(ValueError, match="AAAUSDT"):
        await poller.run()


def test_what_has_a_stream_is_not_polled() -> None:
    """Of the four venues Binance alone streams no open interest; all stream mark prices."""
    facts_of = {name: venue.facts for name, venue in venues().items()}
    polled = {
        name
        for name, facts in facts_of.items()
        if by_rest_only(facts, "open_interest", Channel.OPEN_INTEREST)
    }
    assert polled == {"binance"}
    assert not any(
        by_rest_only(facts, "funding_rate", Channel.MARK_PRICES) for facts in facts_of.values()
    )
    assert not by_rest_only(facts_of["binance"], "no such thing", Channel.OPEN_INTEREST)
