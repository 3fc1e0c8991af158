"""Coverage is not measured in these tests.

They prove what the running platform does, and spend their time in simulated markets, which tracing
makes three times as slow; which lines run is shown by the tests that mirror the tree.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.api.shared_fields import shared_fields


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the tests of this folder; the hook is given those of all folders."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.no_cover)


@pytest.fixture(autouse=True, scope="session")
def _shared_fields() -> Iterator[None]:
    """An application for each test is made in a third of the time."""
    with shared_fields():
        yield
