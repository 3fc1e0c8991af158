"""The suite runs once for each venue that discovery finds."""

import pytest
from tests.venues.conformance.loopback import Loopback

from headwater.venues.base import Venue
from headwater.venues.discovery import venues


@pytest.fixture(params=list(venues()), scope="session")
def venue(request: pytest.FixtureRequest) -> Venue:
    """Each venue in turn."""
    return venues()[request.param]


@pytest.fixture
def loop(venue: Venue) -> Loopback:
    """Both halves of the venue over a fresh market."""
    return Loopback(venue)
