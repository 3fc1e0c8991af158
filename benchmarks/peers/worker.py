"""Runs one subject over one corpus in this process and prints one JSON line.

`python -m benchmarks.peers.worker --subject cryptofeed --kind depth --passes 7`: makes the corpus,
warms up with one pass, checks what came out against the corpus' truth, then times the passes in
process CPU time (user and system, all threads). Standard library only, besides the subject.
"""

import argparse
import gc
import importlib
import json
import platform
import sys
import time
from functools import partial

from benchmarks.corpora import ALL_KINDS, corpus_of
from benchmarks.messages import MESSAGES
from benchmarks.peers.subject import NotOffered, SubjectMaker

_SUBJECTS: dict[str, tuple[str, str, dict[str, object]]] = {
    "headwater_feed": ("headwater_path", "HeadwaterPath", {"stage": "feed"}),
    "headwater": ("headwater_path", "HeadwaterPath", {"stage": "bus"}),
    "headwater_json": ("headwater_path", "HeadwaterPath", {"stage": "json"}),
    "cryptofeed": ("cryptofeed_path", "CryptofeedPath", {}),
    "ccxt": ("ccxt_path", "CcxtPath", {}),
    "nautilus": ("nautilus_path", "NautilusPath", {"with_engine": False}),
    "nautilus_engine": ("nautilus_path", "NautilusPath", {"with_engine": True}),
}


def _maker(name: str) -> SubjectMaker:
    module, maker, options = _SUBJECTS[name]
    return partial(getattr(importlib.import_module(f"benchmarks.peers.{module}"), maker), **options)


def measure(subject_name: str, kind: str, messages: int, passes: int) -> dict[str, object]:
    """µs of CPU per message of each pass, with versions; `skipped` when it is not offered.

    Raises:
        SystemExit: the subject did not deliver what the corpus holds.
    """
    corpus = corpus_of(kind, messages)
    about: dict[str, object] = {
        "subject": subject_name,
        "kind": kind,
        "python": platform.python_version(),
    }
    try:
        subject = _maker(subject_name)(corpus)
    except NotOffered as reason:
        return {**about, "skipped": str(reason)}
    about["version"] = subject.version()
    subject.start()
    subject.feed_all()
    found = subject.outcome()
    if not corpus.truth.accepts(found):
        sys.exit(f"{subject_name}, {kind}: found {found}, should be {corpus.truth}")
    microseconds: list[float] = []
    for _ in range(passes):
        subject.start()
        gc.collect()
        began = time.process_time_ns()
        subject.feed_all()
        microseconds.append((time.process_time_ns() - began) / messages / 1_000)
    subject.close()
    return {**about, "us": microseconds}


def main() -> None:
    """Reads the command line and prints the result."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--subject", choices=sorted(_SUBJECTS), required=True)
    parser.add_argument("--kind", choices=ALL_KINDS, required=True)
    parser.add_argument("--messages", type=int, default=MESSAGES)
    parser.add_argument("--passes", type=int, default=7)
    options = parser.parse_args()
    print(json.dumps(measure(options.subject, options.kind, options.messages, options.passes)))


if __name__ == "__main__":
    main()
