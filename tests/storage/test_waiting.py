"""What waits for the writer: bounded, oldest first, and nothing lost without being counted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.storage.samples import forecast, gap, trade

from headwater.core.enums import StoredTable
from headwater.core.errors import StorageUnavailable
from headwater.storage.waiting import DURABLE_ROWS_MAX, Batch, Waiting

TRADES = StoredTable.TRADES


def _numbers(batch: Batch) -> list[object]:
    return [record.trade_id for _, records in batch for record in records]


def test_the_oldest_make_room_and_are_counted() -> None:
    waiting = Waiting("here", 3, 100)
    for number in range(5):
        waiting.put(trade(number))
    waiting.put(gap())
    assert waiting.counts[TRADES] == (3, 2)
    assert waiting.counts[StoredTable.GAPS] == (1, 0)
    assert _numbers(waiting.take(2)) == [2, 3]
    assert _numbers(waiting.take(1)) == [4]


def test_what_was_let_go_is_told_once_with_its_extent() -> None:
    waiting = Waiting("here", 2, 100)
    for number in range(4):
        waiting.put(trade(number, at_ms=number))
    taken = waiting.take(2)
    waiting.put(trade(4, at_ms=4))
    waiting.give_back(taken)
    (lost,) = waiting.take_lost("binance")
    assert (lost.count, lost.first_ms, lost.last_ms) == (3, 0, 2)
    assert waiting.take_lost("binance") == []
    assert waiting.counts[TRADES] == (2, 3)


def test_what_comes_back_stands_in_front_and_gives_way_first() -> None:
    waiting = Waiting("here", 4, 100)
    for number in range(4):
        waiting.put(trade(number))
    taken = waiting.take(3)
    waiting.put(trade(4))
    waiting.put(trade(5))
    waiting.give_back(taken)
    assert waiting.counts[TRADES] == (4, 2)
    assert _numbers(waiting.take(10)) == [2, 3, 4, 5]


@given(st.lists(st.sampled_from(["put", "take", "back", "keep"]), max_size=80))
def test_every_row_is_written_waits_or_is_counted(steps: list[str]) -> None:
    waiting = Waiting("here", 5, 100)
    put, written = 0, 0
    held: list[Batch] = []
    for step in steps:
        if step == "put":
            waiting.put(trade(put))
            put += 1
        elif step == "take":
            held.append(waiting.take(2))
        elif held and step == "back":
            waiting.give_back(held.pop())
        elif held:
            written += len(_numbers(held.pop()))
    inside, dropped = waiting.counts[TRADES]
    assert inside <= 5
    assert put == written + inside + dropped + sum(len(_numbers(one)) for one in held)


def test_durable_rows_are_refused_when_there_are_too_many() -> None:
    waiting = Waiting("here", 1, 100)
    waiting.put_durable([forecast()] * DURABLE_ROWS_MAX)
    with pytest.raises(StorageUnavailable, match="durable rows wait"):
        waiting.put_durable([forecast()])
    (request,) = waiting.take_durable()
    assert request.rows == DURABLE_ROWS_MAX
    waiting.put_durable([forecast()])
    waiting.close()
    with pytest.raises(StorageUnavailable, match="closed"):
        waiting.put_durable([forecast()])


def test_giving_up_counts_what_is_lost() -> None:
    waiting = Waiting("here", 10, 100)
    waiting.put(trade(1))
    waiting.put(gap())
    assert waiting.drop_all() == 2
    assert waiting.counts[TRADES] == (0, 1)
