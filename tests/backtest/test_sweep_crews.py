import os
import signal
from collections.abc import Iterator

import numpy as np
import pytest
from tests.backtest.drives import walk
from tests.backtest.swept import Crossing, Failing

from headwater.analytics.arrays import FloatArray
from headwater.backtest.assumptions import Assumptions
from headwater.backtest.sweep_crews import (
    Alone,
    Chunk,
    Crew,
    Processes,
    SweepWorkerLost,
    Threads,
    chunk_figures,
    cores,
)
from headwater.backtest.sweep_drives import SingleDrive
from headwater.backtest.sweep_task import SweepTask
from headwater.core.errors import RequestError
from headwater.strategies.base import BaseStrategy


class Fatal(Crossing):
    """Its process is killed at one combination, as the kernel does when memory is short."""

    name = "fatal"

    def generate_signals(self, data: object) -> object:  # type: ignore[override]
        if self.params["fast"] == 4:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().generate_signals(data)


def task_of(strategy: type[BaseStrategy]) -> SweepTask:
    return SweepTask(strategy=strategy, bars=walk(1, 500), assumptions=Assumptions())


def chunks(count: int) -> Iterator[Chunk]:
    """Fast averages of 2, 3, 4, … bars, two to a chunk."""
    for start in range(0, count, 2):
        places = np.arange(start, min(start + 2, count))
        yield Chunk(
            places=places, parameters=tuple({"fast": 2 + at, "slow": 40} for at in places.tolist())
        )


def gathered(crew: Crew, count: int) -> FloatArray:
    rows = np.zeros((count, 14))
    with crew:
        for figures in crew.run(chunks(count)):
            rows[figures.places] = figures.rows
    return rows


def test_every_crew_finds_the_same() -> None:
    task = task_of(Crossing)
    expected = gathered(Alone(SingleDrive(task)), 9)
    assert np.count_nonzero(expected[:, 5]) == 9
    assert gathered(Threads(SingleDrive(task), 3), 9).tolist() == expected.tolist()
    assert gathered(Processes(task, 2), 9).tolist() == expected.tolist()


def test_an_error_names_the_combination() -> None:
    task = task_of(Failing)
    for crew in (Alone(SingleDrive(task)), Threads(SingleDrive(task), 2), Processes(task, 1)):
        with pytest.raises(RequestError, match=r"fast=4, slow=40.*not 4"):
            gathered(crew, 6)


def test_a_killed_process_is_told() -> None:
    with pytest.raises(SweepWorkerLost, match="ended by itself"):
        gathered(Processes(task_of(Fatal), 1), 6)


def test_no_more_chunks_are_out_than_twice_the_workers() -> None:
    drawn = 0

    def counted() -> Iterator[Chunk]:
        nonlocal drawn
        for chunk in chunks(100):
            drawn += 1
            yield chunk

    with Threads(SingleDrive(task_of(Crossing)), 2) as crew:
        figures = crew.run(counted())
        next(figures)
        assert drawn == 4


def test_places_travel_with_the_figures() -> None:
    chunk = Chunk(places=np.array([7, 3]), parameters=({"fast": 2}, {"fast": 3}))
    assert chunk_figures(SingleDrive(task_of(Crossing)), chunk).places.tolist() == [7, 3]


def test_there_is_a_processor() -> None:
    assert 1 <= cores() <= 64
