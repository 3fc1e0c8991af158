"""The API on a real socket, for tests that ask it."""

from collections.abc import AsyncIterator, Iterator

import pytest
from tests.api.served import Platform
from tests.api.shared_fields import shared_fields


@pytest.fixture(autouse=True, scope="session")
def _shared_fields() -> Iterator[None]:
    """An application for each test is made in a third of the time."""
    with shared_fields():
        yield


@pytest.fixture
async def platform() -> AsyncIterator[Platform]:
    """Served with its default settings; time stands still."""
    async with Platform().served() as served:
        yield served
