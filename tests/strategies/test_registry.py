"""Finding strategies: cheaply, by name, and what is broken by its name."""

import subprocess
import sys
from pathlib import Path

import pytest

from headwater.core.errors import RequestError
from headwater.strategies.base import BaseStrategy
from headwater.strategies.registry import (
    STRATEGY_REGISTRY,
    StrategyRegistry,
    registered_strategy,
    strategy_class,
)
from headwater.strategies.sma_cross import SmaCross

SHIPPED = [
    "base",
    "bollinger_breakout",
    "breakout_reset",
    "funding_carry",
    "liquidation_fade",
    "macd",
    "mean_reversion",
    "rsi",
    "sma_cross",
]


def _package(folder: Path, monkeypatch: pytest.MonkeyPatch, entries: str) -> StrategyRegistry:
    """An installed package with entry points, as packaging tools leave it behind."""
    info = folder / "stranger-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[headwater.strategies]\n{entries}\n")
    (folder / "stranger_package.py").write_text(
        "from headwater.strategies.base import BaseStrategy\n"
        "class Mine(BaseStrategy):\n    name = 'mine'\n"
        "NUMBER = 5\n"
    )
    (folder / "stranger_broken.py").write_text("raise RuntimeError('no licence')\n")
    monkeypatch.syspath_prepend(folder)
    return StrategyRegistry()


def test_every_shipped_strategy_is_found_by_its_module() -> None:
    assert list(STRATEGY_REGISTRY) == SHIPPED
    assert len(STRATEGY_REGISTRY) == len(SHIPPED)
    assert STRATEGY_REGISTRY["base"] is BaseStrategy
    assert STRATEGY_REGISTRY["sma_cross"] is SmaCross
    assert "mean_reversion" in STRATEGY_REGISTRY
    for absent in ("bars", "registry", "nothing", "os", "..", "headwater.core", "", 5):
        assert absent not in STRATEGY_REGISTRY
    with pytest.raises(KeyError):
        STRATEGY_REGISTRY["bars"]


@pytest.mark.parametrize("name", SHIPPED)
def test_every_strategy_can_be_made_without_parameters(name: str) -> None:
    strategy = STRATEGY_REGISTRY[name]()
    assert strategy.name == name
    assert strategy.description.endswith(".")
    assert strategy.lookback >= 0
    strategy.checked_bracket()


def test_looking_one_up_imports_no_other() -> None:
    code = (
        "import sys; from headwater.strategies.registry import strategy_class;"
        "strategy_class('sma_cross');"
        "found = [one for one in ('rsi', 'macd', 'mean_reversion')"
        "         if 'headwater.strategies.' + one in sys.modules];"
        "sys.exit(len(found) + ('importlib.metadata' in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_strategies_of_other_packages_are_found_and_broken_ones_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = _package(
        tmp_path,
        monkeypatch,
        "mine = stranger_package:Mine\nlost = stranger_package:Lost\n"
        "number = stranger_package:NUMBER\nbroken = stranger_broken:Mine\n"
        "sma_cross = stranger_package:Mine",
    )
    assert registry["mine"].name == "mine"
    assert "mine" in list(registry)
    assert not {"lost", "number", "broken"} & set(registry)
    assert registry["sma_cross"] is SmaCross
    problems = registry.problems
    assert set(problems) == {"lost", "number", "broken"}
    assert "RuntimeError: no licence" in problems["broken"]
    assert "no subclass of BaseStrategy" in problems["number"]
    assert "stranger_package:Lost" in problems["lost"]
    with pytest.raises(RequestError, match=r"can be loaded.*no licence"):
        strategy_class("broken")


def test_an_unknown_name_is_told_with_those_that_there_are() -> None:
    with pytest.raises(RequestError, match=r"strategy='sma': one of base, .*sma_cross, or path"):
        strategy_class("sma")


def test_a_file_is_run_for_the_command_line_only(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        "from headwater.strategies.base import BaseStrategy\n"
        "class Mine(BaseStrategy):\n    name = 'mine'\n"
    )
    assert strategy_class(f"{file}:Mine").name == "mine"
    assert strategy_class(str(file)).name == "mine"
    for text in (f"{file}:Mine", str(file)):
        with pytest.raises(RequestError, match="one of base"):
            registered_strategy(text)
