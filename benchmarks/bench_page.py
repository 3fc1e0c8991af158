"""How fast is the dashboard there, and does it stay small while it is looked at?

`python -m benchmarks.bench_page [--minutes N] [--speed X] [--write]`.

A demo in a process of its own, headless Chromium driven by Playwright. The page is opened once to
warm the browser, then in a fresh context, whose first paint and first candles are timed and whose
bytes are counted; then it is left open. The heap is read after a forced collection of garbage, at
the beginning and at the end, and as it stands each minute; long tasks (above 50 ms) are counted by
the browser from 5 s after the start, but for those collections, which are long tasks of our own
making. Of the longest, the browser says whose work it was. Needs Chromium.
"""

import argparse
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.report import machine, table, write_section

SETTLED_MS: Final = 5_000
LONGEST_TOLD: Final = 8
READY: Final = ".panel .legend:not(:empty)"
NOTE_LONG_TASKS: Final = """
window.longTasks = [];
window.longFrames = [];
new PerformanceObserver((list) => {
    for (const one of list.getEntries()) longTasks.push([one.startTime, one.duration]);
}).observe({ type: "longtask", buffered: true });
new PerformanceObserver((list) => {
    for (const one of list.getEntries()) {
        const work = one.scripts.map((script) => [script.duration, script.invoker,
            script.sourceFunctionName, script.sourceURL.split("/").at(-1)].join(" "));
        longFrames.push([one.startTime, one.duration, work.join(", ")]);
    }
}).observe({ type: "long-animation-frame", buffered: true });
"""


@contextmanager
def demo(speed: float) -> Iterator[str]:
    """The dashboard of a running demo, after half a minute of its life."""
    process = subprocess.Popen(
        [sys.executable, "-m", "headwater.app", "demo", "--port", "0", "--speed", str(speed)],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if found := re.search(r"look +(\S+)", line):
                break
        else:
            sys.exit("the demo ended")
        # Its log must not fill the pipe.
        threading.Thread(target=process.stderr.read, name="log", daemon=True).start()
        time.sleep(30)
        yield found.group(1)
    finally:
        process.terminate()
        process.wait()


def opened(browser: Browser, url: str) -> tuple[Page, float]:
    """A page in a fresh context and the time until it shows candles, in milliseconds."""
    page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
    page.add_init_script(NOTE_LONG_TASKS)
    page.goto(url)
    page.wait_for_selector(READY)
    return page, float(page.evaluate("performance.now()"))


def heap_mb(session: Any, *, is_collected: bool) -> float:
    """The script heap in megabytes, as it stands or after garbage was collected."""
    if is_collected:
        session.send("HeapProfiler.collectGarbage")
    return float(session.send("Runtime.getHeapUsage")["usedSize"]) / 1e6


def measure(browser: Browser, url: str, minutes: int) -> list[tuple[str, str, str]]:
    """What, how much, goal."""
    opened(browser, url)[0].context.close()
    page, ready_ms = opened(browser, url)
    painted_ms = page.evaluate(
        "performance.getEntriesByName('first-contentful-paint')[0].startTime"
    )
    sent = page.evaluate(
        "performance.getEntriesByType('resource').filter((one) => one.name.includes("
        "'/dashboard/')).reduce((sum, one) => sum + one.transferSize, 0)"
    )
    page.wait_for_timeout(SETTLED_MS)
    session = page.context.new_cdp_session(page)
    before_mb = heap_mb(session, is_collected=True)
    page.wait_for_timeout(SETTLED_MS)
    began_ms = float(page.evaluate("performance.now()"))
    heaps = []
    for _ in range(minutes):
        page.wait_for_timeout(60_000)
        heaps.append(heap_mb(session, is_collected=False))
    tasks = [one[1] for one in page.evaluate("longTasks") if one[0] > began_ms]
    frames = [one for one in page.evaluate("longFrames") if one[0] > began_ms]
    for _, duration_ms, work in sorted(frames, key=lambda one: -one[1])[:LONGEST_TOLD]:
        print(f"a frame of {duration_ms:.0f} ms: {work or 'no script'}", file=sys.stderr)
    after_mb = heap_mb(session, is_collected=True)
    return [
        ("first paint", f"{painted_ms:.0f} ms", "1,000 ms"),
        ("candles are there", f"{ready_ms:.0f} ms", "1,500 ms"),
        ("files of the page, as sent", f"{sent / 1000:.0f} kB", "200 kB"),
        (f"heap after {minutes} min, was {before_mb:.1f} MB", f"{after_mb:.1f} MB", "+ 20 MB"),
        ("most heap meanwhile, garbage and all", f"{max(heaps):.1f} MB", ""),
        ("longest task", f"{max(tasks, default=0):.0f} ms", "100 ms"),
        ("tasks above 50 ms", f"{len(tasks)}", ""),
    ]


def main() -> int:
    """Measures and prints; `--write` puts the table into RESULTS.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, default=30)
    parser.add_argument("--speed", type=float, default=10.0)
    parser.add_argument("--write", action="store_true", help="put the table into RESULTS.md")
    chosen = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        sys.exit("no chromium here: `make test-servers`")
    with demo(chosen.speed) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        rows = measure(browser, url, chosen.minutes)
        browser.close()
    title = f"### The dashboard over the demo at {chosen.speed:g} times the speed"
    text = "\n\n".join((title, table(("what", "measured", "goal"), rows), machine()))
    print(text)
    if chosen.write:
        write_section("page", text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
