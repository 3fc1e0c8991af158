"""Checks of this machine, the settings and the way to every venue; says what to do about each.

Each check is a small function that returns a `Finding`; none of them changes anything.
"""

import asyncio
import errno
import importlib.util
import resource
import shutil
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from headwater.api.dashboard_files import DashboardFiles
from headwater.app.settings import Settings
from headwater.app.storing import database_of_settings
from headwater.app.venues import addresses_of, chosen_venues
from headwater.core.clock import Clock, SystemClock
from headwater.core.errors import PlatformError
from headwater.feeds.probe import ProbeResult, probe_stream, probe_time
from headwater.storage.sqlite import SqliteDatabase
from headwater.storage.upgrade import newest_version, stored_version
from headwater.venues.base import Venue

CLOCK_OFFSET_MAX_MS: Final = 1_000
"""A venue refuses signed requests that are further off than this (Binance: 1 s ahead)."""
DESCRIPTORS_MIN: Final = 1_024
"""Sockets of venues and of some clients fit into so many descriptors."""
DISK_FREE_MIN_BYTES: Final = 1_000_000_000
"""A tape of one busy hour fits into so much."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """Result of one check.

    Attributes:
        what: what was looked at.
        ok: whether it is as it should be.
        found: what was found.
        advice: what to do when it is not ok; empty when it is.
    """

    what: str
    ok: bool
    found: str
    advice: str = ""

    def as_json(self) -> dict[str, object]:
        """The finding for a JSON list."""
        return msgspec.structs.asdict(self)


def examine(settings: Settings) -> list[Finding]:
    """Runs every check.

    Args:
        settings: what the platform would run with.

    Returns:
        Findings in the order of the checks; venues last.
    """
    findings = [
        _python(),
        _event_loop(),
        _descriptors(),
        _disk(settings.record_dir or settings.data_dir.expanduser()),
        _database(settings),
        _port(settings.host, settings.port),
        _dashboard(),
    ]
    return findings + asyncio.run(_venues(settings, SystemClock()))


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding(
        what="Python",
        ok=sys.version_info >= (3, 11),
        found=version,
        advice="install Python 3.11 or newer",
    )


def _event_loop() -> Finding:
    there = importlib.util.find_spec("uvloop") is not None
    found = "uvloop" if there else "the standard library's (correct, a little slower)"
    return Finding(what="event loop", ok=True, found=found)


def _descriptors() -> Finding:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return Finding(
        what="open files",
        ok=hard == resource.RLIM_INFINITY or hard >= DESCRIPTORS_MIN,
        found=f"limit {soft}, may be raised to {hard}",
        advice=f"allow at least {DESCRIPTORS_MIN} (ulimit -n), one per client and venue socket",
    )


def _disk(folder: Path) -> Finding:
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    return Finding(
        what="disk",
        ok=free >= DISK_FREE_MIN_BYTES,
        found=f"{free / 1e9:.1f} GB free",
        advice="free at least 1 GB before you record a tape",
    )


def _database(settings: Settings) -> Finding:
    """Whether the database answers with the tables of this program; nothing is made or changed."""
    what, advice = "database", "see `headwater db --help`, or set data_dir or database_url"
    try:
        database = database_of_settings(settings)
        if isinstance(database, SqliteDatabase) and not database.path.exists():
            found = f"{database.label}: made by the first run"
            return Finding(what=what, ok=True, found=found)
        version = stored_version(database)
    except PlatformError as error:
        return Finding(what=what, ok=False, found=str(error), advice=advice)
    # An older version is brought up by the next run; a newer one cannot be used.
    return Finding(
        what=what,
        ok=version is None or version <= newest_version(),
        found=f"{database.label}: version {version or 'none'}, wanted {newest_version()}",
        advice="update the program or restore a backup of before",
    )


def _dashboard() -> Finding:
    """Whether the page's third-party modules are here; everything else works without them."""
    missing = DashboardFiles().missing()
    without = f"{len(missing)} modules are missing: install Node.js with npm, then `make setup`"
    return Finding(what="dashboard", ok=True, found=without if missing else "whole")


def _port(host: str, port: int) -> Finding:
    what = f"address {host}:{port}"
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            reason = errno.errorcode.get(error.errno or 0, "")
            advice = "stop what listens there or set HEADWATER_PORT"
            return Finding(what=what, ok=False, found=f"{error.strerror} {reason}", advice=advice)
    return Finding(what=what, ok=True, found="free")


async def _venues(settings: Settings, clock: Clock) -> list[Finding]:
    found: list[Finding] = []
    for venue in chosen_venues(settings):
        found.extend(await _venue(venue, settings, clock))
    return found


async def _venue(venue: Venue, settings: Settings, clock: Clock) -> Sequence[Finding]:
    """REST, clock and every WebSocket endpoint of one venue."""
    addresses = addresses_of(venue, settings)
    name = venue.facts.display_name
    advice = "check the network, a proxy, or whether the venue serves this location"
    findings = []
    try:
        result: ProbeResult = await probe_time(
            venue, addresses, clock, timeout_s=settings.request_timeout_s
        )
    except PlatformError as error:
        findings.append(Finding(what=f"{name} REST", ok=False, found=str(error), advice=advice))
    else:
        findings.append(
            Finding(
                what=f"{name} REST",
                ok=True,
                found=f"{addresses.rest} answered in {result.round_trip_ms:.0f} ms",
            )
        )
        findings.append(
            Finding(
                what=f"{name} clock",
                ok=abs(result.offset_ms) <= CLOCK_OFFSET_MAX_MS,
                found=f"{result.offset_ms:+d} ms against ours",
                advice="synchronise this machine's clock (chrony, ntpd, systemd-timesyncd)",
            )
        )
    for endpoint in sorted(addresses.streams):
        what = f"{name} WebSocket {endpoint}"
        try:
            taken_ms = await probe_stream(venue, addresses, endpoint, clock)
        except PlatformError as error:
            findings.append(Finding(what=what, ok=False, found=str(error), advice=advice))
        else:
            findings.append(Finding(what=what, ok=True, found=f"opened in {taken_ms:.0f} ms"))
    return findings
