"""A loop that jumps to its next timer instead of waiting, but not ahead of bytes on their way.

`looptime` jumps as soon as nothing is to be done inside the loop. But sockets of the loopback
interface and threads of the storage are outside of it, and a busy machine delivers late: a time-out
of ten virtual seconds is over before the answer of a millisecond is there. So the loop sleeps for
`REST_S` of real time before each jump, which costs no processor and lets the threads work, unlike
looking again and again.
"""

import asyncio
import functools
import selectors
import time
from collections.abc import Callable, Coroutine
from typing import Any, Final, ParamSpec, cast

import looptime

from headwater.core.clock import Clock, SourceClock, SystemClock

P = ParamSpec("P")

START_NS: Final = 1_790_000_010_000_000_000
"""What `loop_clock` says at the beginning of a loop of virtual time."""
REST_S: Final = 0.000_2
"""Real time before each jump in which bytes may arrive."""
CYCLES: Final = 3
"""Rounds without work before a jump; the rest is in the first of them."""


def new_event_loop() -> asyncio.AbstractEventLoop:
    """A loop of virtual time that begins at 0."""
    loop: asyncio.AbstractEventLoop = looptime.new_event_loop(noop_cycles=CYCLES)
    selector = cast("Any", loop)._selector
    jumping = selector.select
    has_rested = False

    def select(timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        nonlocal has_rested
        if timeout is not None and timeout <= 0:  # there is work inside the loop
            has_rested = False
        elif not has_rested:
            has_rested = True
            time.sleep(REST_S)
        found = cast("list[tuple[selectors.SelectorKey, int]]", jumping(timeout))
        if found:
            has_rested = False
        return found

    selector.select = select
    return loop


def loop_clock() -> Clock:
    """The clock of the running loop: its own time where that is virtual, else the machine's."""
    loop = asyncio.get_running_loop()
    if isinstance(loop, looptime.LoopTimeEventLoop):
        return SourceClock(loop.time, START_NS)
    return SystemClock()


def in_virtual_time(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Makes of an asynchronous test one that runs in virtual time, with `loop_clock` as clock."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            runner.run(test(*args, **kwargs))

    return run


def run_in_virtual_time(
    main: Callable[[SourceClock], Coroutine[Any, Any, None]], start_ns: int
) -> None:
    """Runs `main` to its end with a clock of the same time.

    Args:
        main: gets the clock.
        start_ns: what the clock says at the beginning, ns since 1970.
    """
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(main(SourceClock(runner.get_loop().time, start_ns)))
