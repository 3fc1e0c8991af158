"""The shape of the project: what a reviewer would otherwise check by hand every time."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from headwater.venues.discovery import venues

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "headwater"
MODULE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70

VENUE_FILES = {
    "__init__.py",
    "README.md",
    "venue.py",
    "symbols.py",
    "wire.py",
    "market_rest.py",
    "market_stream.py",
    "book.py",
    "errors.py",
    "venue_side.py",
}

# Declarations without behaviour of their own; what they declare is exercised by every other test.
DECLARATIONS = {
    "analytics/arrays.py",
    "core/enums.py",
    "core/external_liquidations.py",
    "core/margin_tiers.py",
    "core/wallet_positions.py",
    "core/records.py",
    "core/http_messages.py",
    "venues/base.py",
    "venues/facts.py",
    "venues/messages.py",
    "venues/side.py",
    "venues/side_desk.py",
    "bus/bus.py",
    "bus/topics.py",
    "feeds/source.py",
    "feeds/settings.py",
    "services/map_question.py",
    "strategies/context.py",
}

# Thin rims that only make sense as a whole: the test that runs them.
RUN_BY = {
    "app/__main__.py": "tests/app/test_cli.py",
    "app/commands/info.py": "tests/app/test_cli.py",
    "app/commands/run.py": "tests/end_to_end/test_demo.py",
    "app/standing.py": "tests/app/test_live_feeds.py",
    "app/storage_settings.py": "tests/app/test_settings.py",
    "api/schemas/backtest_bodies.py": "tests/api/routes/test_backtests.py",
    "api/schemas/backtests.py": "tests/api/routes/test_backtests.py",
    "api/schemas/strategies.py": "tests/api/routes/test_strategies.py",
    "app/backtest_settings.py": "tests/app/test_backtests.py",
    "backtest/job_process.py": "tests/backtest/test_jobs.py",
    "backtest/job_run.py": "tests/backtest/test_jobs.py",
    "backtest/job_sweeps.py": "tests/backtest/test_jobs.py",
    "backtest/job_worker.py": "tests/backtest/test_jobs.py",
    "app/wallet_settings.py": "tests/app/test_wallets.py",
    "backtest/account.py": "tests/backtest/test_sparse.py",
    "backtest/detail.py": "tests/backtest/test_sparse.py",
    "backtest/equity.py": "tests/backtest/test_sparse.py",
    "backtest/funding.py": "tests/backtest/test_sparse.py",
    "backtest/outcome.py": "tests/backtest/test_ledger.py",
    "backtest/plain_fills.py": "tests/backtest/test_sparse.py",
    "backtest/result.py": "tests/backtest/test_engine.py",
    "backtest/summary.py": "tests/backtest/test_engine.py",
    "services/map_making.py": "tests/services/test_liquidation_maps.py",
    "storage/base.py": "tests/storage/test_candles.py",
    "storage/schema.py": "tests/storage/test_upgrade.py",
    "storage/tables.py": "tests/storage/test_sessions.py",
    "storage/migrations/env.py": "tests/storage/test_upgrade.py",
    "storage/migrations/versions/r0001_first_tables.py": "tests/storage/test_upgrade.py",
    "storage/migrations/versions/r0002_mark_candles.py": "tests/storage/test_upgrade.py",
    "storage/migrations/versions/r0003_liquidation_days.py": "tests/storage/test_upgrade.py",
    "storage/migrations/versions/r0004_history.py": "tests/storage/test_upgrade.py",
    "storage/migrations/versions/r0005_months.py": "tests/storage/test_upgrade.py",
    "storage/migrations/versions/r0006_backtests.py": "tests/storage/test_upgrade.py",
    "storage/migrations/versions/r0007_job_keys.py": "tests/storage/test_upgrade.py",
    "venues/ccxt_bridge/conversation.py": "tests/venues/ccxt_bridge/test_bridge.py",
    "venues/ccxt_bridge/errors.py": "tests/venues/ccxt_bridge/test_bridge.py",
    "venues/ccxt_bridge/market_rest.py": "tests/venues/ccxt_bridge/test_bridge.py",
    "venues/ccxt_bridge/symbols.py": "tests/venues/ccxt_bridge/test_bridge.py",
    "venues/ccxt_bridge/venue.py": "tests/venues/ccxt_bridge/test_bridge.py",
}

# What the conformance suite proves for every venue by running both halves over a market: these
# files of a venue's folder need no test of their own beside it.
HELD_BY_CONFORMANCE = re.compile(
    r"venues/(bybit|okx|hyperliquid)/"
    r"(venue|wire|wire_rest|market_rest|market_replies|market_answers|market_stream|market_topics|venue_side\w*)"
    r"\.py"
)


def _modules() -> list[Path]:
    return sorted(path for path in SOURCE.rglob("*.py") if path.name != "__init__.py")


def _tracked() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    return listed.stdout.splitlines()


def _functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_modules_and_functions_are_short() -> None:
    long: list[str] = []
    for path in _modules():
        text = path.read_text()
        name = str(path.relative_to(SOURCE))
        lines = len(text.splitlines())
        if lines > MODULE_LINES_MAX:
            long.append(f"{name}: {lines} lines")
        for function in _functions(ast.parse(text)):
            size = (function.end_lineno or 0) - function.lineno + 1
            if size > FUNCTION_LINES_MAX:
                long.append(f"{name}: {function.name} has {size} lines")
    assert long == []


def test_tests_mirror_the_tree() -> None:
    """A module's tests stand where its name says, or it says why it has none."""
    missing = []
    for path in _modules():
        name = path.relative_to(SOURCE)
        if name.as_posix() in DECLARATIONS:
            continue
        if (runner := RUN_BY.get(name.as_posix())) is not None:
            assert (ROOT / runner).exists(), runner
            continue
        folder = ROOT / "tests" / name.parent
        if HELD_BY_CONFORMANCE.fullmatch(name.as_posix()):
            continue
        if not (folder / f"test_{name.name}").exists():
            missing.append(name.as_posix())
    assert missing == []


def test_every_venue_has_the_same_files() -> None:
    folders = [SOURCE / "venues" / name for name in venues()]
    assert folders
    for folder in folders:
        assert {path.name for path in folder.iterdir()} >= VENUE_FILES, folder.name


def test_no_module_is_named_after_nothing() -> None:
    vague = {"utils.py", "helpers.py", "manager.py", "handler.py", "misc.py", "models.py"}
    assert [path.name for path in _modules() if path.name in vague] == []


def test_no_tracked_file_names_a_machine_or_a_registry() -> None:
    """No path of a developer's machine, no address of a package registry."""
    # Written in pieces so that this file does not find itself.
    forbidden = re.compile(
        "|".join(
            ["/wo" + "rk/", "/ro" + "ot/", r"\.libr" + "ary", "pypi" + r"\.org", "npmjs" + r"\.org"]
        )
    )
    found = []
    for name in _tracked():
        try:
            text = (ROOT / name).read_text()
        except (UnicodeDecodeError, FileNotFoundError):
            continue
        if forbidden.search(text):
            found.append(name)
    assert found == []


def test_lock_files_pin_every_package_by_hash() -> None:
    for name in ("requirements.lock", "requirements-dev.lock"):
        text = (ROOT / name).read_text()
        packages = re.findall(r"^[a-z0-9][^\s#]*==[^\s;\\]+", text, re.MULTILINE)
        blocks = re.split(r"\n(?=[a-z0-9])", text)
        unpinned = [
            block[:40] for block in blocks if "==" in block and "--hash=sha256:" not in block
        ]
        assert packages
        assert unpinned == []


def test_nothing_is_left_unfinished() -> None:
    words = re.compile(
        "|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X", "Not" + "ImplementedError"])
    )
    assert [
        path.relative_to(SOURCE).as_posix() for path in _modules() if words.search(path.read_text())
    ] == []


def test_only_the_clock_reads_the_clock() -> None:
    banned = re.compile(r"\btime\.(time|time_ns|monotonic|monotonic_ns)\(|datetime\.(now|utcnow)\(")
    assert [
        path.relative_to(SOURCE).as_posix()
        for path in _modules()
        if banned.search(path.read_text()) and path.name != "clock.py"
    ] == []
