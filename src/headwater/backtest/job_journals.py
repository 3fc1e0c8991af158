"""Folders in which searches note what they have done; that one cannot be read stops nobody.

A journal that is left over costs room on the disk and nothing else, so whatever the system says
against looking at it or removing it is told in the log, with its file, and the desk goes on.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import structlog

__all__ = ["JOURNALS_MAX", "forget_journal", "journals_in"]

JOURNALS_MAX: Final = 1_000
"""Journals that are looked at when a desk begins."""

_log: Final = structlog.stdlib.get_logger("headwater.backtest.jobs")


def journals_in(folder: Path) -> Sequence[str]:
    """Names of the first `JOURNALS_MAX` journals in a folder, in order.

    No names where the folder is not there or cannot be read; the latter is told in the log.
    """
    try:
        return sorted(one.name for one in folder.iterdir())[:JOURNALS_MAX]
    except FileNotFoundError:
        return ()
    except OSError as error:
        _log.warning("backtest_journals_not_read", file=str(folder), reason=error.strerror)
        return ()


def forget_journal(journal: Path) -> None:
    """Removes a journal with all that is in it, as far as the system lets it.

    The first file that stays is told in the log; a journal that is not there is none.
    """
    try:
        shutil.rmtree(journal)
    except FileNotFoundError:
        # Nothing is there, or another process of the same folder is at it too.
        shutil.rmtree(journal, ignore_errors=True)
    except OSError as error:
        name, reason = str(error.filename or journal), error.strerror or str(error)
        _log.warning("backtest_journal_kept", file=name, reason=reason)
        shutil.rmtree(journal, ignore_errors=True)
