"""What does a frame of a heat map cost while it is panned, as a raster and cell by cell?

`python -m benchmarks.bench_heatmap_raster [--columns N] [--rows N] [--frames N] [--write]`.

Headless Chromium, driven by Playwright, draws a map of seeded values 1200 × 600 pixels large and
moves it a little in each frame. "Script" is the time inside the frame's callback; "frame to frame"
is what a person sees and has the browser's own drawing in it, which headless Chromium does on the
processor. The way beside it fills a rectangle for each cell, as the heat map example of Lightweight
Charts does. In the chart, which is that of the candles panel with its layers, "script" is the maps'
share; the same chart without a map tells what candles alone cost. Needs Chromium
(`make test-servers`) and `node_modules` (`npm ci`).
"""

import argparse
import shutil
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import sync_playwright

from benchmarks.report import machine, median, table, write_section

ROOT: Final = Path(__file__).resolve().parents[1]
SEED: Final = 7
LEVEL: Final = 0.95
CLOCK_STEP_MS: Final = 0.1
"""Chromium rounds `performance.now()` to it on pages that are not isolated."""


class _Quiet(SimpleHTTPRequestHandler):
    """Serves the repository, without a word."""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        del format, args


def measure(columns: int, rows: int, frames: int) -> dict[str, Any]:
    """One run in a fresh browser; times in milliseconds.

    Raises:
        SystemExit: there is no Chromium, or the chart drew no map.
    """
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        sys.exit("no chromium here: `make test-servers`")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(ROOT)))
    serving = threading.Thread(target=server.serve_forever, name="files", daemon=True)
    serving.start()
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=chromium, args=["--no-sandbox"], timeout=60_000
            )
            page = browser.new_page(viewport={"width": 1240, "height": 640})
            page.set_default_timeout(300_000)
            page.goto(f"http://127.0.0.1:{server.server_port}/benchmarks/heatmap_raster.html")
            page.wait_for_function("window.measure !== undefined")
            found: dict[str, Any] = page.evaluate(
                "([columns, rows, frames, seed]) => measure(columns, rows, frames, seed)",
                [columns, rows, frames, SEED],
            )
            browser.close()
            if found["chart"]["drawings"] < frames / 2:
                sys.exit("the chart did not draw the map: nothing was measured")
            return found
    finally:
        server.shutdown()
        server.server_close()


def _row(name: str, way: dict[str, list[float]]) -> tuple[str, ...]:
    script, between = sorted(way["scriptMs"]), sorted(way["betweenMs"])
    high = int(len(script) * LEVEL)
    return (
        name,
        _shown(median(script)),
        _shown(script[high]),
        f"{median(between):.1f}",
        f"{1000 * len(between) / sum(between):.0f}",
    )


def _shown(ms: float) -> str:
    return f"{ms:.1f}" if ms > CLOCK_STEP_MS else f"≤ {CLOCK_STEP_MS}"


def _once(found: dict[str, Any]) -> str:
    return (
        f"Painting the raster once took {found['paintMs']:.1f} ms, a new column "
        f"{found['appendMs']:.2f} ms. The browser's clock has steps of {CLOCK_STEP_MS} ms. "
        "Goal: at most 4 ms a frame, 60 frames a second."
    )


def main() -> int:
    """Measures and prints; `--write` puts the table into RESULTS.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--columns", type=int, default=500)
    parser.add_argument("--rows", type=int, default=200)
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--write", action="store_true", help="put the table into RESULTS.md")
    chosen = parser.parse_args()
    found = measure(chosen.columns, chosen.rows, chosen.frames)
    header = ("way", "script ms", "p95", "frame to frame ms", "frames / s")
    rows = [
        _row("raster, copied", found["raster"]),
        _row("candles panel without a map", found["bare"]),
        _row("candles panel, one layer", found["chart"]),
        _row("candles panel, two layers", found["layers"]),
        _row("cell by cell", found["cells"]),
    ]
    text = "\n\n".join(
        (
            f"### Panning a heat map of {chosen.columns} × {chosen.rows} cells",
            table(header, rows),
            _once(found),
            machine(),
        )
    )
    print(text)
    if chosen.write:
        write_section("heatmap-raster", text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
