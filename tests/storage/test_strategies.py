"""Versions of configured strategies: each change kept, two changes of one version never both."""

from tests.storage.samples import T0, fetch, store_together, strategy

from headwater.storage.base import Database
from headwater.storage.strategies import newest, version_of, versions


def test_every_version_stays_and_the_last_one_counts(database: Database) -> None:
    made = [strategy(), strategy(2, is_active=True), strategy(3, name="Other")]
    assert store_together(database, made) == 3
    assert fetch(database, versions("s1", 10)) == made[::-1]
    assert fetch(database, versions("s1", 2)) == [made[2], made[1]]
    assert fetch(database, version_of("s1", 2)) == [made[1]]
    assert fetch(database, version_of("s1", 4)) == []
    assert fetch(database, newest(10)) == [made[2]]


def test_of_two_changes_of_one_version_the_first_stays(database: Database) -> None:
    store_together(database, [strategy()])
    assert store_together(database, [strategy(2, name="first")]) == 1
    assert store_together(database, [strategy(2, name="second", saved_ms=T0 + 9)]) == 0
    assert [one.name for one in fetch(database, newest(10))] == ["first"]


def test_active_ones_alone_and_deleted_ones_not_at_all(database: Database) -> None:
    store_together(
        database,
        [
            strategy(),
            strategy(strategy_id="s2", created_ms=T0 + 1, is_active=True),
            strategy(strategy_id="s3", created_ms=T0 + 2, is_active=True),
            strategy(2, strategy_id="s3", created_ms=T0 + 2, is_deleted=True),
        ],
    )
    assert [one.strategy_id for one in fetch(database, newest(10))] == ["s1", "s2"]
    assert [one.strategy_id for one in fetch(database, newest(1))] == ["s1"]
    assert [one.strategy_id for one in fetch(database, newest(10, active_only=True))] == ["s2"]
