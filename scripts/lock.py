"""Resolves the dependencies anew into the hashed lock files (`make lock`).

uv does it: it resolves for every platform and Python at once, which pip's own tool does not. It is
needed here only and is no dependency of the platform. No index address gets into the files.
"""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
OLDEST_PYTHON: Final = "3.11"
OPTIONS: Final = (
    "--universal",
    "--python-version", OLDEST_PYTHON,
    "--generate-hashes",
    "--no-emit-index-url",
    "--no-annotate",
    "--custom-compile-command", "make lock",
    "--quiet",
)  # fmt: skip
RUNTIME: Final = "requirements.lock"
DEVELOPMENT: Final = "requirements-dev.lock"


def main() -> int:
    """Writes both files; further arguments (`--upgrade`) go to uv."""
    beside = Path(sys.executable).with_name("uv")
    uv = str(beside) if beside.exists() else shutil.which("uv")
    if uv is None:
        print("uv is not here: install it into .venv with pip, then run `make lock` again")
        return 1
    compiling = [uv, "pip", "compile", "pyproject.toml", *OPTIONS, *sys.argv[1:]]
    extras = ("--all-extras", "--group", "dev", "-c", RUNTIME)
    for arguments in ((*compiling, "-o", RUNTIME), (*compiling, *extras, "-o", DEVELOPMENT)):
        finished = subprocess.run(arguments, cwd=ROOT, check=False)  # noqa: S603 - fixed words
        if finished.returncode:
            return finished.returncode
    print(f"written: {RUNTIME}, {DEVELOPMENT}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
