"""The wallets of the settings, up to the observed map of a simulated venue over its sockets."""

from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from tests.feeds.simulated_venue import scene
from tests.services.map_market import MINUTE_MS, T0, Tiers, put_minute

from headwater.analytics.leverage_weights import leverage_classes
from headwater.analytics.price_buckets import PriceBuckets
from headwater.app.settings import load
from headwater.app.wallets import VENUE, wallet_positions
from headwater.core.clock import ManualClock
from headwater.core.enums import PositionSide
from headwater.core.errors import ConfigError
from headwater.core.intervals import Interval
from headwater.services.liquidation_maps import CLOSED_AFTER_MS, LiquidationMaps
from headwater.services.map_question import MapModel, MapQuestion
from headwater.storage.sqlite import SqliteDatabase
from headwater.storage.store import Store
from headwater.venues.discovery import venue
from headwater.venues.hyperliquid.venue_side_accounts import address_of

ONE = f"0x{'aB' * 20}"
SYMBOL = "BTCUSDT"


def test_addresses_are_taken_once_in_lower_case() -> None:
    assert load(environ={}).hyperliquid_wallets == ()
    settings = load(options={"hyperliquid_wallets": f" {ONE}, {ONE.lower()},"}, environ={})
    assert settings.hyperliquid_wallets == (ONE.lower(),)
    assert settings.wallet_interval_s == 60.0


@pytest.mark.parametrize("value", ["me", ONE[:-1], f"{ONE}0", ONE[2:], f"0x{'g' * 40}", "0x"])
def test_what_is_no_address_is_refused_by_name(value: str) -> None:
    with pytest.raises(ConfigError, match="want 0x and 40 hexadecimal digits") as error:
        load(options={"hyperliquid_wallets": value}, environ={})
    assert error.value.setting == "hyperliquid_wallets"
    assert value in error.value.problem


def test_a_hundred_wallets_and_no_more() -> None:
    def of(count: int) -> str:
        return ",".join(address_of(number) for number in range(count))

    assert len(load(options={"hyperliquid_wallets": of(100)}, environ={}).hyperliquid_wallets)
    with pytest.raises(ConfigError, match="101 wallets are too many: at most 100"):
        load(options={"hyperliquid_wallets": of(101)}, environ={})


@pytest.mark.parametrize("seconds", [29.9, 300.1, float("nan")])
def test_a_round_is_bounded(seconds: float) -> None:
    with pytest.raises(ConfigError, match="wallet_interval_s"):
        load(options={"wallet_interval_s": seconds}, environ={})


def test_wallets_without_their_venue_are_an_error_and_none_are_nothing() -> None:
    clock = ManualClock()
    assert wallet_positions(load(environ={}), {}, clock) is None
    named = load(options={"hyperliquid_wallets": ONE}, environ={})
    with pytest.raises(ConfigError, match="hyperliquid is not connected"):
        wallet_positions(named, {}, clock)


async def test_the_observed_map_of_simulated_wallets_is_the_truth(tmp_path: Path) -> None:
    """Every tenth open position of the simulation, read over its sockets, lies in its bucket.

    The market stands still meanwhile, and the stored minutes are at its mark price, with its open
    interest: the coverage is the sum of the quantities over open interest.
    """
    async with scene(11, chosen=venue(VENUE)) as stage:
        stage.market.frozen = True
        chosen = stage.exchange.truth.positions(SYMBOL)[::10]
        mark = stage.exchange.mark_price(SYMBOL).mark
        interest = stage.exchange.open_interest(SYMBOL).open_interest
        wallets = [address_of(one.position_id) for one in chosen][:100]
        chosen = chosen[: len(wallets)]
        clock = ManualClock((T0 + 14 * MINUTE_MS) * 1_000_000)
        settings = load(options={"hyperliquid_wallets": ",".join(wallets)}, environ={})
        memory = wallet_positions(settings, {VENUE: stage.feed}, clock)
        assert memory is not None
        for address in wallets:
            await memory._turn(address)
        assert memory.health.known == len(wallets) > 20
    clock.advance(60.0 + CLOSED_AFTER_MS / 1000)
    async with Store(SqliteDatabase(tmp_path / "map.sqlite3"), clock) as store:
        for minute in range(15):
            put_minute(store, minute, mark, exchange=VENUE, mark=(mark, mark), interest=interest)
        maps = LiquidationMaps(store, clock, Tiers(), (VENUE,), {VENUE: memory})
        made = await maps.make(
            MapQuestion(
                symbol=SYMBOL,
                exchanges=(VENUE,),
                model=MapModel.OBSERVED,
                interval=Interval.M15,
                start_ms=T0,
                end_ms=T0 + 15 * MINUTE_MS,
                classes=leverage_classes(),
                buckets=PriceBuckets.of_width(Decimal(100)),
            )
        )
    assert made.grid is not None
    expected = np.zeros((2, made.grid.count))
    inside = 0
    for one in chosen:
        bucket = int(made.grid.positions(np.array([one.liquidation_price]))[0])
        if bucket >= 0:
            side = 0 if one.position_side is PositionSide.LONG else 1
            expected[side, bucket] += one.liquidation_value
            inside += 1
    assert inside > 20
    assert made.held[-1] == pytest.approx(expected, rel=1e-6)
    (told,) = made.coverage
    quantity = sum(one.quantity for one in chosen)
    assert told.known_positions == pytest.approx(quantity / interest, rel=1e-6)
    assert told.reason == ""
