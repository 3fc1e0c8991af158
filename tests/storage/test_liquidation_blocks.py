"""Blocks give back, bit by bit, what was packed; other bytes are refused."""

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.analytics.liquidation_samples import EVENTS, START, event

from headwater.analytics.liquidation_columns import LiquidationColumns
from headwater.analytics.volume_tally import STEPS_MS, StepSums
from headwater.core.records import Liquidation
from headwater.storage.liquidation_blocks import (
    DAY_MS,
    pack_events,
    pack_sums,
    unpack_events,
    unpack_sums,
)

DAY = START // DAY_MS


def same(one: msgspec.Struct, other: msgspec.Struct) -> bool:
    """Whether all arrays have the same kind and numbers."""
    names = one.__struct_fields__
    return all(
        getattr(one, name).dtype == getattr(other, name).dtype
        and np.array_equal(getattr(one, name), getattr(other, name))
        for name in names
    )


@given(EVENTS)
def test_events_come_back(events: list[Liquidation]) -> None:
    columns = LiquidationColumns.of(events)
    assert same(unpack_events(pack_events(columns, DAY), len(columns), DAY), columns)


@given(EVENTS, st.sampled_from(STEPS_MS))
def test_sums_come_back(events: list[Liquidation], step_ms: int) -> None:
    sums = StepSums.of(LiquidationColumns.of(events), step_ms)
    assert sums is not None
    assert same(unpack_sums(pack_sums(sums, DAY), len(sums), DAY), sums)


def test_an_event_takes_37_bytes_and_a_sum_41() -> None:
    """Received, price, value, quantity 8 each, time 4, flags 1; of a sum four words of 8, 4, 4, 1.

    The layout is on disks: a change needs a migration that deletes all blocks.
    """
    columns = LiquidationColumns.of([event(5, 100.0, 2.0, exchange="binance")])
    content = pack_events(columns, DAY)
    assert len(content) == 37
    assert content[32:] == bytes([5, 0, 0, 0, 3]), "5 ms after midnight, a long, throttled"
    sums = StepSums.of(columns, STEPS_MS[0])
    assert sums is not None
    assert pack_sums(sums, DAY) == bytes(
        [200, *[0] * 7, *[0] * 8, 2, *[0] * 7, *[0] * 8, 0, 0, 0, 0, 1, 0, 0, 0, 3]
    )


def test_bytes_of_another_length_are_refused() -> None:
    content = pack_events(LiquidationColumns.of([event(0)]), DAY)
    with pytest.raises(ValueError, match="a block of 1 rows has 38 bytes instead of 37"):
        unpack_events(content + b"\0", 1, DAY)
    with pytest.raises(ValueError, match="buffer"):
        unpack_events(content, 2, DAY)
