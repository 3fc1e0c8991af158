"""A private PostgreSQL for benchmarks and tests: started from the installed programs, then removed.

It is reached through a socket in its own folder only, and refuses to run as root, so root starts it
as `nobody`. Durability as installed, `fsync` and `full_page_writes` on, unless it is not wanted.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def _program(name: str) -> Path | None:
    found = shutil.which(name)
    if found is not None:
        return Path(found)
    return max(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), default=None)


@contextmanager
def private_postgres(*, is_durable: bool = True) -> Iterator[str | None]:
    """Gives the address of an empty database, None where PostgreSQL is not installed.

    Args:
        is_durable: what is committed outlives a power failure, which costs a wait for the disk at
            each commit and many at each `CREATE DATABASE`; a kill of any process it outlives
            without, too.
    """
    initdb, control = _program("initdb"), _program("pg_ctl")
    if initdb is None or control is None:
        yield None
        return
    user = "nobody" if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="headwater-pg-"))
    if user is not None:
        os.chown(folder, pwd.getpwnam(user).pw_uid, -1)

    def run(*command: str | Path) -> None:
        subprocess.run(command, user=user, cwd=folder, check=True, stdout=subprocess.DEVNULL)

    try:
        data = folder / "data"
        run(initdb, "-D", data, "-U", "tester", "-A", "trust", "-E", "UTF8", "--no-sync")
        options = f"-k {folder} -c listen_addresses=''"
        if not is_durable:
            options += " -c fsync=off -c full_page_writes=off"
        run(control, "-D", data, "-l", folder / "log", "-o", options, "-w", "start")
        try:
            yield f"postgresql:///postgres?host={folder}&user=tester"
        finally:
            run(control, "-D", data, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
