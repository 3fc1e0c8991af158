"""The peers' environments: one virtual environment each, from a hash-locked requirement file.

Made with the interpreter's own venv and pip under `.bench-peers/` in the repository (ignored by
git). An interpreter that is not on this machine, or an installation that fails, is a reason to
leave the peer out, never an error of the measurement.
"""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
"""The repository."""

LOCKS: Final = Path(__file__).resolve().parent / "locks"
"""Requirement files: `NAME.in` is written by hand, `NAME.lock` by `--lock`."""

HOME: Final = ROOT / ".bench-peers"
"""Where the environments are."""

INSTALL_TIMEOUT_S: Final = 1_800.0
"""Longest time one installation may take."""


@dataclass(frozen=True)
class Environment:
    """One virtual environment.

    Attributes:
        name: folder under `HOME`, and name of its requirement files.
        python: version of its interpreter, `major.minor`.
        why: what it is for.
    """

    name: str
    python: str
    why: str

    @property
    def lock(self) -> Path:
        """The hash-locked requirement file."""
        return LOCKS / f"{self.name}.lock"

    @property
    def interpreter(self) -> Path:
        """The environment's own interpreter."""
        return HOME / self.name / "bin" / "python"

    @property
    def is_ready(self) -> bool:
        """Whether it was made from the lock file as it is now."""
        stamp = HOME / self.name / ".lock-digest"
        return (
            self.interpreter.exists() and stamp.exists() and stamp.read_text() == _digest(self.lock)
        )


ENVIRONMENTS: Final = (
    Environment("headwater-py313", "3.13", "our own path on the interpreter that peers need"),
    Environment("cryptofeed-3", "3.13", "cryptofeed 3 (AGPL: run beside us, never imported)"),
    Environment("cryptofeed-2", "3.11", "the last cryptofeed for Python 3.11"),
    Environment("ccxt", "3.11", "ccxt.pro"),
    Environment("nautilus", "3.13", "nautilus_trader"),
    Environment("headwater-py312", "3.12", "our own back-tests on the interpreter of the peers'"),
    Environment("backtesting", "3.12", "backtesting.py (AGPL: run beside us, never imported)"),
    Environment("vectorbt", "3.12", "vectorbt with its Rust engine (Commons Clause: likewise)"),
    Environment("nautilus-2", "3.12", "nautilus_trader 2, the Rust core"),
    Environment("jesse", "3.12", "jesse"),
    Environment("freqtrade", "3.12", "freqtrade (GPL: run beside us, never imported)"),
    Environment("hftbacktest", "3.12", "hftbacktest"),
)
"""All of them: those up to nautilus for market data, about 1.3 GB; the others for back-tests."""


class LeftOut(Exception):
    """An environment cannot be made on this machine; the text says why."""


def environment(name: str) -> Environment:
    """The environment called `name`.

    Raises:
        KeyError: there is none.
    """
    return {each.name: each for each in ENVIRONMENTS}[name]


def find_interpreter(version: str) -> Path | None:
    """A working Python of `version` (`major.minor`), or None.

    Looks at the variable `HEADWATER_PYTHON_<major><minor>`, then on PATH, then among pyenv's.
    """
    for candidate in _candidates(version):
        if _version_of(candidate) == version:
            return candidate
    return None


def _candidates(version: str) -> Iterator[Path]:
    named = os.environ.get(f"HEADWATER_PYTHON_{version.replace('.', '')}")
    if named:
        yield Path(named)
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        path = Path(folder) / f"python{version}"
        if folder and path.exists():
            yield path
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from sorted(pyenv.glob(f"versions/{version}.*/bin/python{version}"), reverse=True)


def _version_of(interpreter: Path) -> str | None:
    """What the interpreter calls itself, None when it does not run (a shim without a target)."""
    ask = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        answer = subprocess.run(
            [interpreter, "-c", ask], capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None


def make(wanted: Environment) -> None:
    """Makes an environment, anew if its lock file has changed.

    Raises:
        LeftOut: no interpreter, or the installation failed.
    """
    if wanted.is_ready:
        return
    interpreter = find_interpreter(wanted.python)
    if interpreter is None:
        raise LeftOut(f"no Python {wanted.python} on this machine")
    folder = HOME / wanted.name
    shutil.rmtree(folder, ignore_errors=True)
    _run([interpreter, "-m", "venv", folder])
    _run(
        [
            wanted.interpreter,
            *("-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
            # The file is whole, so nothing is left to resolve; older pips stumble over extras.
            *("--require-hashes", "--no-deps", "-r", wanted.lock),
        ]
    )
    (folder / ".lock-digest").write_text(_digest(wanted.lock))


def write_lock(wanted: Environment, uv: Path) -> None:
    """Resolves an environment's requirements anew with uv.

    Raises:
        LeftOut: no interpreter, or no solution.
    """
    interpreter = find_interpreter(wanted.python)
    if interpreter is None:
        raise LeftOut(f"no Python {wanted.python} on this machine")
    _run(
        [
            *(uv, "pip", "compile", "--quiet", "--python", interpreter),
            *("--generate-hashes", "--no-emit-index-url", "--no-emit-find-links"),
            *("--custom-compile-command", 'make bench-peers ARGS="--lock"'),
            *(LOCKS / f"{wanted.name}.in", "-o", wanted.lock),
        ]
    )


def _run(command: Sequence[str | Path]) -> None:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LeftOut(f"{Path(command[0]).name}: {error}") from error
    if done.returncode != 0:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:]
        raise LeftOut(f"{Path(command[0]).name} failed: {' '.join(last)}")


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
