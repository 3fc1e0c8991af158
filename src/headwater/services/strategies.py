"""Configured strategies: a registered class with its parameters under a name, every version kept.

It knows no back-test and no order: who runs a strategy reads it here. Which classes and parameters
there are is told by a function, so this module loads none.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from headwater.core.clock import Clock
from headwater.core.errors import Conflict, RequestError, UnknownRecord
from headwater.storage import strategies
from headwater.storage.store import Store
from headwater.storage.strategies import StrategyVersion

__all__ = [
    "DESCRIPTION_CHARS_MAX",
    "NAME_CHARS",
    "PARAMETERS_MAX",
    "STRATEGIES_MAX",
    "VERSIONS_SHOWN_MAX",
    "Strategies",
    "StrategyWish",
]

NAME_CHARS: Final = (3, 100)
"""Fewest and most letters of a name."""

DESCRIPTION_CHARS_MAX: Final = 500
"""Most letters of a description."""

PARAMETERS_MAX: Final = 20
"""Most parameters of a strategy."""

STRATEGIES_MAX: Final = 1_000
"""Most strategies at a time."""

VERSIONS_SHOWN_MAX: Final = 500
"""Most versions in one answer, the newest; older ones stay stored."""

_encode: Final = msgspec.json.Encoder(order="sorted").encode

CheckStrategy = Callable[[str, Mapping[str, Any]], None]
"""Refuses a class or parameters that there are not; see `StrategyCatalogue.check`."""


class StrategyWish(msgspec.Struct, frozen=True, kw_only=True):
    """What a strategy is to be.

    Attributes:
        name: 3 to 100 letters, of no other strategy.
        description: at most 500 letters.
        class_name: name of a registered class.
        parameters: values by name, at most 20; what is not given has its default.
        is_active: whether it may be used by what trades.
    """

    name: str
    description: str
    class_name: str
    parameters: dict[str, Any]
    is_active: bool = False


class Strategies:
    """Configured strategies in a database.

    Args:
        store: the database.
        clock: stamps.
        new_id: makes an id: unique, letters and digits.
        check: refuses a class or parameters that there are not.
    """

    def __init__(
        self, store: Store, clock: Clock, new_id: Callable[[], str], check: CheckStrategy
    ) -> None:
        self._store = store
        self._clock = clock
        self._new_id = new_id
        self._check = check
        self._changing = asyncio.Lock()

    async def listed(self, *, active_only: bool = False) -> Sequence[StrategyVersion]:
        """What every strategy is now, by the time it was made."""
        query = strategies.newest(STRATEGIES_MAX, active_only=active_only)
        return await self._store.fetch(query)

    async def get(self, strategy_id: str) -> StrategyVersion:
        """What a strategy is now.

        Raises:
            UnknownRecord: there is none, or it was deleted.
        """
        for one in await self._store.fetch(strategies.versions(strategy_id, 1)):
            if not one.is_deleted:
                return one
        raise UnknownRecord("id", strategy_id, "strategy")

    async def versions(self, strategy_id: str) -> Sequence[StrategyVersion]:
        """The newest versions of a strategy, newest first; of a deleted one too.

        Raises:
            UnknownRecord: there was never such a strategy.
        """
        found = await self._store.fetch(strategies.versions(strategy_id, VERSIONS_SHOWN_MAX))
        if not found:
            raise UnknownRecord("id", strategy_id, "strategy")
        return found

    async def create(self, wish: StrategyWish) -> StrategyVersion:
        """A new strategy; returns when it is on the disk.

        Raises:
            RequestError: the wish makes no sense; names the field.
            Conflict: another strategy has that name, or there are as many as may be.
        """
        self._check_wish(wish)
        async with self._changing:
            there = await self.listed()
            if len(there) >= STRATEGIES_MAX:
                raise Conflict("strategies", len(there), f"fewer than {STRATEGIES_MAX}")
            _check_name(wish.name, there)
            now_ms = self._clock.now_ms()
            return await self._save(
                StrategyVersion(
                    strategy_id=self._new_id(),
                    version=1,
                    saved_ms=now_ms,
                    created_ms=now_ms,
                    **_fields(wish),
                )
            )

    async def change(
        self, strategy_id: str, wish: StrategyWish, version: int | None = None
    ) -> StrategyVersion:
        """Makes a strategy what is wished, as a new version.

        Args:
            strategy_id: which.
            wish: all of it.
            version: the version that the caller has seen; None overwrites whichever there is.

        Raises:
            UnknownRecord: there is none.
            RequestError: the wish makes no sense; names the field.
            Conflict: another strategy has that name, or the version is another one by now.
        """
        self._check_wish(wish)
        async with self._changing:
            now = await self.get(strategy_id)
            if version is not None and version != now.version:
                raise Conflict("version", version, f"the newest one, {now.version}")
            others = [one for one in await self.listed() if one.strategy_id != strategy_id]
            _check_name(wish.name, others)
            return await self._save(self._next(now, **_fields(wish)))

    async def activate(self, strategy_id: str, *, is_active: bool) -> StrategyVersion:
        """Switches a strategy on or off, as a new version; as it is already: nothing changes.

        Raises:
            UnknownRecord: there is none.
            Conflict: somebody else changed it at the same moment.
        """
        async with self._changing:
            now = await self.get(strategy_id)
            if now.is_active == is_active:
                return now
            return await self._save(self._next(now, is_active=is_active))

    async def delete(self, strategy_id: str) -> None:
        """Takes a strategy away; its versions stay readable.

        Raises:
            UnknownRecord: there is none.
            Conflict: somebody else changed it at the same moment.
        """
        async with self._changing:
            now = await self.get(strategy_id)
            await self._save(self._next(now, is_active=False, is_deleted=True))

    def _check_wish(self, wish: StrategyWish) -> None:
        """Refuses what cannot be stored or run.

        Raises:
            RequestError: names the field.
        """
        least, most = NAME_CHARS
        if not least <= len(wish.name.strip()) <= len(wish.name) <= most:
            raise RequestError("name", wish.name, f"{least} to {most} letters")
        if len(wish.description) > DESCRIPTION_CHARS_MAX:
            raise RequestError(
                "description", wish.description, f"at most {DESCRIPTION_CHARS_MAX} letters"
            )
        for field, text in (("name", wish.name), ("description", wish.description)):
            if "\x00" in text or not text.isprintable():
                raise RequestError(field, text, "printable letters")
        if len(wish.parameters) > PARAMETERS_MAX:
            raise RequestError("parameters", len(wish.parameters), f"at most {PARAMETERS_MAX}")
        self._check(wish.class_name, wish.parameters)

    def _next(self, now: StrategyVersion, **changes: Any) -> StrategyVersion:
        return msgspec.structs.replace(
            now, version=now.version + 1, saved_ms=self._clock.now_ms(), **changes
        )

    async def _save(self, one: StrategyVersion) -> StrategyVersion:
        """Stores a version.

        Raises:
            Conflict: somebody else was faster.
        """
        if await self._store.put_durable([one]) != 1:
            raise Conflict("version", one.version, "a change of the newest version: read it again")
        return one


def _fields(wish: StrategyWish) -> dict[str, Any]:
    return {
        "name": wish.name.strip(),
        "description": wish.description,
        "class_name": wish.class_name,
        "parameters": _encode(wish.parameters).decode(),
        "is_active": wish.is_active,
    }


def _check_name(name: str, others: Sequence[StrategyVersion]) -> None:
    """Refuses a name that another strategy has, in whatever case.

    Raises:
        Conflict: it has.
    """
    wanted = name.strip().casefold()
    for other in others:
        if other.name.casefold() == wanted:
            raise Conflict("name", name, f"one of its own; {other.strategy_id} has it")
