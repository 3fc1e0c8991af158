"""Runs a method of ccxt without its sockets: requests come out, replies go in.

ccxt's unified methods fetch in the middle of their work. Here a method is run with the replies it
has so far; where it wants another one it is stopped, the request is handed out, and with the reply
the method runs again from its start. Methods of public data are functions of their replies, so the
same requests come in the same order; each costs its parsing once more.
"""

import importlib
from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from headwater.core.errors import ConfigError, WireError
from headwater.core.http_messages import HttpReply, HttpRequest
from headwater.venues.ccxt_bridge.errors import translated
from headwater.venues.messages import RestCall

REQUESTS_MAX: Final = 50
"""Requests of one method; more means that it does not end."""

_WITHOUT_MARKETS: Final = frozenset({"load_markets", "fetch_time"})
"""Methods that do not need the list of markets."""
_HEADERS: Final = ("content-type",)
_FIRST_ERROR: Final = 400
_SHOWN: Final = 200


class _Wanted(BaseException):
    """A method of ccxt needs the reply to this request. No error: nothing may catch it."""

    def __init__(self, request: HttpRequest, base_url: str) -> None:
        super().__init__()
        self.request = request
        self.base_url = base_url


def ccxt() -> ModuleType:
    """The library.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        return importlib.import_module("ccxt")
    except ImportError as error:
        allowed = "the optional extra: pip install 'headwater[ccxt]'"
        raise ConfigError("ccxt_exchanges", "ccxt is not installed", allowed) from error


class Conversation:
    """One exchange of ccxt.

    Args:
        exchange_id: its id in ccxt.

    Attributes:
        exchange: ccxt's object; its unified parsing methods may be used freely.
        base_url: host that most requests go to.
        received_ns: wall time of the newest reply of the call that ended last, ns since the epoch.

    Raises:
        ConfigError: ccxt is not installed, or has no such exchange.
    """

    def __init__(self, exchange_id: str) -> None:
        library = ccxt()
        if exchange_id not in library.exchanges:
            raise ConfigError("ccxt_exchanges", f"{exchange_id!r} is unknown", "an id of ccxt")
        self._id = exchange_id
        self._replies: Iterator[HttpReply] = iter(())
        self.received_ns = 0
        self.exchange = self._quiet(getattr(library, exchange_id))
        self.base_url = ""
        self.base_url = self._first_host()

    def call(self, method: str, *args: Any, **named: Any) -> RestCall[Any]:
        """Runs a unified method.

        Args:
            method: its name.
            args: its arguments.
            named: its named arguments.

        Returns:
            What ccxt returns.

        Raises:
            PlatformError: what ccxt's error means here.
            WireError: a reply that ccxt cannot read, or a method that does not end.
        """
        if method not in _WITHOUT_MARKETS and not self.exchange.markets:
            # Loaded in the middle of a method they would be missing among its replies when it
            # runs again: it would take the list of markets for its own answer.
            yield from self.call("load_markets")
        replies: list[HttpReply] = []
        while True:
            try:
                result = self._run(replies, method, args, named)
            except _Wanted as wanted:
                request = wanted.request
            else:
                if replies:
                    self.received_ns = replies[-1].received_ns
                return result
            if len(replies) >= REQUESTS_MAX:
                raise WireError(self._id, method, f"wants more than {REQUESTS_MAX} requests", b"")
            replies.append((yield request))

    def _run(
        self, replies: Sequence[HttpReply], method: str, args: Sequence[Any], named: dict[str, Any]
    ) -> Any:
        self._replies = iter(replies)
        try:
            return getattr(self.exchange, method)(*args, **named)
        except Exception as error:
            raise translated(self._id, method, error) from error

    def _first_host(self) -> str:
        """Where the list of markets is; nothing is sent."""
        try:
            self._run((), "fetch_markets", (), {})
        except _Wanted as wanted:
            return wanted.base_url
        return ""

    def _quiet(self, kind: type[Any]) -> Any:
        """An object of ccxt's class whose requests are answered from what we have."""
        conversation = self

        class Quiet(kind):  # type: ignore[misc]
            def fetch(
                self, url: str, method: str = "GET", headers: Any = None, body: Any = None
            ) -> Any:
                reply = next(conversation._replies, None)
                if reply is None:
                    raise conversation._wanted(url, method, headers, body)
                text = reply.body.decode("utf-8", "replace")
                known = dict(reply.headers)
                parsed = self.parse_json(text)
                if parsed is None and reply.status < _FIRST_ERROR:
                    raise ValueError(f"no JSON: {text[:_SHOWN]}")
                told = (reply.status, "", url, method)
                skip = self.handle_errors(*told, known, text, parsed, headers, body)
                if not skip:
                    self.handle_http_status_code(*told, text)
                return text if parsed is None else parsed

        made = Quiet({"enableRateLimit": False, "options": {"defaultType": "swap"}})
        made.has["fetchCurrencies"] = False  # often private, and of no use here
        return made

    def _wanted(self, url: str, method: str, headers: Any, body: Any) -> _Wanted:
        parts = urlsplit(url)
        base_url = f"{parts.scheme}://{parts.netloc}"
        content = body.encode() if isinstance(body, str) else body
        kept = tuple(
            (str(name), str(value))
            for name, value in (headers or {}).items()
            if str(name).lower() in _HEADERS
        )
        request = HttpRequest(
            method=method,
            path=parts.path or "/",
            query=tuple(parse_qsl(parts.query, keep_blank_values=True)),
            body=content,
            headers=kept,
            base_url=None if base_url == self.base_url else base_url,
        )
        return _Wanted(request, base_url)
