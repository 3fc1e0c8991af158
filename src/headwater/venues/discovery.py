"""Finds the venues: every sub-package of this one that names a `VENUE`.

Nothing else lists them. Adding a folder adds a venue.
"""

import importlib
import pkgutil
from functools import cache

import headwater.venues
from headwater.core.errors import RequestError
from headwater.venues.base import Venue

BRIDGE = "ccxt_bridge"
"""The folder that is no venue but makes them."""


@cache
def venues() -> dict[str, Venue]:
    """All venues by id, in alphabetical order.

    Raises:
        TypeError: a folder names no `VENUE`, or one that is not a `Venue`.
    """
    found: dict[str, Venue] = {}
    for module in sorted(pkgutil.iter_modules(headwater.venues.__path__), key=lambda m: m.name):
        if not module.ispkg or module.name == BRIDGE:
            continue
        package = importlib.import_module(f"headwater.venues.{module.name}")
        venue = getattr(package, "VENUE", None)
        if not isinstance(venue, Venue):
            raise TypeError(f"{package.__name__} names no VENUE of type Venue")
        found[venue.facts.venue_id] = venue
    return found


def venue(venue_id: str) -> Venue:
    """The venue with this id.

    Raises:
        RequestError: there is none; says which there are.
    """
    found = venues().get(venue_id)
    if found is None:
        raise RequestError("exchange", venue_id, f"one of {', '.join(venues())}")
    return found
