"""Tables, medians, the machine's description, and the marked sections of RESULTS.md.

A result file is text for people; each benchmark owns the lines between its two markers and
replaces nothing else.
"""

import os
import platform
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Final

RESULTS: Final = Path(__file__).resolve().parent / "RESULTS.md"
"""Where `--write` puts results."""


def median(values: Sequence[float]) -> float:
    """The median; `values` is not empty."""
    return statistics.median(values)


def spread(values: Sequence[float]) -> float:
    """Half the distance of the extremes, as a fraction of the median."""
    return (max(values) - min(values)) / 2 / statistics.median(values)


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A markdown table; the first column is left-aligned, the others right-aligned."""
    lines = [
        "| " + " | ".join(header) + " |",
        "|---|" + "---:|" * (len(header) - 1),
    ]
    lines.extend("| " + " | ".join(row) + " |" for row in rows)
    return "\n".join(lines)


def machine() -> str:
    """Processor, cores, system and load, in a line."""
    model = platform.processor() or platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    except OSError:
        pass  # not Linux: the architecture has to do
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return f"{model}, {os.cpu_count()} cores, {platform.system()}, load {load} when it ended"


def write_section(name: str, text: str, results: Path = RESULTS) -> None:
    """Puts `text` between the markers of `name`, at the end when there are none yet.

    Args:
        name: of the benchmark, lower case.
        text: markdown.
        results: the file; made when it is not there.
    """
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    section = f"{begin}\n{text.strip()}\n{end}"
    before = results.read_text() if results.exists() else "# Results\n"
    head, found, rest = before.partition(begin)
    if found:
        _, _, tail = rest.partition(end)
        results.write_text(head + section + tail)
    else:
        results.write_text(f"{before.rstrip()}\n\n{section}\n")
