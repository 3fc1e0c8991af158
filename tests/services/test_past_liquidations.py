"""Past liquidations of two sources: our own wins, nothing twice, no bucket of both.

The service on loopback speaks O-S20's shapes; the store is a real one.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.feeds.external_service import ExternalService, client, http_reply, order_row
from tests.services.test_liquidation_history import MINUTE_MS, START_MS, forced
from tests.storage.ready_tables import with_tables

from headwater.analytics.liquidation_volume import LiquidationVolume
from headwater.core.clock import ManualClock
from headwater.core.external_liquidations import ExternalOrders, ExternalVolume, ExternalVolumes
from headwater.core.intervals import Interval
from headwater.core.records import Liquidation
from headwater.feeds.external_liquidations import ExternalLiquidations
from headwater.services.liquidation_history import LiquidationHistory, Wanted
from headwater.services.past_liquidations import PastLiquidations, key_of_event
from headwater.storage import liquidations
from headwater.storage.store import Store

HOUR = Wanted(symbol="BTCUSDT", start_ms=START_MS, end_ms=START_MS + 60 * MINUTE_MS)

EXTERNAL_ROWS = [
    order_row(START_MS + 2 * MINUTE_MS, 100.0),
    order_row(START_MS + 11 * MINUTE_MS, 300.0, "BUY"),
    order_row(START_MS + 21 * MINUTE_MS, 500.0),
    order_row(START_MS + 23 * MINUTE_MS, 700.0),
    order_row(START_MS + 40 * MINUTE_MS, 900.0),
]
OWN = [forced(23 * MINUTE_MS, 700.0), forced(40 * MINUTE_MS, 900.0), forced(50 * MINUTE_MS, 11.0)]

Opened = tuple[ExternalService, PastLiquidations]


@asynccontextmanager
async def opened(
    folder: Path,
    own: Sequence[Liquidation] = (),
    rows: Sequence[dict[str, Any]] = EXTERNAL_ROWS,
) -> AsyncIterator[Opened]:
    """An hour after the start, with a store, a service and both together."""
    clock = ManualClock((START_MS + 60 * MINUTE_MS) * 1_000_000)
    async with (
        client(clock) as http,
        Store(with_tables(folder / "made.sqlite3"), clock) as store,
        ExternalService(rows).served() as service,
    ):
        for one in own:
            store.put(one)
        external = ExternalLiquidations(service.base_url, http, clock)
        history = LiquidationHistory(store, clock)
        yield service, PastLiquidations(history, external, clock)


async def test_o_s20_single_ones_lie_before_our_first(tmp_path: Path) -> None:
    """Ours begin at minute 23: of the service's five, those of minutes 2, 11 and 21 are before."""
    async with opened(tmp_path, OWN) as (service, past):
        found = await past.newest(HOUR, limit=100)
        assert [one.price for one in found.own] == [11.0, 900.0, 700.0]
        assert [one.price for one in found.external] == [500.0, 300.0, 100.0]
        assert {one.exchange for one in found.external} == {"external"}
        assert found.missing == ""
        few = await past.newest(HOUR, limit=4)
        assert [one.price for one in few.external] == [500.0]
        large = await past.newest(HOUR, limit=100, value_min_usd=300.0)
        assert [one.price for one in large.external] == [500.0, 300.0]
        assert len(service.asked) == 1, "remembered (O-S9)"


async def test_without_own_ones_all_are_external(tmp_path: Path) -> None:
    async with opened(tmp_path) as (_, past):
        found = await past.newest(HOUR, limit=100)
        assert [one.price for one in found.external] == [900.0, 700.0, 500.0, 300.0, 100.0]
        assert found.own == []


@pytest.mark.parametrize(
    "wanted",
    [
        msgspec.structs.replace(HOUR, exchanges=frozenset({"bybit"})),
        msgspec.structs.replace(HOUR, start_ms=START_MS + 23 * MINUTE_MS),
    ],
)
async def test_chosen_venues_and_our_own_time_ask_nobody(tmp_path: Path, wanted: Wanted) -> None:
    async with opened(tmp_path, OWN) as (service, past):
        assert len((await past.newest(wanted, limit=100)).own) == 3
        assert len((await past.newest(HOUR, limit=3)).own) == 3, "the limit is full"
        assert (await past.volumes(wanted, Interval.M5)).external == ()
        least = await past.volumes(HOUR, Interval.M5, value_min_usd=1.0)
        assert least.external == (), "sums have no single values"
        assert service.asked == []


async def test_o_s20_no_bucket_is_made_of_both(tmp_path: Path) -> None:
    """Ours begin at minute 23, in the bucket of minute 20.

    So the service's of minutes 0 to 20 are used: 100 sold at 0, 300 bought at 10, zeros between,
    and its 500 of minute 21 is not, because that bucket is ours.
    """
    async with opened(tmp_path, OWN) as (service, past):
        found = await past.volumes(HOUR, Interval.M5)
        assert [
            ((row.opened_at_ms - START_MS) // MINUTE_MS, row.buy_usd, row.sell_usd)
            for row in found.external
        ] == [(0, 0.0, 100.0), (5, 0.0, 0.0), (10, 300.0, 0.0), (15, 0.0, 0.0)]
        assert [
            ((row.opened_at_ms - START_MS) // MINUTE_MS, row.sell_usd) for row in found.own[:2]
        ] == [(20, 700.0), (25, 0.0)]
        (asked,) = service.asked
        assert asked[1]["end_timestamp"] == str(START_MS + 20 * MINUTE_MS - 1)


async def test_only_whole_buckets_that_are_over_are_told(tmp_path: Path) -> None:
    """From minute 1 on the bucket of minute 0 is cut; the one of minute 55 ends with the span."""
    cut = msgspec.structs.replace(
        HOUR, start_ms=START_MS + MINUTE_MS, end_ms=START_MS + 99 * MINUTE_MS
    )
    async with opened(tmp_path) as (service, past):
        found = await past.volumes(cut, Interval.M5)
        assert [row.buy_usd + row.sell_usd for row in found.external] == [
            300.0, 0.0, 1_200.0, 0.0, 0.0, 0.0, 900.0,
        ]  # fmt: skip
        (asked,) = service.asked
        assert asked[1]["start_timestamp"] == str(START_MS + 5 * MINUTE_MS)
        assert asked[1]["end_timestamp"] == str(START_MS + 60 * MINUTE_MS - 1)
        within = msgspec.structs.replace(HOUR, start_ms=START_MS + 1, end_ms=START_MS + 9)
        assert (await past.volumes(within, Interval.M5)).external == ()
        assert len(service.asked) == 1


@pytest.mark.parametrize("interval", Interval)
async def test_the_ends_of_time_are_no_failure(interval: Interval) -> None:
    """The first millisecond of 1970 and the last of the year 9999.

    The 3rd of January 1970 lies in a week that began in 1969; a quarter begins with the year.
    """
    clock = ManualClock((START_MS + 60 * MINUTE_MS) * 1_000_000)
    past = PastLiquidations(_Stored([]), _Told([(2 * 86_400_000, 5.0)]), clock)
    last_ms = 253_402_300_799_999
    first = Wanted(symbol="BTCUSDT", start_ms=0, end_ms=100 * 86_400_000)
    total = sum(row.sell_usd for row in (await past.volumes(first, interval)).external)
    assert total == (0.0 if interval is Interval.W1 else 5.0)
    last = Wanted(symbol="BTCUSDT", start_ms=last_ms - 1, end_ms=last_ms)
    assert (await past.volumes(last, interval)).external == ()


async def test_a_failure_leaves_our_own_and_is_told(tmp_path: Path) -> None:
    async with opened(tmp_path, OWN) as (service, past):
        service.reply = http_reply(b"nonsense")
        orders, volumes = await past.newest(HOUR, limit=9), await past.volumes(HOUR, Interval.M5)
        assert (len(orders.own), len(volumes.own)) == (3, 7)
        assert (orders.external, volumes.external) == ([], ())
        for missing in (orders.missing, volumes.missing):
            assert missing.startswith("what the external service knows of before our own first")
            assert missing.endswith("the reply means nothing")


class _Told:
    """A service in memory: the sums of its orders, as `feeds` would read them."""

    def __init__(self, orders: Sequence[tuple[int, float]]) -> None:
        self._orders = orders

    async def orders(self, symbol: str) -> ExternalOrders:
        """None: only sums are asked for here."""
        raise AssertionError(symbol)

    async def volumes(
        self, symbol: str, interval: Interval, start_ms: int, end_ms: int
    ) -> ExternalVolumes:
        """Everything sold, per bucket."""
        assert symbol == "BTCUSDT"
        sums: dict[int, float] = {}
        for at_ms, usd in self._orders:
            if start_ms <= at_ms < end_ms:
                opened_ms = interval.opens_at_ms(at_ms)
                sums[opened_ms] = sums.get(opened_ms, 0.0) + usd
        rows = (
            ExternalVolume(opened_at_ms=at_ms, buy_usd=0.0, sell_usd=usd)
            for at_ms, usd in sorted(sums.items())
        )
        return ExternalVolumes(rows=tuple(rows))


class _Stored(LiquidationHistory):
    """A history whose rows lie in a list."""

    def __init__(self, times_ms: Sequence[int]) -> None:
        self._times_ms = sorted(times_ms)

    async def first_ms(self, symbol: str) -> int | None:
        """The earliest of all."""
        assert symbol == "BTCUSDT"
        return self._times_ms[0] if self._times_ms else None

    async def volumes(
        self, wanted: Wanted, interval: Interval, *, value_min_usd: float = 0.0
    ) -> Sequence[LiquidationVolume]:
        """One USD each, every bucket from the first to the last."""
        assert value_min_usd == 0
        inside = [one for one in self._times_ms if wanted.start_ms <= one < wanted.end_ms]
        if not inside:
            return []
        rows, opened_ms = [], interval.opens_at_ms(inside[0])
        while opened_ms <= inside[-1]:
            end_ms = interval.closes_at_ms(opened_ms)
            count = sum(opened_ms <= one < end_ms for one in inside)
            rows.append(
                LiquidationVolume(
                    opened_at_ms=opened_ms,
                    buy_usd=0.0,
                    sell_usd=float(count),
                    buy_quantity=0.0,
                    sell_quantity=float(count),
                    buy_count=0,
                    sell_count=count,
                    is_floor=False,
                )
            )
            opened_ms = end_ms
        return rows


MINUTES = st.integers(0, 59 * MINUTE_MS)


@given(
    st.lists(MINUTES, max_size=8),
    st.lists(MINUTES, max_size=8),
    st.sampled_from([Interval.M1, Interval.M5, Interval.M15]),
    MINUTES,
    MINUTES,
)
async def test_the_series_is_one_without_holes_or_doubles(
    own: list[int], told: list[int], interval: Interval, start: int, length: int
) -> None:
    """Openings rise by one bucket each, and external ones end before our first bucket begins.

    Each external bucket has exactly what the service has of its whole time.
    """
    clock = ManualClock((START_MS + 60 * MINUTE_MS) * 1_000_000)
    service = _Told([(START_MS + one, 2.0) for one in told])
    past = PastLiquidations(_Stored([START_MS + one for one in own]), service, clock)
    wanted = msgspec.structs.replace(
        HOUR, start_ms=START_MS + start, end_ms=START_MS + start + length + 1
    )
    found = await past.volumes(wanted, interval)
    opened_ms = [
        *(row.opened_at_ms for row in found.external),
        *(row.opened_at_ms for row in found.own),
    ]
    for one, following in pairwise(opened_ms):
        assert following == interval.closes_at_ms(one)
    for row in found.external:
        end_ms = interval.closes_at_ms(row.opened_at_ms)
        assert wanted.start_ms <= row.opened_at_ms
        assert end_ms <= wanted.end_ms
        assert not own or end_ms <= interval.opens_at_ms(START_MS + min(own))
        inside = [one for one in told if row.opened_at_ms <= START_MS + one < end_ms]
        assert row.sell_usd == 2.0 * len(inside)


async def test_without_a_service_everything_is_as_before() -> None:
    clock = ManualClock((START_MS + 60 * MINUTE_MS) * 1_000_000)
    past = PastLiquidations(_Stored([START_MS]), None, clock)
    found = await past.volumes(HOUR, Interval.M5)
    assert (len(found.own), found.external, found.missing) == (1, (), "")


@pytest.mark.parametrize("since", [0, 22, 23, 40, 45, 60])
async def test_a_series_is_sums_up_to_a_time_and_every_event_since(
    tmp_path: Path, since: int
) -> None:
    """Ours of minutes 23, 40 and 50: what is in the sums and what is told singly make up all.

    What the service tells ends where our first bucket begins, whichever way that is told.
    """
    async with opened(tmp_path, OWN) as (_, past):
        found = await past.series(HOUR, Interval.M5, START_MS + since * MINUTE_MS)
        minutes = [(one.timestamp_ms - START_MS) // MINUTE_MS for one in found.events]
        assert minutes == [minute for minute in (23, 40, 50) if minute >= since], "oldest first"
        summed = sum(row.buy_usd + row.sell_usd for row in found.volumes.own)
        assert summed + sum(one.value for one in found.events) == 700.0 + 900.0 + 11.0
        external = [
            ((row.opened_at_ms - START_MS) // MINUTE_MS, row.buy_usd + row.sell_usd)
            for row in found.volumes.external
        ]
        assert external == [(0, 100.0), (5, 0.0), (10, 300.0), (15, 0.0)]


async def test_a_series_without_own_ones_or_of_one_venue(tmp_path: Path) -> None:
    async with opened(tmp_path) as (_, past):
        found = await past.series(HOUR, Interval.M5, START_MS + 50 * MINUTE_MS)
        assert (found.volumes.own, list(found.events)) == ([], [])
        assert found.volumes.external[-1].sell_usd == 900.0
        bybit = msgspec.structs.replace(HOUR, exchanges=frozenset({"bybit"}))
        found = await past.series(bybit, Interval.M5, START_MS)
        assert found.volumes.external == ()


def test_what_tells_events_apart_is_the_key_of_their_table() -> None:
    """Every column of the key, in its order, and no other."""
    event = forced(5)
    row = dict(zip(liquidations.SPEC.columns, liquidations.row_of(event), strict=True))
    assert key_of_event(event) == tuple(row[name] for name in liquidations.SPEC.key)
    same = msgspec.structs.replace(event, received_ns=1, value=2.0, is_floor=True)
    assert key_of_event(same) == key_of_event(event)
