"""Maps of models from a real database: worked by hand, their laws, and the defects they lack."""

import asyncio
import math
import threading
from collections.abc import AsyncIterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from tests.services.map_market import (
    DAY_MS,
    FREE,
    MINUTE_MS,
    T0,
    Tiers,
    put_liquidation,
    put_minute,
    put_rise,
)
from tests.storage.ready_tables import with_tables

from headwater.analytics.leverage_weights import parse_leverage_weights
from headwater.analytics.margin import build_tiers
from headwater.analytics.price_buckets import PriceBuckets
from headwater.core.clock import ManualClock
from headwater.core.enums import PositionSide
from headwater.core.errors import RequestError, VenueUnavailable
from headwater.core.intervals import Interval
from headwater.core.margin_tiers import MarginTiers
from headwater.services import model_bars
from headwater.services.liquidation_maps import CLOSED_AFTER_MS, PARTIAL_S, LiquidationMaps
from headwater.services.map_making import MapMaking, levels_of
from headwater.services.map_question import KnownPosition, LiquidationMap, MapModel, MapQuestion
from headwater.services.model_bars import BarPlan, ModelBars, VenueBars
from headwater.storage.sessions import ReadSession
from headwater.storage.store import Store

QUARTER_MS = 15 * MINUTE_MS
VENUES = ("bybit", "okx")
FADED = 2.0 ** (-1.0 / 1344.0)
"""What a quarter of an hour leaves of the class of 10×, whose half-life is 14 days."""


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    clock = ManualClock(T0 * 1_000_000)
    async with Store(with_tables(tmp_path / "made.sqlite3"), clock) as opened:
        yield opened


def maps_at(store: Store, minutes: int, tiers: Tiers | None = None) -> LiquidationMaps:
    """The maps when so many minutes since `T0` have closed."""
    now_ms = T0 + minutes * MINUTE_MS + CLOSED_AFTER_MS
    both = tiers or Tiers(bybit=FREE, okx=FREE)
    return LiquidationMaps(store, ManualClock(now_ms * 1_000_000), both, VENUES)


def ask(
    model: MapModel = MapModel.ESTIMATED,
    *,
    exchanges: tuple[str, ...] = ("bybit",),
    weights: str = "10:1",
    end_ms: int = T0 + DAY_MS,
    width: str | None = "10",
) -> MapQuestion:
    return MapQuestion(
        symbol="BTCUSDT",
        exchanges=exchanges,
        model=model,
        interval=Interval.M15,
        start_ms=T0,
        end_ms=end_ms,
        classes=parse_leverage_weights(weights),
        buckets=None if width is None else PriceBuckets.of_width(Decimal(width)),
    )


def cells(made: LiquidationMap, number: int) -> dict[float, tuple[float, float]]:
    return {one.price: (one.long_usd, one.short_usd) for one in levels_of(made, number)}


async def test_an_estimated_map_worked_by_hand(store: Store) -> None:
    """Everybody at 10×, no maintenance, price 1000: liquidated at 900 and 1100.

    Bar 0 is the first reading of open interest, 100. In bar 1 it is 110: 10 × 1000 = 10,000 USD on
    each side. Bar 2 fades them by a quarter of an hour of 14 days.
    """
    put_rise(store)
    made = await maps_at(store, 45).make(ask())
    assert made.opened_ms.tolist() == [T0, T0 + QUARTER_MS, T0 + 2 * QUARTER_MS]
    assert cells(made, 0) == {}
    assert cells(made, 1) == {900.0: (10_000.0, 0.0), 1100.0: (0.0, 10_000.0)}
    assert cells(made, 2)[900.0] == pytest.approx((10_000.0 * FADED, 0.0), abs=0.01)
    assert made.created_usd.tolist() == [0.0, 20_000.0, 0.0]
    assert made.consumed_usd.tolist() == [0.0, 0.0, 0.0]
    (told,) = made.coverage
    assert (told.bars, told.marks, told.open_interest, told.reason) == (1.0, 1.0, 1.0, "")
    assert told.tiers == "GET /tiers"


async def test_the_mark_price_consumes_and_a_minute_without_it_does_not(store: Store) -> None:
    """The mark falls to 904 in minute 31, past the middle of the bucket of 900 (905).

    Minute 30 traded at 800 without any mark: prices that were traded consume nothing. What it
    traded has volume, but open interest does not rise: nothing is opened.
    """
    put_rise(store, bars=2)
    put_minute(store, 30, 800.0, mark=None, interest=110.0)
    put_minute(store, 31, mark=(904.0, 1000.0))
    made = await maps_at(store, 45).make(ask())
    assert set(cells(made, 2)) == {1100.0}
    assert cells(made, 2)[1100.0] == pytest.approx((0.0, 10_000.0 * FADED), abs=0.01)
    assert made.consumed_usd[2] == pytest.approx(10_000.0 * FADED)
    assert made.coverage[0].marks == pytest.approx(31.0 / 45.0)
    assert made.coverage[0].bars == 1.0


async def test_l_d1_the_filter_of_venues_filters(store: Store) -> None:
    """Okx has half of the rise; both together are the sum, and each alone is its own."""
    put_rise(store)
    put_rise(store, "okx", to=105.0)
    maps = maps_at(store, 45)
    one = await maps.make(ask())
    other = await maps.make(ask(exchanges=("okx",)))
    both = await maps.make(ask(exchanges=("bybit", "okx")))
    assert cells(other, 1)[900.0] == (5_000.0, 0.0)
    assert cells(both, 1)[900.0] == (15_000.0, 0.0)
    assert both.held.sum() == pytest.approx(one.held.sum() + other.held.sum())
    assert [told.exchange for told in both.coverage] == ["bybit", "okx"]


async def test_l_d12_each_venue_has_its_own_tiers(store: Store) -> None:
    """With maintenance 2 % a long at 10× is liquidated at 1000 × 0.9 / 0.98 = 918.37.

    The other venue offers 5× at most, so all of its weight lies there: 1000 × 0.8 / 0.98 = 816.33.
    """
    put_rise(store)
    put_rise(store, "okx")
    tiers = Tiers(bybit=build_tiers([(0.0, 0.02, 100.0)]), okx=build_tiers([(0.0, 0.02, 5.0)]))
    made = await maps_at(store, 45, tiers).make(ask(exchanges=("bybit", "okx"), weights="5:0,10:1"))
    assert made.coverage[1].leverages_left_out == (10.0,)
    assert made.coverage[1].reason == "the venue offers a leverage of at most 5"
    assert {price for price, (long_usd, _) in cells(made, 1).items() if long_usd} == {910.0}
    mixed = await maps_at(store, 45, tiers).make(ask(exchanges=("okx",), weights="5:1,10:3"))
    assert cells(mixed, 1)[810.0] == pytest.approx((10_000.0, 0.0))


async def test_a_venue_without_tiers_or_out_of_reach_is_told(store: Store) -> None:
    put_rise(store)
    put_rise(store, "okx")
    tiers = Tiers(okx=VenueUnavailable("okx", "away"))
    made = await maps_at(store, 45, tiers).make(ask(exchanges=("bybit", "okx")))
    assert made.coverage[0].tiers == "assumed: 0.5 % at every size"
    assert made.coverage[1].reason == "not reached: okx: away"
    assert made.is_partial
    # 1000 × 0.9 / 0.995 = 904.52
    assert cells(made, 1)[900.0] == (10_000.0, 0.0)


@pytest.mark.parametrize(
    "model", [MapModel.ESTIMATED, MapModel.B0, MapModel.B1, MapModel.B2, MapModel.B3, MapModel.B4]
)
async def test_closed_columns_never_change(store: Store, model: MapModel) -> None:
    """Later, with more and wilder bars stored, each column is the same to the last digit.

    The later bars lie far outside of the earlier ones' prices, so the grid is another one.
    """
    rng = np.random.default_rng(7)
    price, interest = 1000.0, 100.0
    seen: dict[int, dict[float, tuple[float, float]]] = {}
    for minute in range(12 * 15):
        scale = 0.0005 if minute < 90 else 0.02
        before, price = price, price * math.exp(rng.normal(0.0, scale))
        interest *= math.exp(rng.normal(0.0, 0.002))
        low, high = min(before, price), max(before, price)
        put_minute(
            store, minute, price, volume=rng.exponential(), mark=(low, high), interest=interest
        )
        put_liquidation(store, minute, low, is_long=bool(minute % 2))
        if minute % 30 == 29:
            made = await maps_at(store, minute + 1).make(
                ask(model, weights="5:1,10:1,25:1,50:1,100:1")
            )
            for number, opened_ms in enumerate(made.opened_ms.tolist()):
                column = cells(made, number)
                assert seen.setdefault(opened_ms, column) == column
    assert len(seen) == 12
    assert sum(len(column) for column in seen.values()) > 12


async def test_a_bar_that_has_not_ended_is_not_shown(store: Store) -> None:
    put_rise(store, bars=3)
    assert len(await maps_at(store, 44).make(ask())) == 2
    assert len(await maps_at(store, 45).make(ask(end_ms=T0 + QUARTER_MS))) == 1


async def test_nothing_stored_is_an_empty_map_with_the_reason(store: Store) -> None:
    made = await maps_at(store, 45).make(ask())
    assert (len(made), made.grid) == (0, None)
    assert made.coverage[0].reason == "no candles and no mark prices are stored"


async def test_an_observed_map_says_that_nothing_is_known(store: Store) -> None:
    put_rise(store)
    made = await maps_at(store, 45).make(ask(MapModel.OBSERVED))
    assert made.held.sum() == 0.0
    assert made.coverage[0].known_positions == 0.0
    assert made.coverage[0].reason == "no positions are known one by one on this venue"


def known_long(
    *, liquidation_price: float | None, quantity: float, notional_usd: float
) -> KnownPosition:
    return KnownPosition(
        side=PositionSide.LONG,
        liquidation_price=liquidation_price,
        quantity=quantity,
        notional_usd=notional_usd,
    )


class Wallets:
    """One long of 22,000 USD, which would be 22 × 955 = 21,010 at its end, and a safe one."""

    async def at(self, exchange: str, symbol: str, moment_ms: int) -> list[KnownPosition]:
        assert (exchange, symbol) == ("bybit", "BTCUSDT")
        assert moment_ms == T0 + 45 * MINUTE_MS
        return [
            known_long(liquidation_price=955.0, quantity=22.0, notional_usd=22_000.0),
            known_long(liquidation_price=None, quantity=11.0, notional_usd=11_000.0),
        ]


async def test_known_positions_are_shown_with_their_share(store: Store) -> None:
    """Open interest is 110 × 1000 USD: the positions are 33,000, three tenths of it."""
    put_rise(store)
    clock = ManualClock((T0 + 45 * MINUTE_MS + CLOSED_AFTER_MS) * 1_000_000)
    maps = LiquidationMaps(
        store, clock, Tiers(bybit=FREE), ("bybit",), positions={"bybit": Wallets()}
    )
    made = await maps.make(ask(MapModel.OBSERVED))
    assert cells(made, 2) == {950.0: (21_010.0, 0.0)}
    assert made.coverage[0].known_positions == pytest.approx(0.3)


async def test_an_empirical_map_learns_from_earlier_liquidations_only(store: Store) -> None:
    """What was traded before was at 1000; longs ended at 950, shorts at 1050: 0.95 and 1.05.

    Too few of them, and the map says so; those of its own span do not count. Ratios are told to
    half a thousandth, so both may lie in the bucket below.
    """
    minutes_before = -7 * 24 * 60 - 60
    for minute in range(minutes_before - 300, minutes_before):
        put_minute(store, minute, interest=100.0)
    put_rise(store)
    maps = maps_at(store, 45)
    for number in range(150):
        put_liquidation(store, number % 45, 950.0, shift_ms=number)
        put_liquidation(store, number % 45, 1050.0, is_long=False, shift_ms=number)
    few = await maps.make(ask(MapModel.EMPIRICAL))
    assert (len(few), few.coverage[0].reason[:7]) == (0, "too few")
    for number in range(150):
        put_liquidation(store, minutes_before - 10, 950.0, shift_ms=number)
        put_liquidation(store, minutes_before - 10, 1050.0, is_long=False, shift_ms=number)
    made = await maps.make(ask(MapModel.EMPIRICAL))
    last = cells(made, 1)
    assert set(last) <= {940.0, 950.0, 1040.0, 1050.0}
    assert [sum(one) for one in zip(*last.values(), strict=True)] == pytest.approx([10_000.0] * 2)


async def test_baselines_are_shares_of_what_was_known(store: Store) -> None:
    """B3: liquidations of 1,000 USD at 955 and 985, equally old: half of the longs each."""
    put_rise(store)
    put_liquidation(store, 16, 955.0)
    put_liquidation(store, 16, 985.0)
    maps = maps_at(store, 45)
    recent = await maps.make(ask(MapModel.B3))
    assert cells(recent, 0) == {}
    assert cells(recent, 1) == {950.0: (0.5, 0.0), 980.0: (0.5, 0.0)}
    ladder = await maps.make(ask(MapModel.B4))
    assert cells(ladder, 2) == {900.0: (1.0, 0.0), 1100.0: (0.0, 1.0)}
    volume = await maps.make(ask(MapModel.B2))
    assert cells(volume, 2) == {1000.0: (0.0, 1.0)}
    flat = await maps.make(ask(MapModel.B0))
    assert flat.held[2].sum(axis=1) == pytest.approx([1.0, 1.0])
    assert flat.is_share


async def test_buckets_are_chosen_by_the_first_price_and_refused_when_too_fine(
    store: Store,
) -> None:
    """1000 / 400 = 2.5."""
    put_rise(store)
    maps = maps_at(store, 45)
    made = await maps.make(ask(width=None))
    assert made.grid is not None
    assert made.grid.buckets.width == 2.5
    with pytest.raises(RequestError, match="price_bin_size"):
        await maps.make(ask(width="0.01"))
    with pytest.raises(RequestError, match="interval"):
        await maps.make(msgspec.structs.replace(ask(), interval=Interval.W1))
    with pytest.raises(RequestError, match="interval"):
        await maps.make(
            msgspec.structs.replace(ask(), start_ms=T0 - 400 * DAY_MS, interval=Interval.M1)
        )


async def test_the_newest_column_is_kept_until_the_next_bar(store: Store) -> None:
    put_rise(store)
    clock = ManualClock((T0 + 45 * MINUTE_MS + CLOSED_AFTER_MS) * 1_000_000)
    maps = LiquidationMaps(store, clock, Tiers(bybit=FREE, okx=FREE), VENUES)
    newest = await maps.newest("BTCUSDT")
    assert newest.timestamp_ms == T0 + 45 * MINUTE_MS
    assert newest.current_price == 1000.0
    assert sum(one.long_usd for one in newest.levels) == pytest.approx(10_000.0, rel=1e-2)
    assert (newest.positions_created_usd, newest.positions_consumed_usd) == (0.0, 0.0)
    assert await maps.newest("BTCUSDT") is newest
    for minute in range(45, 60):
        put_minute(store, minute, interest=120.0)
    clock.advance(900.0)
    later = await maps.newest("BTCUSDT", ("bybit",))
    assert later.positions_created_usd == pytest.approx(20_000.0)
    with pytest.raises(RequestError, match="symbol"):
        await maps.newest("ETHUSDT")


class SlowTiers(Tiers):
    """Tiers that answer when the gate opens; counts the questions about one venue."""

    def __init__(self, *, is_away: bool = False) -> None:
        super().__init__(bybit=FREE, okx=VenueUnavailable("okx", "away") if is_away else FREE)
        self.gate = asyncio.Event()
        self.asked = 0

    async def margin_tiers(self, exchange: str, symbol: str) -> MarginTiers | None:
        self.asked += exchange == "bybit"
        await self.gate.wait()
        return await super().margin_tiers(exchange, symbol)


async def test_who_asks_for_the_newest_at_once_shares_one_computation(store: Store) -> None:
    """And when who began it goes away, another one makes it."""
    put_rise(store)
    tiers = SlowTiers()
    maps = maps_at(store, 45, tiers)
    first, *others = [asyncio.create_task(maps.newest("BTCUSDT")) for _ in range(4)]
    while not tiers.asked:
        await asyncio.sleep(0)
    first.cancel()
    while tiers.asked < 2:
        await asyncio.sleep(0)
    tiers.gate.set()
    found = await asyncio.gather(*others)
    assert tiers.asked == 2
    assert all(one is found[0] for one in found)
    assert first.cancelled()


async def test_an_error_of_the_newest_reaches_all_who_wait(store: Store) -> None:
    maps = maps_at(store, 45)
    asked = [asyncio.create_task(maps.newest("ETHUSDT")) for _ in range(3)]
    for one in asked:
        with pytest.raises(RequestError, match="symbol"):
            await one


async def test_a_newest_map_without_a_venue_is_kept_for_some_seconds(store: Store) -> None:
    put_rise(store)
    put_rise(store, "okx")
    tiers = SlowTiers(is_away=True)
    tiers.gate.set()
    clock = ManualClock((T0 + 45 * MINUTE_MS + CLOSED_AFTER_MS) * 1_000_000)
    maps = LiquidationMaps(store, clock, tiers, VENUES)
    partial = await maps.newest("BTCUSDT")
    clock.advance(PARTIAL_S - 1.0)
    assert await maps.newest("BTCUSDT") is partial
    clock.advance(1.0)
    assert await maps.newest("BTCUSDT") is not partial
    assert tiers.asked == 2


async def test_models_side_by_side_are_those_made_alone_and_read_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """B1 looks further back, so there are two readings for the eight of them."""
    put_rise(store)
    maps = maps_at(store, 45)
    alone = [await maps.make(ask(model)) for model in MapModel]
    readings: list[BarPlan] = []
    read = ModelBars.read

    async def counted(
        self: ModelBars, exchanges: Sequence[str], symbol: str, plan: BarPlan
    ) -> list[VenueBars]:
        readings.append(plan)
        return await read(self, exchanges, symbol, plan)

    monkeypatch.setattr(ModelBars, "read", counted)
    together = await maps.make_each(ask(), tuple(MapModel))
    assert len(readings) == len(set(readings)) == 2
    for one, other in zip(alone, together, strict=True):
        assert (one.question, one.coverage) == (other.question, other.coverage)
        assert one.held.tobytes() == other.held.tobytes()


async def test_a_map_is_made_off_the_event_loop(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading, placing and modelling: none of it in the loop's thread."""
    put_rise(store)
    threads: dict[str, bool] = {}

    def watched(owner: Any, name: str) -> None:
        real = getattr(owner, name)

        def run(*given: Any, **named: Any) -> Any:
            threads[name] = threading.current_thread() is threading.main_thread()
            return real(*given, **named)

        monkeypatch.setattr(owner, name, run)

    watched(MapMaking, "make")
    watched(ReadSession, "columns_of")
    watched(model_bars, "_bars_of")
    await maps_at(store, 45).make(ask())
    assert threads == {"make": False, "columns_of": False, "_bars_of": False}
