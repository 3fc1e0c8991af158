"""Which venues the settings choose, and where to reach them."""

from headwater.app.settings import Settings
from headwater.core.errors import ConfigError, RequestError
from headwater.venues.base import Venue
from headwater.venues.discovery import venue, venues
from headwater.venues.facts import Addresses


def chosen_venues(settings: Settings) -> list[Venue]:
    """The venues to connect to, in alphabetical order, and after them the bridged exchanges.

    Raises:
        ConfigError: the settings name one that does not exist, or that has its own folder.
    """
    for name in settings.venue_addresses:
        if name not in venues() and name not in settings.ccxt_exchanges:
            raise ConfigError("venue_addresses", f"{name!r} is unknown", ", ".join(venues()))
    bridged = [_bridged(name) for name in dict.fromkeys(settings.ccxt_exchanges)]
    if not settings.venues:
        return [*venues().values(), *bridged]
    try:
        return [*(venue(name) for name in sorted(set(settings.venues))), *bridged]
    except RequestError as error:
        raise ConfigError("venues", f"{error.value!r} is unknown", ", ".join(venues())) from error


def _bridged(exchange_id: str) -> Venue:
    """An exchange of ccxt as a venue; ccxt is only imported when one is wanted."""
    if exchange_id in venues():
        allowed = "an exchange that has no folder of its own"
        raise ConfigError("ccxt_exchanges", f"{exchange_id!r} is a venue of ours", allowed)
    from headwater.venues.ccxt_bridge import bridge

    return bridge(exchange_id)


def addresses_of(chosen: Venue, settings: Settings) -> Addresses:
    """Where to reach a venue: the settings' own addresses, else those of its environment.

    Raises:
        ConfigError: the venue has no such environment, or an address of it is missing.
    """
    facts = chosen.facts
    usual = facts.environments.get(settings.venue_environment)
    own = settings.venue_addresses.get(facts.venue_id)
    if own is not None:
        needed = set(facts.environments["live"].streams)
        if missing := needed - set(own.streams):
            raise ConfigError(
                "venue_addresses",
                f"{facts.venue_id} lacks {', '.join(sorted(missing))}",
                f"streams with {', '.join(sorted(needed))}",
            )
        return Addresses(rest=own.rest.rstrip("/"), streams=own.streams)
    if usual is None:
        raise ConfigError(
            "venue_environment",
            f"{facts.venue_id} has no {settings.venue_environment!r}",
            ", ".join(sorted(facts.environments)),
        )
    return usual
