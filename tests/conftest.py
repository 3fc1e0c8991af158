"""What every test shares: where recordings are, and no event loop left over from elsewhere."""

import asyncio
import gc
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import HealthCheck, settings

# A shared, noisy machine: a slow example is no failure.
settings.register_profile(
    "headwater", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("headwater")

_configure = structlog.configure


def _configure_uncached(**settings: Any) -> None:
    _configure(**{**settings, "cache_logger_on_first_use": False})


# A command called in the tests' own process sets up its logs. A logger that kept that would write
# to the command's closed stream ever after, and no later test would see its lines.
structlog.configure = _configure_uncached  # type: ignore[assignment]


# Otherwise the first look for "the current loop" makes one that nobody closes.
asyncio.set_event_loop(None)


_REAL_TIME = ("app", "clients", "dashboard", "end_to_end", "examples")
_REAL_PROCESSES = ("test_job_", "test_jobs", "test_sweep", "test_reconnect_", "test_restless_")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that watch browsers and processes in real time have a second try.

    A stranger's machine may stall any of them for half a minute. Which test took its second try is
    told at the end (`R`), and is looked at: a fault that is always there fails both.
    """
    tests = Path(__file__).parent
    for item in items:
        if tests not in item.path.parents:
            continue
        folder = item.path.relative_to(tests).parts[0]
        if folder in _REAL_TIME or item.path.name.startswith(_REAL_PROCESSES):
            item.add_marker(pytest.mark.flaky(reruns=1))


def pytest_sessionstart() -> None:
    """What is collected is no garbage: none is looked for until all tests are there."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Leaves what is there before the first test out of every garbage collection.

    Modules and thousands of collected tests stay to the end; to walk over them at each full
    collection took longer than many a test. And it is looked for less often than a program should:
    what a test makes is mostly gone before.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)
    gc.enable()


@pytest.fixture(autouse=True, scope="session")
def plain_logs() -> Iterator[None]:
    """Log lines as JSON: structlog's own default draws every traceback with all its variables."""
    structlog.configure(
        processors=[structlog.processors.format_exc_info, structlog.processors.JSONRenderer()],
        logger_factory=structlog.PrintLoggerFactory(sys.__stderr__),
    )
    yield
    structlog.reset_defaults()


@pytest.fixture(autouse=True)
def logs_as_before(plain_logs: None) -> Iterator[None]:
    """Takes back what a command called in this process has set for its logs."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    before = structlog.get_config()
    yield
    if structlog.get_config() != before:
        structlog.configure(**before)
        root.handlers[:] = handlers
        root.setLevel(level)


@pytest.fixture(scope="session")
def wire_dir() -> Path:
    """Folder of the recorded messages; tests that need it are skipped where it is not."""
    configured = os.environ.get("HEADWATER_WIRE")
    folder = (
        Path(configured) if configured else Path(__file__).resolve().parents[2] / "shared" / "wire"
    )
    if not folder.is_dir():
        pytest.skip("recorded messages are not here (set HEADWATER_WIRE to their folder)")
    return folder


@pytest.fixture(scope="session", autouse=True)
def own_data_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test, nor a process that it starts, ever writes to the data folder of whoever runs it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEADWATER_DATA_DIR", str(tmp_path_factory.mktemp("data")))
        yield
