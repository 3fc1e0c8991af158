"""Applications of this folder's tests are made in a third of the time."""

from collections.abc import Iterator

import pytest
from tests.api.shared_fields import shared_fields


@pytest.fixture(autouse=True, scope="session")
def _shared_fields() -> Iterator[None]:
    """What FastAPI makes of equal parameters is made once for all of them."""
    with shared_fields():
        yield
