"""The guide's examples run, and the page of every strategy is there and true."""

import re
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tests.strategies.samples import bars_of
from tests.strategies.strategy_pages import parameter_table

from headwater.backtest.engine import BacktestEngine
from headwater.core.enums import Side
from headwater.strategies.base import BaseStrategy
from headwater.strategies.registry import STRATEGY_REGISTRY, strategy_class

DOCS = Path(__file__).parents[2] / "docs"
GUIDE = DOCS / "guides" / "add-a-strategy.md"


def _examples() -> list[str]:
    return re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)


def _example(name: str, folder: Path) -> type[BaseStrategy]:
    """A class of the guide, loaded as `--strategy file.py:Class` loads it."""
    (text,) = [one for one in _examples() if f"class {name}(" in one]
    file = folder / "my_strategies.py"
    file.write_text(text)
    return strategy_class(f"{file}:{name}")


@pytest.mark.parametrize(("name", "form"), [("Dip", "signals"), ("Patience", "callbacks")])
def test_the_examples_over_bars_trade(name: str, form: str, tmp_path: Path) -> None:
    strategy = _example(name, tmp_path)
    walk = 100.0 * np.exp(np.cumsum(np.random.default_rng(5).normal(0.0, 0.01, 3_000)))
    assert strategy.form() == form
    result = BacktestEngine(strategy(), "BTCUSDT", data=bars_of(walk.tolist())).run()
    assert len(result.trades) > 5


def test_the_example_of_events_places_orders(tmp_path: Path) -> None:
    strategy = _example("Catch", tmp_path)()
    assert strategy.form() == "events"
    placed: list[tuple[Any, ...]] = []
    context: Any = SimpleNamespace(
        event=SimpleNamespace(side=Side.SELL, value=300_000.0, price=100.0),
        equity=Decimal(10_000),
        bars=bars_of([100.0, 101.0]),
        position=lambda: Decimal(5),
        place=lambda side, quantity, **more: placed.append((side, quantity, more)),
    )
    strategy.on_liquidation(context)
    strategy.on_bar(context)
    assert placed == [
        (Side.BUY, Decimal("5.0"), {}),
        (Side.SELL, Decimal(5), {"reduce_only": True}),
    ]


def test_every_example_is_one_of_the_three() -> None:
    assert len(_examples()) == 3


@pytest.mark.parametrize("name", [name for name in STRATEGY_REGISTRY if name != "base"])
def test_every_strategy_has_a_page_that_is_true(name: str) -> None:
    page = (DOCS / "strategies" / f"{name}.md").read_text()
    for heading in ("## Rule", "## What it assumes", "## When it loses", "## Parameters"):
        assert heading in page
    assert parameter_table(STRATEGY_REGISTRY[name]) in page
    assert f"[`{name}`]({name}.md)" in (DOCS / "strategies" / "README.md").read_text()


def test_links_of_the_pages_lead_somewhere() -> None:
    for page in [GUIDE, *(DOCS / "strategies").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            assert (page.parent / target).exists(), (page.name, target)
