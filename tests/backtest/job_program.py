"""A process that runs a desk of jobs until it is killed: `job_program.py DATABASE WORKERS`.

It takes in a job for every line of standard input that names a file, which the job waits for, and
writes the id; when standard input ends it goes on running.
"""

import asyncio
import sys
from pathlib import Path

import structlog
from tests.backtest.job_samples import make_jobs, open_store, request


async def main(path: Path, workers: int) -> None:
    async with open_store(path) as store:
        jobs = make_jobs(store, path, workers=workers, attempts_max=50)
        for line in sys.stdin.read().split():
            job = await jobs.submit(request("waits", {"file": line}))
            print(job.backtest_id, flush=True)  # noqa: T201 - who started it reads this
        await jobs.run()


if __name__ == "__main__":
    # Nobody reads standard output after the ids.
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
