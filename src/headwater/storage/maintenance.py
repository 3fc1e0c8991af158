"""What the writer does between writes: makes room, forgets what is too old, packs days.

In steps of one transaction each, so that rows which wait are written in between. The longest step
packs one day of one symbol and venue: some milliseconds for each thousand liquidations of it.
"""

from collections.abc import Iterator
from typing import Final

import structlog

from headwater.core.clock import Clock
from headwater.core.errors import StorageError
from headwater.storage.liquidation_blocks import DAY_MS
from headwater.storage.liquidation_days import pack_one
from headwater.storage.retention import Retention, forget
from headwater.storage.sessions import WriteSession

PACK_AFTER_MS: Final = 3_600_000
"""A day is packed so long after its end: until then late events still come, each of which would
have it packed again."""

_log: Final = structlog.stdlib.get_logger("headwater.storage.maintenance")


class Maintenance:
    """Rounds of upkeep, the first one at once.

    Args:
        clock: tells when a round is due, and which days are over.
        retention: how long rows are kept.
        every_s: from the beginning of one round to that of the next, seconds.
    """

    def __init__(self, clock: Clock, retention: Retention, every_s: float) -> None:
        self._clock = clock
        self._retention = retention
        self._every_s = every_s
        self._next_at = clock.monotonic()
        self._round: Iterator[None] | None = None
        self.forgotten = 0
        """Rows deleted so far."""
        self.packed = 0
        """Days of liquidations packed so far; one that changed later counts again."""

    @property
    def is_running(self) -> bool:
        """Whether a round has begun and not ended."""
        return self._round is not None

    @property
    def is_due(self) -> bool:
        """Whether a step is to be done now."""
        return self.is_running or self._clock.monotonic() >= self._next_at

    def step(self, session: WriteSession) -> None:
        """Does the next step of the round, or begins one.

        Raises:
            StorageError: the step failed; the round is given up.
        """
        if self._round is None:
            self._next_at = self._clock.monotonic() + self._every_s
            self._round = self._steps(session)
        try:
            next(self._round)
        except StopIteration:
            self._round = None
        except StorageError:
            self._round = None
            raise

    def give_up(self) -> None:
        """Ends the round: its connection is not to be used any more."""
        self._round = None

    def _steps(self, session: WriteSession) -> Iterator[None]:
        now_ms = self._clock.now_ms()
        with session.transaction(durable=False) as writing:
            writing.make_ahead(now_ms)
        for deleted in forget(session, self._retention, now_ms):
            self.forgotten += deleted
            yield
        before_day = (now_ms - PACK_AFTER_MS) // DAY_MS
        while True:
            try:
                with session.transaction(durable=False) as writing:
                    if not pack_one(writing, before_day):
                        return
            except StorageError as error:
                if not session.usable:
                    raise
                # Nothing is lost by it: the day is read as rows until the next round.
                _log.info("day_not_packed", reason=str(error))
                return
            self.packed += 1
            yield
