"""Each venue's routes take any common spelling of a symbol, and answer in our own."""

from collections.abc import AsyncIterator

import msgspec
import pytest
from tests.api.fake_source import make_instrument
from tests.api.served import Platform

from headwater.core.instruments import InstrumentTable

NATIVE = {
    "binance": {"BTCUSDT": "BTCUSDT", "1000PEPEUSDT": "1000PEPEUSDT"},
    "bybit": {"BTCUSDT": "BTCUSDT", "1000PEPEUSDT": "1000PEPEUSDT"},
    "okx": {"BTCUSDT": "BTC-USDT-SWAP", "PEPEUSDT": "PEPE-USDT-SWAP"},
    "hyperliquid": {"BTCUSDT": "BTC", "1000PEPEUSDT": "kPEPE"},
}
"""Native symbol by our own, as each venue lists them."""

BITCOIN = (
    "BTC",
    "btc",
    "btcusdt",
    "BTC-USDT",
    "btc_usdt",
    "BTC%2FUSDT",
    "BTC%2FUSDT:USDT",
    "BTC%2FUSDT%3AUSDT",
    "BTC-USDT-SWAP",
    "btc-usdt-swap",
)


@pytest.fixture
async def venues() -> AsyncIterator[Platform]:
    """Four venues with their own names for two contracts."""
    platform = Platform(venues=tuple(NATIVE))
    for venue, names in NATIVE.items():
        platform.sources[venue].take_table(
            InstrumentTable(
                venue,
                [
                    msgspec.structs.replace(make_instrument(symbol, venue), native_symbol=native)
                    for symbol, native in names.items()
                ],
            )
        )
    async with platform.served() as served:
        yield served


@pytest.mark.parametrize("venue", NATIVE)
async def test_bitcoin_in_every_spelling_on_every_venue(venues: Platform, venue: str) -> None:
    for spelling in BITCOIN:
        reply = await venues.get(f"/{venue}/funding/{spelling}")
        assert reply.status == 200, (spelling, reply)
    assert venues.sources[venue].calls == ["funding_rate BTCUSDT"]  # one answer for all of them


@pytest.mark.parametrize("venue", ["binance", "bybit", "hyperliquid"])
async def test_a_thousand_of_a_small_coin(venues: Platform, venue: str) -> None:
    native = NATIVE[venue]["1000PEPEUSDT"]
    for spelling in ("1000PEPEUSDT", "1000pepe", "1000PEPE-USDT", native, native.lower()):
        reply = await venues.get(f"/{venue}/oi/{spelling}")
        assert reply.status == 200, (spelling, reply)
    assert venues.sources[venue].calls == ["open_interest 1000PEPEUSDT"]


async def test_one_spelling_reaches_every_venue_at_once(venues: Platform) -> None:
    for spelling in ("BTC", "BTC-USDT-SWAP", "btc%2Fusdt:usdt"):
        body = (await venues.get(f"/multi/funding/{spelling}")).json()
        assert isinstance(body, dict)
        assert list(body) == [*NATIVE, "errors"]
        assert not body["errors"]


@pytest.mark.parametrize("venue", NATIVE)
async def test_what_nobody_lists_is_404_with_suggestions(venues: Platform, venue: str) -> None:
    reply = await venues.get(f"/{venue}/oi/BTCUSDTT")
    body = reply.json()
    assert isinstance(body, dict)
    assert (reply.status, body["suggestions"][:1]) == (404, ["BTCUSDT"])
    assert (await venues.get(f"/{venue}/oi/BTCUSD")).status == 404  # inverse is another contract
