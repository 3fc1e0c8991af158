"""The outermost layer: gives each request an id, measures it, logs it, catches what nobody did.

`X-Request-ID` is taken from the client when it is sane, else made; it returns on every answer
with `X-Process-Time` (seconds). One line is logged per request: a warning for those slower than
`SLOW_S`, debug for answers from the cache and probes, else info. An error that nobody expected is
logged here, once, with its trace, and answered with 500 and the id alone.
"""

import logging
import random
import re
from collections.abc import Callable, Iterable
from typing import Final, Protocol

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from headwater.api.cache import CACHE_ROUTE_KEY
from headwater.api.errors import REQUEST_ID_KEY, make_problem, problem_response
from headwater.core.clock import Clock

REQUEST_ID_MAX: Final = 64
"""Longer ids of clients are replaced by our own."""

SLOW_S: Final = 1.0
"""A request that takes longer is logged as a warning, whatever it is and wherever it runs."""

UNMATCHED: Final = "unmatched"
"""Route of requests that fit none."""

_SANE_ID: Final = re.compile(rb"[A-Za-z0-9._~-]{1,64}")
_QUIET_ROUTES: Final = frozenset({"/health/live", "/health/ready", "/metrics"})
_PATH_CUT_CHARS: Final = 200

_log: Final = structlog.stdlib.get_logger("headwater.api")
_standard_log: Final = logging.getLogger("headwater.api")


class Meter(Protocol):
    """What the layer needs of the metrics."""

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Counts one finished request."""


class RequestLayer:
    """ASGI layer around everything else.

    Args:
        app: what is behind it.
        clock: measures.
        new_id: makes ids.
        meter: counts.
    """

    def __init__(
        self, app: ASGIApp, *, clock: Clock, new_id: Callable[[], str], meter: Meter
    ) -> None:
        self._app = app
        self._clock = clock
        self._new_id = new_id
        self._meter = meter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        clock = self._clock
        started = clock.monotonic()
        request_id = request_id_of(scope["headers"], self._new_id)
        scope[REQUEST_ID_KEY] = request_id
        status = 0

        async def send_marked(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message["headers"],
                    (b"x-request-id", request_id.encode()),
                    (b"x-process-time", b"%.6f" % (clock.monotonic() - started)),
                    (b"x-content-type-options", b"nosniff"),
                ]
            await send(message)

        try:
            await self._app(scope, receive, send_marked)
        except Exception:  # noqa: BLE001 - the border: whatever it is, it is logged and answered
            _log.exception("request failed", request_id=request_id, path=_path_of(scope))
            if status == 0:
                problem = make_problem(500, "internal_error", "internal error; see the server log")
                await problem_response(problem, scope)(scope, receive, send_marked)
        finally:
            self._note(scope, request_id, status, clock.monotonic() - started)

    def _note(self, scope: Scope, request_id: str, status: int, seconds: float) -> None:
        """Counts and logs a finished request."""
        cached: str | None = scope.get(CACHE_ROUTE_KEY)
        route = cached or str(getattr(scope.get("route"), "path", UNMATCHED))
        self._meter.observe(scope["method"], route, status, seconds)
        is_slow = seconds > SLOW_S
        quiet = not is_slow and (cached is not None or route in _QUIET_ROUTES)
        if quiet and not _standard_log.isEnabledFor(logging.DEBUG):
            return  # structlog would make the whole line before it is thrown away
        write = _log.warning if is_slow else _log.debug if quiet else _log.info
        write(
            "slow request" if is_slow else "request",
            request_id=request_id,
            method=scope["method"],
            path=_path_of(scope),
            route=route,
            status=status,
            seconds=round(seconds, 6),
        )


def request_id_of(headers: Iterable[tuple[bytes, bytes]], new_id: Callable[[], str]) -> str:
    """The id of a request: the client's `X-Request-ID` when it is sane, else a new one.

    Args:
        headers: names in lower case.
        new_id: makes ids.
    """
    for name, value in headers:
        if name == b"x-request-id" and _SANE_ID.fullmatch(value):
            return str(value, "ascii")
    return new_id()


def hex_ids(rng: random.Random) -> Callable[[], str]:
    """Makes ids of 16 hexadecimal digits.

    Args:
        rng: where they come from.
    """
    return lambda: f"{rng.getrandbits(64):016x}"


def _path_of(scope: Scope) -> str:
    """The path for the log, cut; a JSON or console renderer escapes what is not printable."""
    path: str = scope["path"]
    return path[:_PATH_CUT_CHARS]
