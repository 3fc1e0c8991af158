"""Configured strategies: versions, conflicts and bounds, on a database of their own."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.storage.ready_tables import with_tables

from headwater.core.clock import ManualClock
from headwater.core.errors import Conflict, RequestError, UnknownRecord
from headwater.services.strategies import Strategies, StrategyWish
from headwater.storage.store import Store

WISH = StrategyWish(name="First", description="", class_name="known", parameters={"b": 2, "a": "1"})


def check(name: str, parameters: Mapping[str, Any]) -> None:
    if name != "known":
        raise RequestError("strategy", name, "known")


@pytest.fixture
async def strategies(tmp_path: Path) -> AsyncIterator[Strategies]:
    numbers = count(1)
    clock = ManualClock()
    async with Store(with_tables(tmp_path / "made.sqlite3"), clock) as store:
        yield Strategies(store, clock, lambda: f"s{next(numbers)}", check)


async def test_parameters_are_kept_in_one_spelling(strategies: Strategies) -> None:
    made = await strategies.create(WISH)
    assert made.parameters == '{"a":"1","b":2}'
    assert (made.version, made.saved_ms) == (1, made.created_ms)
    assert await strategies.get("s1") == made


async def test_changes_at_the_same_moment_are_each_kept(strategies: Strategies) -> None:
    await strategies.create(WISH)
    wishes = [msgspec.structs.replace(WISH, description=str(number)) for number in range(8)]
    done = await asyncio.gather(*(strategies.change("s1", wish) for wish in wishes))
    assert sorted(one.version for one in done) == list(range(2, 10))
    found = await strategies.versions("s1")
    assert {one.description for one in found} == {"", *(str(number) for number in range(8))}


async def test_of_two_that_saw_the_same_version_one_wins(strategies: Strategies) -> None:
    await strategies.create(WISH)
    done = await asyncio.gather(
        *(strategies.change("s1", WISH, version=1) for _ in range(3)), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in done) == ["Conflict", "Conflict", "StrategyVersion"]


async def test_a_deleted_name_is_free_again(strategies: Strategies) -> None:
    await strategies.create(WISH)
    with pytest.raises(Conflict, match="name"):
        await strategies.create(msgspec.structs.replace(WISH, name=" FIRST "))
    await strategies.delete("s1")
    with pytest.raises(UnknownRecord):
        await strategies.delete("s1")
    with pytest.raises(UnknownRecord):
        await strategies.activate("s1", is_active=True)
    assert (await strategies.create(WISH)).strategy_id == "s2"
    assert [one.strategy_id for one in await strategies.listed()] == ["s2"]
    assert (await strategies.versions("s1"))[0].is_deleted


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": "ab"}, "name"),
        ({"name": "  a  "}, "name"),
        ({"name": "new\nline"}, "name"),
        ({"description": "x" * 501}, "description"),
        ({"description": "\x00"}, "description"),
        ({"parameters": {f"p{n}": 1 for n in range(21)}}, "parameters"),
        ({"class_name": "unknown"}, "strategy"),
    ],
)
async def test_bad_wishes_store_nothing(
    strategies: Strategies, change: dict[str, Any], field: str
) -> None:
    with pytest.raises(RequestError) as refused:
        await strategies.create(msgspec.structs.replace(WISH, **change))
    assert refused.value.field == field
    assert await strategies.listed() == []
