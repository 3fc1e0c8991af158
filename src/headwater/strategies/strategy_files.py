"""Strategies in files of the user: a Python file is run and the class in it handed out.

Only for files that the user of the command line names: running a file is running its author.
"""

import importlib.util
import sys
import traceback
from hashlib import sha256
from pathlib import Path
from types import ModuleType

from headwater.core.errors import RequestError
from headwater.strategies.base import BaseStrategy

__all__ = ["class_of_file"]


def class_of_file(path: str | Path, name: str = "") -> type[BaseStrategy]:
    """A strategy class of a Python file.

    Args:
        path: the file; `~` is the home folder.
        name: of the class; empty where the file defines one strategy only.

    Raises:
        RequestError: no such file or class, the class is no strategy, or the file fails when it is
            run; names the line of the file.
    """
    file = Path(path).expanduser()
    if not file.is_file():
        raise RequestError("strategy", path, "a Python file that is there")
    module = _run(file.resolve())
    own = {
        one.__name__: one
        for one in vars(module).values()
        if isinstance(one, type)
        and issubclass(one, BaseStrategy)
        and one.__module__ == module.__name__
    }
    there = ", ".join(own) or "no strategy at all"
    if not name:
        if len(own) != 1:
            raise RequestError("strategy", path, f"{file.name}:Class; the file has {there}")
        return next(iter(own.values()))
    found = getattr(module, name, None)
    if found is None:
        raise RequestError("strategy", name, f"a class of {file.name}, which has {there}")
    if not (isinstance(found, type) and issubclass(found, BaseStrategy)):
        raise RequestError("strategy", name, f"a subclass of BaseStrategy; {file.name} has {there}")
    return found


def _run(file: Path) -> ModuleType:
    """The file as a module, run anew each time.

    Raises:
        RequestError: it fails; names the line and the error.
    """
    digest = sha256(str(file).encode()).hexdigest()[:12]
    spec = importlib.util.spec_from_file_location(f"strategy_file_{digest}", file)
    if spec is None or spec.loader is None:
        raise RequestError("strategy", file, "a Python file")
    module = importlib.util.module_from_spec(spec)
    # Dataclasses and pickles of the file's classes look their module up.
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        sys.modules.pop(spec.name, None)
        raise RequestError(
            "strategy",
            file.name,
            f"a file that runs; {_line(error, file)}{type(error).__name__}: {error}",
        ) from error
    return module


def _line(error: BaseException, file: Path) -> str:
    """Where in the file it failed."""
    if isinstance(error, SyntaxError) and error.filename == str(file):
        return f"line {error.lineno}: "
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename == str(file)
    ]
    return f"line {lines[-1]}: " if lines else ""
