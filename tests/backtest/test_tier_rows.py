"""Margin tiers as people state them: rows, files, the copy that ships; and what is refused."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from headwater.backtest.tier_rows import (
    TIERS_MAX,
    TierRow,
    shipped_rows,
    tier_rows_of_file,
    tiers_of,
)
from headwater.core.errors import RequestError

TWO: list[dict[str, Any]] = [
    {"notional_floor": 0, "maintenance_rate": 0.01, "leverage_max": 20},
    {"notional_floor": 1_000, "maintenance_rate": 0.02, "leverage_max": 10},
]


def rows(*changes: dict[str, float]) -> list[TierRow]:
    return [TierRow(**{**TWO[at], **one}) for at, one in enumerate(changes)]


def test_caps_and_deductions_follow_from_the_rows() -> None:
    """At 1,000 the requirement is 10 by the first tier, so the second takes off 1,000 × 0.01."""
    first, second = tiers_of(rows({}, {}))
    assert (first.notional_cap, first.maintenance_deduction) == (1_000.0, 0.0)
    assert (second.notional_cap, second.maintenance_deduction) == (math.inf, 10.0)
    assert second.leverage_max == 10.0
    assert tiers_of([]) == ()


@pytest.mark.parametrize(
    ("given", "match"),
    [
        (rows({"notional_floor": 5.0}), "begin at a notional of 0"),
        (rows({}, {"notional_floor": 0.0}), "must ascend"),
        (rows({"maintenance_rate": 1.0}), "must be in"),
        (rows({"maintenance_rate": math.nan}), "must be in"),
        (rows({}, {"leverage_max": 0.5}), "row 2: leverage_max"),
        (rows({"leverage_max": math.nan}), "row 1: leverage_max"),
        (rows({"notional_floor": math.inf}), "row 1: notional_floor"),
        (rows({}) * (TIERS_MAX + 1), f"at most {TIERS_MAX}"),
    ],
)
def test_rows_that_are_no_table_are_named(given: list[TierRow], match: str) -> None:
    with pytest.raises(RequestError, match=match):
        tiers_of(given)


def test_the_copy_that_ships_says_its_date() -> None:
    found, source = shipped_rows("binance", "BTCUSDT")
    assert (found[0].maintenance_rate, found[0].leverage_max) == (0.004, 125.0)
    assert "snapshot of 2024-10" in source
    # 50,000 × (0.005 − 0.004)
    assert tiers_of(found)[1].maintenance_deduction == pytest.approx(50.0)
    for exchange, symbol in (("binance", "ETHUSDT"), ("okx", "BTCUSDT"), ("", "")):
        with pytest.raises(RequestError, match=r"tiers=.*copy ships"):
            shipped_rows(exchange, symbol)


def test_a_file_has_rows_or_a_saved_answer(tmp_path: Path) -> None:
    file = tmp_path / "tiers.json"
    file.write_text(json.dumps(TWO))
    assert tier_rows_of_file(file) == tuple(rows({}, {}))
    answered = [
        {
            "tier_number": at,
            "min_notional": one["notional_floor"],
            "max_notional": None,
            "margin_rate": one["maintenance_rate"],
            "max_leverage": one["leverage_max"],
            "min_quantity": None,
        }
        for at, one in enumerate(TWO)
    ]
    file.write_text(json.dumps({"exchange": "okx", "tiers": answered}))
    assert tier_rows_of_file(file) == tuple(rows({}, {}))


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("{", "JSON"),
        ("[]", "a list of tiers"),
        ('{"rows": []}', "a list of tiers"),
        ("[1]", "rows with notional_floor"),
        ('[{"notional_floor": 0}]', "maintenance_rate"),
        ('[{"notional_floor":"a","maintenance_rate":0,"leverage_max":1}]', "float"),
        ('[{"min_notional":0,"margin_rate":0,"max_leverage":1,"min_quantity":0}]', "by quantity"),
    ],
)
def test_files_that_are_no_table_are_named(tmp_path: Path, text: str, match: str) -> None:
    file = tmp_path / "tiers.json"
    file.write_text(text)
    with pytest.raises(RequestError, match=match):
        tier_rows_of_file(file)
    with pytest.raises(RequestError, match="No such file"):
        tier_rows_of_file(tmp_path / "none.json")
