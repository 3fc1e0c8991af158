"""A sweep on a Dask cluster over loopback: the same rows as on this machine."""

import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.backtest.drives import walk
from tests.backtest.swept import Crossing, Failing, FatalOnce

from headwater.backtest.assumptions import Assumptions
from headwater.backtest.parameter_ranges import ParameterRange
from headwater.backtest.sweep import Sweep
from headwater.backtest.sweep_cluster import Cluster
from headwater.backtest.sweep_crews import SweepWorkerLost
from headwater.core.errors import RequestError

RANGES = [ParameterRange.of("fast", 2, 6), ParameterRange.of("slow", 8, 20, 4)]


@pytest.fixture(scope="module")
def scheduler() -> Iterator[Any]:
    """Scheduler and a worker of two threads, on a socket of loopback."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=1,
        threads_per_worker=2,
        processes=False,
        protocol="tcp",
        host="127.0.0.1",
        dashboard_address=":0",
    ) as cluster:
        yield cluster


def test_the_same_rows_as_here(scheduler: Any) -> None:
    parts: dict[str, Any] = {"strategy": Crossing, "data": walk(1, 800), "ranges": RANGES}
    costs = Assumptions(fee_rate=0.001)
    there = Sweep(**parts, assumptions=costs, scheduler=scheduler.scheduler_address).run()
    here = Sweep(**parts, assumptions=costs).run()
    assert there.drive == f"cluster {scheduler.scheduler_address}"
    assert there.numbers.tolist() == here.numbers.tolist()
    assert there.figures.tolist() == here.figures.tolist()
    assert there.blocks.tolist() == here.blocks.tolist()


def test_the_compiled_account_runs_there_too(scheduler: Any) -> None:
    wide = [ParameterRange.of("fast", 2, 11), ParameterRange.of("slow", 12, 21)]
    parts: dict[str, Any] = {"strategy": Crossing, "data": walk(2, 51_000), "ranges": wide}
    there = Sweep(**parts, scheduler=scheduler.scheduler_address).run()
    here = Sweep(**parts).run()
    assert here.drive.startswith("compiled")
    assert there.figures.tolist() == here.figures.tolist()


def test_an_error_there_names_the_combination(scheduler: Any) -> None:
    sweep = Sweep(Failing, walk(3, 200), RANGES, scheduler=scheduler.scheduler_address)
    with pytest.raises(RequestError, match=r"fast=4.*not 4"):
        sweep.run()


def test_a_chunk_whose_worker_was_killed_is_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two worker processes, of which one is killed in the middle of the sweep."""
    dask = pytest.importorskip("dask")
    distributed = pytest.importorskip("distributed")
    monkeypatch.setenv("FATAL_ONCE", str(tmp_path / "killed"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    # The scheduler itself gives a chunk up at the first loss; what tries again is the sweep.
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=":0"
        ) as cluster,
    ):
        bars = walk(5, 300)
        sweep = Sweep(FatalOnce, bars, RANGES, scheduler=cluster.scheduler_address)
        there = sweep.run()
        (tmp_path / "killed").unlink()
        monkeypatch.setattr("headwater.backtest.sweep_cluster._RETRIES", 0)
        with pytest.raises(SweepWorkerLost, match="lost their workers 1 times"):
            sweep.run()
    assert (tmp_path / "killed").exists()
    here = Sweep(Crossing, bars, RANGES).run()
    assert there.figures.tolist() == here.figures.tolist()


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("foo", "the address of a Dask scheduler: tcp://host:port"),
        ("tcp://host", "the address of a Dask scheduler: tcp://host:port"),
        ("tcp://127.0.0.1:70000", "the address of a Dask scheduler: tcp://host:port"),
        ("http://127.0.0.1:8786", "the address of a Dask scheduler: tcp://host:port"),
        ("tcp://127.0.0.1:1", "that answers within"),
    ],
)
def test_nobody_at_the_address_is_told(address: str, said: str) -> None:
    task = Sweep(Crossing, walk(4, 100), RANGES).task
    with pytest.raises(RequestError, match=said):
        Cluster(task, address, compiled=False)


def test_somebody_who_is_no_scheduler_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A listener that says nothing, which Dask's own client would wait for half a minute."""
    monkeypatch.setattr("headwater.backtest.sweep_cluster._CONNECT_S", 0.2)
    task = Sweep(Crossing, walk(4, 100), RANGES).task
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(RequestError, match="timed out"):
            Cluster(task, f"tcp://127.0.0.1:{port}", compiled=False)
