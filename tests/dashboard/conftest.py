"""The API on a real socket, and one browser that looks at it in all tests of a process.

A browser takes a second to start, longer than most tests look at a page; what a test opened in it
is closed after the test. So the tests of this folder share one event loop, too.
"""

import inspect
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser
from tests.api.served import Platform
from tests.api.shared_fields import shared_fields
from tests.dashboard.looking import browsing


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Gives the asynchronous tests of this folder one loop; the hook is given those of all."""
    for item in items:
        is_here = Path(__file__).parent in item.path.parents
        if is_here and inspect.iscoroutinefunction(getattr(item, "obj", None)):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.fixture(autouse=True, scope="session")
def _shared_fields() -> Iterator[None]:
    """An application for each test is made in a third of the time."""
    with shared_fields():
        yield


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """The browser; tests take `browser`."""
    async with browsing() as one:
        yield one


@pytest_asyncio.fixture(loop_scope="session")
async def browser(chromium: Browser) -> AsyncIterator[Browser]:
    """A browser without pages, which remembers nothing of other tests."""
    yield chromium
    for context in chromium.contexts:
        await context.close()


@pytest_asyncio.fixture(loop_scope="session")
async def platform() -> AsyncIterator[Platform]:
    """Served with its default settings; time stands still."""
    async with Platform().served() as served:
        yield served
