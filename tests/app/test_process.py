"""The process: stopping, usage, limits."""

import asyncio
import os
import signal

import pytest

from headwater.app.process import ProcessUsage, raise_open_files, run_loop, until_stopped


async def test_a_signal_stops_the_wait() -> None:
    asyncio.get_running_loop().call_soon(os.kill, os.getpid(), signal.SIGTERM)
    async with asyncio.timeout(60):
        await until_stopped(None)


async def test_the_time_runs_out() -> None:
    async with asyncio.timeout(60):
        await until_stopped(0.01)


async def test_the_error_of_what_ended_is_raised() -> None:
    async def fail() -> None:
        raise ValueError("gone")

    with pytest.raises(ValueError, match="gone"):
        await until_stopped(None, asyncio.ensure_future(fail()))


def test_usage_is_measured_and_said() -> None:
    usage = ProcessUsage.now()
    assert 0 < usage.resident_bytes <= usage.peak_bytes * 2
    assert usage.cpu_s > 0
    assert "MB resident" in usage.summary(10.0)
    assert raise_open_files() > 0


def test_a_loop_runs_work_to_its_end() -> None:
    done = []

    async def work() -> None:
        done.append(type(asyncio.get_running_loop()).__name__)

    run_loop(work())
    assert len(done) == 1
