"""What a machine needs for the tests of the page, and the words for what it lacks."""

import shutil
from pathlib import Path
from typing import Final

import pytest

from headwater.api.dashboard_files import DashboardFiles

ROOT: Final = Path(__file__).resolve().parents[2]
NODE: Final = shutil.which("node")
CHROMIUM: Final = shutil.which("chromium") or shutil.which("chromium-browser")

AXE: Final = ROOT / "node_modules" / "axe-core" / "axe.min.js"

needs_modules: Final = pytest.mark.skipif(
    bool(DashboardFiles().missing()),
    reason="the dashboard's modules are not here: `make setup` with npm",
)
needs_node_modules: Final = pytest.mark.skipif(
    not (ROOT / "node_modules" / "preact").is_dir(), reason="no node_modules: `npm ci`"
)
needs_node: Final = pytest.mark.skipif(NODE is None, reason="no node: `make test-servers`")
needs_browser: Final = pytest.mark.skipif(
    CHROMIUM is None, reason="no chromium: `make test-servers`"
)
needs_axe: Final = pytest.mark.skipif(not AXE.exists(), reason="no axe-core: `npm ci`")
