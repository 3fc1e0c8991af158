"""A strategy's own errors in words: what it raised, at which bar, in which line of its file.

Whoever calls the engine gets the error itself, as it was raised; the bar is a note on it. Commands
and jobs tell it in one line, in which no folder of this machine is named.
"""

from pathlib import Path

from headwater.strategies.base import BaseStrategy
from headwater.strategies.growing_bars import GrowingBars

__all__ = ["failure_text", "note_bar"]

_NOTE = "at bar "
_HINT = "further columns by "


def note_bar(error: BaseException, bar: int, when: str) -> None:
    """Notes on an error at which bar it was raised, and of a column that is none, where to look.

    Args:
        error: what a strategy raised.
        bar: number of the newest bar that it was shown.
        when: that bar's time, ISO 8601.
    """
    error.add_note(f"{_NOTE}{bar} ({when})")
    if isinstance(error, AttributeError) and isinstance(error.obj, GrowingBars):
        error.add_note(f"{_HINT}data[{error.name!r}]")


def failure_text(error: BaseException, strategy: type[BaseStrategy]) -> str:
    """What happened, in one line.

    Args:
        error: what the strategy raised.
        strategy: its class.

    Returns:
        Its name, the bar where there is one, the error's kind and words, and the last line of the
        strategy's own file on the way to it, else the last line of all.
    """
    all_notes = getattr(error, "__notes__", ())
    notes = [note for note in all_notes if note.startswith(_NOTE)]
    hints = [f"; {note}" for note in all_notes if note.startswith(_HINT)]
    where = f" {notes[0]}" if notes else ""
    said = " ".join(str(error).split())
    what = f"{type(error).__name__}: {said}" if said else type(error).__name__
    what += "".join(hints)
    return f"the strategy {strategy.name} failed{where}: {what}{_line(error, strategy)}"


def _line(error: BaseException, strategy: type[BaseStrategy]) -> str:
    """File and line in brackets; empty when the error was never raised."""
    own = {
        method.__code__.co_filename
        for kind in strategy.__mro__
        if kind is not BaseStrategy
        for method in vars(kind).values()
        if hasattr(method, "__code__")
    }
    last = found = None
    step = error.__traceback__
    while step is not None:
        last = (step.tb_frame.f_code.co_filename, step.tb_lineno)
        if last[0] in own:
            found = last
        step = step.tb_next
    place = found or last
    return "" if place is None else f" ({Path(place[0]).name}, line {place[1]})"
