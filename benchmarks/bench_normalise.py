"""How much CPU does one message cost from wire text to a reader of the bus, beside the peers?

`python -m benchmarks.bench_normalise [--write]`. Every subject runs in its own process and
environment (`make bench-peers`), over the same corpora (`messages.py`), and must first show that it
read them rightly. A rotation runs ours and each peer in turn, so that a ratio is of runs of the
same minutes; the figure is process CPU time per message, the median over all passes of all
rotations, and a ratio is the median of the rotations' ratios. Each peer is compared with our path
on the same interpreter.

Two tables: Binance's messages, and trades of the other venues, one a message and several
(`--tables venues`). Entries: ours `MarketStream.feed` → feeds' sink → `MemoryBus` → one reader
(`peers/headwater_path`); cryptofeed `message_handler` → awaited callback; ccxt.pro
`Client.handle_message` without a waiting user; nautilus_trader `_handle_ws_message` → its message
bus. Details in the head of each file in `peers/`.
"""

import argparse
import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from benchmarks.corpora import ALL_KINDS, corpus_of
from benchmarks.messages import AGG_TRADE, DEPTH, FORCE_ORDER, KINDS, MESSAGES
from benchmarks.peers.environments import ROOT, environment
from benchmarks.report import machine, median, spread, table, write_section
from benchmarks.trade_messages import TRADE_KINDS

WORKER_TIMEOUT_S: Final = 300.0
"""Longest time one process may take before it is left out."""

_TITLES: Final = {
    AGG_TRADE: "aggTrade",
    DEPTH: "depth, 1,000-level book",
    FORCE_ORDER: "forceOrder",
    "bybit_trade": "Bybit trade",
    "bybit_trades": "Bybit, 2–8 trades",
    "okx_trade": "OKX trade",
    "okx_trades": "OKX, 2–8 trades",
    "hyperliquid_trade": "Hyperliquid trade",
    "hyperliquid_trades": "Hyperliquid, 2–8 trades",
}


@dataclass(frozen=True)
class Table:
    """What is told in one table.

    Attributes:
        section: of RESULTS.md.
        heading: above it.
        kinds: its columns.
    """

    section: str
    heading: str
    kinds: tuple[str, ...]


TABLES: Final = {
    "binance": Table(
        "normalise", "Normalise, dispatch, deliver: µs of CPU per message", tuple(KINDS)
    ),
    "venues": Table(
        "normalise-venues",
        "The same for trades of Bybit, OKX and Hyperliquid: µs of CPU per message",
        TRADE_KINDS,
    ),
}
"""By the name that `--tables` takes."""


@dataclass(frozen=True)
class Contestant:
    """A subject in an environment.

    Attributes:
        title: as the table names it.
        subject: name that `peers.worker` knows.
        environment: of the peers' environments, None for our own.
        beside: title of our row on the same interpreter; None for our own rows.
    """

    title: str
    subject: str
    environment: str | None
    beside: str | None

    @property
    def interpreter(self) -> str:
        """Path of its Python."""
        if self.environment is None:
            return sys.executable
        return str(environment(self.environment).interpreter)

    @property
    def is_ready(self) -> bool:
        """Whether its environment is there."""
        return self.environment is None or environment(self.environment).is_ready


_OURS_311: Final = "ours, Python 3.11"
_OURS_313: Final = "ours, Python 3.13"
CONTESTANTS: Final = (
    Contestant(_OURS_311, "headwater", None, None),
    Contestant("ours, 3.11: parser alone", "headwater_feed", None, None),
    Contestant("ours, 3.11: + JSON made once", "headwater_json", None, None),
    Contestant("cryptofeed 2 (3.11)", "cryptofeed", "cryptofeed-2", _OURS_311),
    Contestant("ccxt.pro (3.11)", "ccxt", "ccxt", _OURS_311),
    Contestant(_OURS_313, "headwater", "headwater-py313", None),
    Contestant("cryptofeed 3 (3.13)", "cryptofeed", "cryptofeed-3", _OURS_313),
    Contestant("nautilus_trader, adapter (3.13)", "nautilus", "nautilus", _OURS_313),
    Contestant("nautilus_trader, + engine (3.13)", "nautilus_engine", "nautilus", _OURS_313),
)
"""In the order of a rotation: a peer runs right after or before our row that it is compared to."""


@dataclass
class Figures:
    """Results of one contestant and kind.

    Attributes:
        version: name and version of the program.
        python: version of its interpreter.
        rotations: µs per message of every pass, by rotation.
        skipped: why there are none.
    """

    version: str = ""
    python: str = ""
    rotations: list[list[float]] = field(default_factory=list)
    skipped: str = ""

    @property
    def us(self) -> float:
        """Median over all passes."""
        return median([value for rotation in self.rotations for value in rotation])


Results = dict[tuple[str, str], Figures]


def run_worker(
    contestant: Contestant, kind: str, passes: int, messages: int, figures: Figures
) -> None:
    """Runs one process and adds what it printed to `figures`."""
    if not contestant.is_ready:
        figures.skipped = "no environment: run `make bench-peers`"
        return
    command = [contestant.interpreter, "-m", "benchmarks.peers.worker"]
    command += ["--subject", contestant.subject, "--kind", kind]
    command += ["--passes", str(passes), "--messages", str(messages)]
    paths = os.pathsep.join([str(ROOT), str(ROOT / "src")])
    try:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": paths, "PYTHONHASHSEED": "0"},
            capture_output=True,
            text=True,
            timeout=WORKER_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        figures.skipped = f"no answer in {WORKER_TIMEOUT_S:.0f} s"
        return
    if done.returncode != 0:
        figures.skipped = " ".join(done.stderr.strip().splitlines()[-1:]) or "failed in silence"
        return
    answer = json.loads(done.stdout.splitlines()[-1])
    figures.python = answer["python"]
    if "skipped" in answer:
        figures.skipped = answer["skipped"]
        return
    figures.version = answer["version"]
    figures.rotations.append(answer["us"])


def measure(
    chosen: Sequence[Contestant], kinds: Sequence[str], rotations: int, passes: int, messages: int
) -> Results:
    """All rotations; says on standard error how far it is."""
    results: Results = defaultdict(Figures)
    for rotation in range(rotations):
        for kind in kinds:
            for contestant in chosen:
                figures = results[contestant.title, kind]
                if not figures.skipped:
                    run_worker(contestant, kind, passes, messages, figures)
            print(f"rotation {rotation + 1}/{rotations}: {_TITLES[kind]}", file=sys.stderr)
    return results


def ratio(peer: Figures, ours: Figures) -> float:
    """How many times more the peer costs: the median of the rotations' ratios."""
    return median(
        [
            median(theirs) / median(mine)
            for theirs, mine in zip(peer.rotations, ours.rotations, strict=True)
        ]
    )


def _cell(contestant: Contestant, kind: str, results: Results) -> str:
    figures = results[contestant.title, kind]
    if figures.skipped or not figures.rotations:
        return "–"
    text = f"{figures.us:.2f}"
    ours = results.get((contestant.beside or "", kind))
    if ours is not None and ours.rotations and not ours.skipped:
        text += f" (**{ratio(figures, ours):.1f} ×**)"
    return text


def describe(
    heading: str,
    chosen: Sequence[Contestant],
    kinds: Sequence[str],
    results: Results,
    rotations: int,
    passes: int,
    messages: int,
) -> str:
    """The results as markdown."""
    rows: list[list[str]] = []
    notes: list[str] = []
    for contestant in chosen:
        if all(results[contestant.title, kind].skipped for kind in kinds):
            notes.append(f"- {contestant.title}: {results[contestant.title, kinds[0]].skipped}")
            continue
        rows.append([contestant.title, *(_cell(contestant, kind, results) for kind in kinds)])
        for kind in kinds:
            skipped = results[contestant.title, kind].skipped
            if skipped:
                notes.append(f"- {contestant.title}, {_TITLES[kind]}: left out: {skipped}")
    versions = {f.version + f" (Python {f.python})" for f in results.values() if f.version}
    spreads = [
        spread([median(rotation) for rotation in figures.rotations])
        for figures in results.values()
        if len(figures.rotations) > 1
    ]
    sizes = ", ".join(
        f"{_TITLES[kind]} {corpus_of(kind, messages).mean_bytes:.0f} B" for kind in kinds
    )
    lines = [
        f"### {heading}",
        "",
        "In brackets: how many times more than ours on the same interpreter.",
        "",
        table(["", *(_TITLES[kind] for kind in kinds)], rows),
        "",
        f"{messages} messages a kind ({sizes}); {passes} passes in each of {rotations} rotations.",
        f"Medians; between rotations ± {max(spreads, default=0.0):.0%} at most.",
        f"Versions: {', '.join(sorted(versions))}.",
        f"Machine: {machine()}.",
        *notes,
    ]
    return "\n".join(lines)


def main() -> None:
    """Measures, prints, and writes when asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rotations", type=int, default=3)
    parser.add_argument("--passes", type=int, default=7, help="timed passes in each process")
    parser.add_argument("--messages", type=int, default=MESSAGES)
    parser.add_argument("--tables", nargs="+", choices=sorted(TABLES), default=list(TABLES))
    parser.add_argument("--kinds", nargs="+", choices=ALL_KINDS, default=list(ALL_KINDS))
    parser.add_argument("--only", nargs="+", metavar="SUBJECT", help="subjects, by worker name")
    parser.add_argument("--write", action="store_true", help="put the table into RESULTS.md")
    options = parser.parse_args()
    chosen = [each for each in CONTESTANTS if options.only is None or each.subject in options.only]
    rotations, passes, messages = options.rotations, options.passes, options.messages
    for told in (TABLES[name] for name in options.tables):
        kinds = [kind for kind in told.kinds if kind in options.kinds]
        if not kinds:
            continue
        results = measure(chosen, kinds, rotations, passes, messages)
        text = describe(told.heading, chosen, kinds, results, rotations, passes, messages)
        print(text)
        if options.write:
            write_section(told.section, text)


if __name__ == "__main__":
    main()
