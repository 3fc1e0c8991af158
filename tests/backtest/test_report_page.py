"""The frame of a page: policy, escaping, the library inside."""

import hashlib
import json
import re
from base64 import b64encode
from pathlib import Path

import pytest

from headwater.backtest.report_page import MODULES, Markup, chart_library, page, slot, table

LIBRARY = "const a=1,b=2;function c(){return a+b}export{c as createChart,b as Kind};\n"


@pytest.fixture
def modules(tmp_path: Path) -> Path:
    (tmp_path / "lightweight-charts-1.0.0.mjs").write_text(LIBRARY)
    return tmp_path


def hashes(text: str) -> set[str]:
    return set(re.findall(r"'sha256-[^']+'", text))


def hash_of(text: str) -> str:
    return f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def test_the_library_leaves_its_names_where_the_script_finds_them(modules: Path) -> None:
    found = chart_library(modules)
    assert found is not None
    assert found.endswith("globalThis.charts={createChart:c,Kind:b};")
    assert "export" not in found


def test_no_library_and_one_of_another_form_are_none(tmp_path: Path) -> None:
    assert chart_library(tmp_path) is None
    (tmp_path / "lightweight-charts-9.mjs").write_text("export default 1")
    assert chart_library(tmp_path) is None


@pytest.mark.skipif(not list(MODULES.glob("lightweight-charts-*")), reason="no modules: `npm ci`")
def test_the_library_that_is_installed_has_the_names_that_the_script_uses() -> None:
    found = chart_library()
    assert found is not None
    for name in ("createChart", "CandlestickSeries", "createSeriesMarkers", "AreaSeries"):
        assert re.search(rf"[{{,]{name}:", found[-2_000:])


def test_every_script_and_style_is_named_by_its_hash(modules: Path) -> None:
    made = page("T", "<p>body</p>", {}, script="report.js", modules=modules)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', made)
    assert policy is not None
    allowed = hashes(policy[1])
    scripts = re.findall(r'<script type="module">(.*?)</script>', made, re.DOTALL)
    styles = re.findall(r"<style>(.*?)</style>", made, re.DOTALL)
    assert len(scripts) == 2
    assert {hash_of(one) for one in [*scripts, *styles]} <= allowed


def test_data_cannot_end_the_element_they_stand_in(modules: Path) -> None:
    evil = {"name": "</script><script>alert(1)</script><!-- & -->"}
    made = page("<T>", "", evil, script="report.js", modules=modules)
    inner = re.search(r'id="data">(.*?)</script>', made, re.DOTALL)
    assert inner is not None
    assert "<" not in inner[1]
    assert json.loads(inner[1]) == evil
    assert "<title>&lt;T&gt;</title>" in made


def test_tables_escape_all_but_markup() -> None:
    made = table("<c>", ("<h>",), [("<r>",), (Markup("<b>x</b>"),)])
    assert "<c>" not in made
    assert "<h>" not in made
    assert "&lt;r&gt;" in made
    assert "<b>x</b>" in made
    assert 'tabindex="0"' in made


def test_a_slot_says_what_is_to_be_seen() -> None:
    assert 'aria-label="a &quot;b&quot;"' in slot("x", 'a "b"', "<svg/>")
    assert "tabindex" not in slot("x", "label", "<svg/>", keys=False)
