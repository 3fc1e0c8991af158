"""The collector's setting during a run, and after it."""

import gc
from collections.abc import Iterator

import pytest

from headwater.backtest.collection import YOUNG_MAX, collecting_rarely


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    former = gc.get_threshold()
    yield
    gc.set_threshold(*former)


@pytest.mark.parametrize(
    ("set_to", "inside"), [(700, YOUNG_MAX), (2 * YOUNG_MAX, 2 * YOUNG_MAX), (0, 0)]
)
def test_it_looks_less_often_and_is_set_back_even_after_an_error(set_to: int, inside: int) -> None:
    def failing() -> None:
        with collecting_rarely():
            found.append(gc.get_threshold())
            raise ValueError("within")

    found: list[tuple[int, int, int]] = []
    gc.set_threshold(set_to, 11, 12)
    with pytest.raises(ValueError, match="within"):
        failing()
    assert found == [(inside, 11, 12)]
    assert gc.get_threshold() == (set_to, 11, 12)
