"""The question for candles: who is asked, within what time, and who measures it."""

import asyncio
from collections.abc import Awaitable, Sequence
from pathlib import Path

import looptime
import msgspec
import pytest
from tests.api.fake_source import NOW_MS, FakeSource, make_candle, make_instrument
from tests.storage.ready_tables import with_tables

from headwater.api.candle_question import find_candles
from headwater.core.clock import ManualClock
from headwater.core.errors import VenueTimeout
from headwater.core.intervals import Interval
from headwater.core.records import Candle
from headwater.services.candle_history import CandleHistory
from headwater.storage.store import Store

MINUTE_MS = 60_000
LAST_MS = Interval.M1.opens_at_ms(NOW_MS) - MINUTE_MS


async def test_without_storage_the_venue_is_asked_as_it_is_wanted() -> None:
    source = FakeSource()
    found = await find_candles(
        None, source, make_instrument(), Interval.M1, limit=3, start_ms=5, end_ms=9
    )
    assert source.calls == ["candles BTCUSDT 1m 3 5 9"]
    assert len(found.candles) == 3
    assert found.missing == ""


async def test_what_storage_has_is_not_asked_of_the_venue(tmp_path: Path) -> None:
    """Three closed minutes are stored and asked for; a start before the listing is moved to it."""
    clock = ManualClock(NOW_MS * 1_000_000)
    source = FakeSource()
    rows = [
        make_candle(opened_at_ms=LAST_MS - back * MINUTE_MS, is_closed=True) for back in (2, 1, 0)
    ]
    async with Store(with_tables(tmp_path / "made.sqlite3"), clock) as store:
        await store.put_durable(rows)
        history = CandleHistory(store, clock)
        whole = await find_candles(
            history, source, make_instrument(), Interval.M1,
            limit=10, start_ms=LAST_MS - 2 * MINUTE_MS, end_ms=LAST_MS,
        )  # fmt: skip
        born = msgspec.structs.replace(make_instrument(), listed_at_ms=LAST_MS - MINUTE_MS)
        young = await find_candles(
            history, source, born, Interval.M1, limit=10, start_ms=0, end_ms=LAST_MS
        )
    assert whole.candles == rows
    assert young.candles == rows[1:]
    assert source.calls == []


async def test_a_question_is_measured_by_who_wants_to() -> None:
    measured: list[int] = []

    async def measure(question: Awaitable[Sequence[Candle]]) -> Sequence[Candle]:
        rows = await question
        measured.append(len(rows))
        return rows

    await find_candles(
        None, FakeSource(), make_instrument(), Interval.M1, limit=4, measured=measure
    )
    assert measured == [4]


def test_a_venue_that_is_silent_is_given_up_after_the_patience() -> None:
    async def main() -> None:
        source = FakeSource()
        source.wait_for = asyncio.Event()
        began = asyncio.get_running_loop().time()
        with pytest.raises(VenueTimeout, match="no answer within 3 s"):
            await find_candles(
                None, source, make_instrument(), Interval.M1, limit=1, patience_s=3.0
            )
        assert asyncio.get_running_loop().time() - began == pytest.approx(3.0, abs=0.01)

    with asyncio.Runner(loop_factory=looptime.new_event_loop) as runner:
        runner.run(main())
