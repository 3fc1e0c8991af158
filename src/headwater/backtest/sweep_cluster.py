"""A sweep on an existing Dask cluster (optional extra `cluster`), given its scheduler's address.

The bars travel once to every worker; a task is a few parameters and its answer a few numbers. A
chunk whose workers were lost is sent again, a bounded number of times. The workers need this
package, and the strategy: a registered name, a file at the same path, or an importable class.
"""

import re
import socket
from collections.abc import Iterable, Iterator
from typing import Any, Final, Self

from headwater.backtest.sweep_crews import (
    Chunk,
    ChunkFailure,
    ChunkFigures,
    SweepWorkerLost,
    figures_of,
    figures_or_failure,
)
from headwater.backtest.sweep_drives import Drive, KernelDrive, SingleDrive, has_kernel
from headwater.backtest.sweep_task import SweepTask
from headwater.core.errors import ConfigError, RequestError

__all__ = ["Cluster"]

_CONNECT_S: Final = 5
_ADDRESS: Final = re.compile(
    r"(?:(?P<way>tcp|tls)://)?(?P<host>\[[0-9a-fA-F:]+\]|[^\s/:\[\]]+):(?P<port>[0-9]{1,5})"
)
_PORT_MAX: Final = 65_535
_RETRIES: Final = 3
_OUT_A_THREAD: Final = 4


class Cluster:
    """Workers of a Dask scheduler.

    Args:
        task: what is swept.
        address: of the scheduler, `tcp://host:port`.
        compiled: whether the sweep is large enough for the compiled account, where workers have it.

    Raises:
        ConfigError: the extra is not installed.
        RequestError: no address, or no scheduler answers there within 5 s.
    """

    def __init__(self, task: SweepTask, address: str, *, compiled: bool) -> None:
        _check_answer(address)
        try:
            import distributed
        except ImportError as error:
            raise ConfigError(
                "scheduler",
                "sweeps on a cluster need Dask's distributed",
                'pip install "headwater[cluster]"',
            ) from error
        self._task = task
        self._compiled = compiled
        self._dask: Any = distributed
        try:
            self._client = distributed.Client(address, timeout=_CONNECT_S, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            raise RequestError(
                "scheduler", address, f"the address of a Dask scheduler that answers ({error})"
            ) from error
        self._sent: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Leaves the cluster as it was."""
        self._client.close()

    def run(self, chunks: Iterable[Chunk]) -> Iterator[ChunkFigures]:
        """Figures of the chunks as they are done.

        Raises:
            RequestError: a combination cannot be run, or the cluster has no workers.
            SweepWorkerLost: a chunk lost its workers more than three times.
        """
        client = self._client
        threads = sum(client.nthreads().values())
        if not threads:
            raise RequestError("scheduler", client.scheduler.address, "a cluster with workers")
        if self._sent is None:
            self._sent = client.scatter(self._task.light(), broadcast=True, hash=False)
        waiting = iter(chunks)
        out = self._dask.as_completed(loop=client.loop)
        asked: dict[str, tuple[Any, Chunk, int]] = {}
        try:
            for chunk in waiting:
                self._send(out, asked, chunk, 0)
                if len(asked) >= _OUT_A_THREAD * threads:
                    yield self._next(out, asked)
            while asked:
                yield self._next(out, asked)
        finally:
            client.cancel([future for future, _, _ in asked.values()])

    def _send(self, out: Any, asked: dict[str, Any], chunk: Chunk, lost: int) -> None:
        future = self._client.submit(_figures_there, self._sent, self._compiled, chunk, pure=False)
        asked[future.key] = future, chunk, lost
        out.add(future)

    def _next(self, out: Any, asked: dict[str, Any]) -> ChunkFigures:
        """The next chunk that is done; one whose workers were lost is sent again.

        Raises:
            SweepWorkerLost: it was lost too often.
        """
        while True:
            future = next(out)
            _, chunk, lost = asked.pop(future.key)
            try:
                answer: ChunkFigures | ChunkFailure = future.result()
            except (self._dask.KilledWorker, self._dask.client.FutureCancelledError) as error:
                if lost >= _RETRIES:
                    raise SweepWorkerLost(
                        f"{len(chunk.parameters)} combinations lost their workers {lost + 1} times"
                    ) from error
                self._send(out, asked, chunk, lost + 1)
            else:
                return figures_of(answer)


def _check_answer(address: str) -> None:
    """Refuses what is no address, or where no scheduler speaks: it does so first, unless by TLS.

    The client itself would try on for half a minute, and complain when it is thrown away.

    Raises:
        RequestError: tells which of them it is.
    """
    found = _ADDRESS.fullmatch(address)
    if found is None or not 0 < int(found["port"]) <= _PORT_MAX:
        raise RequestError("scheduler", address, "the address of a Dask scheduler: tcp://host:port")
    place = (found["host"].strip("[]"), int(found["port"]))
    try:
        with socket.create_connection(place, _CONNECT_S) as line:
            line.settimeout(_CONNECT_S)
            if found["way"] != "tls" and not line.recv(1):
                raise ConnectionError("it hangs up")
    except (OSError, UnicodeError) as error:
        raise RequestError(
            "scheduler",
            address,
            f"the address of a Dask scheduler that answers within {_CONNECT_S} s ({error})",
        ) from error


_DRIVES: dict[str, tuple[SweepTask, Drive]] = {}


def _figures_there(task: SweepTask, compiled: bool, chunk: Chunk) -> ChunkFigures | ChunkFailure:
    """Runs a chunk in a worker, whose drive for the task is kept until another task comes."""
    kept = _DRIVES.get("drive")
    if kept is None or kept[0] is not task:
        drive: Drive = KernelDrive(task) if compiled and has_kernel(task) else SingleDrive(task)
        kept = _DRIVES["drive"] = task, drive
    return figures_or_failure(kept[1], chunk)
