"""The simulated exchanges as a child process: started, asked where they listen, stopped.

The child ends by itself when its standard input closes, so it never outlives its parent.
"""

import asyncio
import json
import sys
from collections.abc import Sequence
from typing import Final

import msgspec

from headwater.app.settings import VenueAddressSettings
from headwater.core.errors import PlatformError

START_TIMEOUT_S: Final = 120.0
"""Longest wait for the child's first line; beyond it the start has failed.

It comes after a second or two; a small machine that does much else takes thirty times as long.
"""
STOP_TIMEOUT_S: Final = 5.0
"""Longest wait for the child's orderly end; beyond it it is killed."""


class SimulatorFailed(PlatformError):
    """The simulated exchanges did not start, or ended while they were needed.

    Args:
        problem: what happened, in words.
    """

    def __init__(self, problem: str) -> None:
        super().__init__(f"simulated exchanges: {problem}")


class SimulatorOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How the child is started; see `headwater simulate --help`.

    Attributes:
        seed: decides everything that happens.
        speed: simulated seconds per second.
        venues: venue ids, empty for all.
        symbols: canonical symbols, empty for the usual ones.
        faults: path of a fault plan, None for a calm day.
    """

    seed: int = 1
    speed: float = 1.0
    venues: tuple[str, ...] = ()
    symbols: tuple[str, ...] = ()
    faults: str | None = None


class SimulatedExchanges:
    """A running child process.

    Args:
        options: how to start it.
    """

    def __init__(self, options: SimulatorOptions) -> None:
        self._options = options
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> dict[str, VenueAddressSettings]:
        """Starts the child and waits until it listens.

        Returns:
            Addresses by venue id.

        Raises:
            SimulatorFailed: it ended, or said nothing in time, or nothing that can be read.
        """
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "headwater.app",
            *_arguments(self._options),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            # Ctrl-C on a terminal reaches the platform alone, which then stops its exchanges last.
            start_new_session=True,
        )
        assert self._process.stdout is not None
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                line = await self._process.stdout.readline()
        except TimeoutError as error:
            await self.stop()
            raise SimulatorFailed(f"did not start within {START_TIMEOUT_S:.0f} s") from error
        if not line:
            code = await self._process.wait()
            raise SimulatorFailed(f"ended at once with exit code {code}; its error is above")
        return _addresses(line)

    async def wait(self) -> int:
        """Waits for the child to end; returns its exit code."""
        assert self._process is not None
        return await self._process.wait()

    @property
    def pid(self) -> int | None:
        """Process id, None before the start."""
        return None if self._process is None else self._process.pid

    async def stop(self) -> None:
        """Ends the child: closes its input, then terminates, then kills. Harmless when repeated."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        if process.stdin is not None:
            process.stdin.close()
        for end in (None, process.terminate, process.kill):
            if end is not None:
                end()
            try:
                async with asyncio.timeout(STOP_TIMEOUT_S):
                    await process.wait()
            except TimeoutError:
                continue
            return


def _arguments(options: SimulatorOptions) -> Sequence[str]:
    arguments = ["simulate", "--port", "0", "--stop-with-stdin"]
    arguments += ["--seed", str(options.seed), "--speed", str(options.speed)]
    if options.venues:
        arguments += ["--venues", ",".join(options.venues)]
    if options.symbols:
        arguments += ["--symbols", ",".join(options.symbols)]
    if options.faults is not None:
        arguments += ["--faults", options.faults]
    return arguments


def _addresses(line: bytes) -> dict[str, VenueAddressSettings]:
    try:
        venues = json.loads(line)["venues"]
        return {
            venue: VenueAddressSettings(rest=where["rest"], streams=where["streams"])
            for venue, where in venues.items()
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SimulatorFailed(f"said {line[:200]!r} instead of its addresses") from error
