"""The print tape: numbers without holes, found by print and by fill, bounded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.simulator import prints as module
from headwater.simulator.matching import Print
from headwater.simulator.prints import PrintTape


def _tape(fills: list[int]) -> tuple[PrintTape, list[Print]]:
    tape, made, next_fill = PrintTape(100, 1_000), [], 1_000
    for index, count in enumerate(fills):
        one = Print(index, 5 + index, 1 + index, index % 2 == 0, next_fill, next_fill + count - 1)
        next_fill += count
        made.append(one)
        assert tape.append(one) == 100 + index
    return tape, made


@given(st.lists(st.integers(1, 5), min_size=1, max_size=30))
def test_every_fill_leads_to_its_print(fills: list[int]) -> None:
    """Each print comes back as it was made, under its number and under each of its fills."""
    tape, made = _tape(fills)
    for index, one in enumerate(made):
        assert tape.at(100 + index) == one
        for fill_id in range(one.first_fill_id, one.last_fill_id + 1):
            assert tape.sequence_of_fill(fill_id) == 100 + index
    assert tape.at(99) is tape.at(100 + len(fills)) is None
    assert tape.sequence_of_fill(999) is tape.sequence_of_fill(tape.next_fill_id) is None


def test_a_missing_or_doubled_fill_is_an_error() -> None:
    """The tape refuses a hole."""
    tape, _ = _tape([2])
    with pytest.raises(ValueError, match="expected 1002"):
        tape.append(Print(1, 5, 1, True, 1_003, 1_003))


def test_the_oldest_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bound holds and the numbers of what is left do not move."""
    monkeypatch.setattr(module, "MAX_PRINTS", 10)
    monkeypatch.setattr(module, "_TRIM_SLACK", 3)
    tape, made = _tape([2] * 40)
    assert 10 <= tape.next_sequence - tape.first_sequence <= 13
    assert tape.at(tape.first_sequence) == made[tape.first_sequence - 100]
    assert tape.sequence_of_fill(1_000) is None
    assert tape.sequence_of_fill(made[-1].last_fill_id) == 139
