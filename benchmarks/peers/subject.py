"""What a measured program must be able to do. Standard library only.

One file per subject implements it: `headwater_path`, `cryptofeed_path`, `ccxt_path`,
`nautilus_path`. `worker` runs one subject in one process.
"""

from typing import Protocol

from benchmarks.messages import Corpus, Truth


class Subject(Protocol):
    """A program that turns wire messages into records and hands them to one reader."""

    def version(self) -> str:
        """Version of the program as installed."""
        ...

    def start(self) -> None:
        """Forgets everything of an earlier pass; not timed."""
        ...

    def feed_all(self) -> None:
        """Handles every message of the corpus once; timed."""
        ...

    def outcome(self) -> Truth:
        """What the reader got, and the book that was kept, after one pass; not timed."""
        ...

    def close(self) -> None:
        """Gives up what it holds; not timed."""
        ...


class SubjectMaker(Protocol):
    """Makes a subject for a corpus; raises `NotOffered` for a kind the program cannot read."""

    def __call__(self, corpus: Corpus) -> Subject:
        """A subject ready for `start`."""
        ...


class NotOffered(Exception):
    """The program has no entry for this kind of message."""
