"""The HTTP client for venues' REST interfaces.

Carries one request to one venue and brings back its answer, whatever its status: what a status
or body means is the venue's business (`venues/<v>/errors.py`), when to send is the limiter's,
whether to send again is the caller's. Redirects are not followed, cookies not kept, and
environment proxies not used. Messages of errors name method and path, never the query, because
signatures and keys travel there.
"""

import asyncio
from urllib.parse import quote

import aiohttp
from yarl import URL

from headwater.core.clock import Clock
from headwater.core.errors import VenueTimeout, VenueUnavailable
from headwater.core.http_messages import HttpReply, HttpRequest

MAX_REPLY_BYTES = 32 * 1024 * 1024
MAX_CONNECTIONS = 64
MAX_CONNECTIONS_PER_HOST = 16
KEEP_ALIVE_S = 30.0
DNS_CACHE_S = 60
READ_CHUNK_BYTES = 64 * 1024
MAX_HEADER_BYTES = 16 * 1024

_QUERY_SAFE = "-._~"  # RFC 3986 unreserved; every venue signs exactly this form
_PATH_SAFE = "/:@!$&'()*+,;=-._~%"  # a path is given as it goes out: its escapes stay
_BASE_HEADERS = {"User-Agent": "headwater", "Accept": "application/json"}


class HttpClient:
    """Sends requests over kept-alive, pooled connections. One per process.

    Args:
        clock: stamps replies.
        max_reply_bytes: a longer reply, counted after decompression, is given up.
    """

    def __init__(self, clock: Clock, *, max_reply_bytes: int = MAX_REPLY_BYTES) -> None:
        self._clock = clock
        self._max_reply_bytes = max_reply_bytes
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Makes the connection pool; opens no connection yet."""
        if self._session is not None:
            raise RuntimeError("HttpClient.start was called twice")
        connector = aiohttp.TCPConnector(
            limit=MAX_CONNECTIONS,
            limit_per_host=MAX_CONNECTIONS_PER_HOST,
            keepalive_timeout=KEEP_ALIVE_S,
            ttl_dns_cache=DNS_CACHE_S,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=_BASE_HEADERS,
            trust_env=False,
            read_bufsize=READ_CHUNK_BYTES,
            max_line_size=MAX_HEADER_BYTES,
            max_field_size=MAX_HEADER_BYTES,
        )

    async def close(self) -> None:
        """Closes every connection; calls under way fail. Harmless when repeated."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def send(
        self, exchange: str, base_url: str, request: HttpRequest, *, timeout_s: float
    ) -> HttpReply:
        """Sends one request and reads the whole reply.

        A GET that meets a kept-alive connection which the venue has just closed is sent once
        more on a new one; nothing else is repeated.

        Args:
            exchange: venue id, for errors.
            base_url: scheme and host, without a trailing slash.
            request: what to send.
            timeout_s: for a place in the pool, connecting, sending and reading together.

        Returns:
            The reply, also when its status is an error or a redirect.

        Raises:
            VenueTimeout: no whole reply in `timeout_s`.
            VenueUnavailable: no connection, or no readable reply, or one that is too long.
        """
        if self._session is None:
            raise RuntimeError("HttpClient.send before start or after close")
        what = f"{request.method} {request.path}"
        try:
            url = request_url(base_url, request)
        except ValueError:
            problem = "the base address is not one of HTTP"
            raise VenueUnavailable(exchange, f"{what}: {problem}") from None
        try:
            async with asyncio.timeout(timeout_s):
                return await self._exchange(self._session, exchange, url, request)
        except TimeoutError:
            raise VenueTimeout(exchange, f"{what}: no reply in {timeout_s:g} s") from None
        except (aiohttp.ClientError, OSError) as error:
            # Their own texts and traces quote the whole address: said anew, without the query.
            raise VenueUnavailable(exchange, f"{what}: {_say(error)}") from None

    async def _exchange(
        self, session: aiohttp.ClientSession, exchange: str, url: URL, request: HttpRequest
    ) -> HttpReply:
        async with session.request(
            request.method,
            url,
            data=request.body,
            headers=_request_headers(request),
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
        ) as response:
            body = bytearray()
            # aiohttp decompresses at most one chunk ahead of what is read here, so that a small
            # reply that unpacks to gigabytes is given up at the bound, too.
            async for chunk in response.content.iter_any():
                body += chunk
                if len(body) > self._max_reply_bytes:
                    response.close()
                    raise VenueUnavailable(
                        exchange,
                        f"{request.method} {request.path}: "
                        f"reply longer than {self._max_reply_bytes} bytes",
                        http_status=response.status,
                    )
            headers: dict[str, str] = {}
            for name, value in response.headers.items():
                key = name.lower()
                headers[key] = f"{headers[key]}, {value}" if key in headers else value
            return HttpReply(
                status=response.status,
                headers=headers,
                body=bytes(body),
                received_ns=self._clock.now_ns(),
            )


def request_url(base_url: str, request: HttpRequest) -> URL:
    """The address of `request`, escaped once and for all.

    Query names and values are escaped to the unreserved characters of RFC 3986 (a space is
    `%20`), UTF-8 for others, so that a signature over the same text matches what is sent.

    Raises:
        ValueError: `base_url` is no HTTP address.
    """
    text = base_url + quote(request.path, safe=_PATH_SAFE)
    if request.query:
        text += "?" + "&".join(
            f"{quote(name, safe=_QUERY_SAFE)}={quote(value, safe=_QUERY_SAFE)}"
            for name, value in request.query
        )
    url = URL(text, encoded=True)
    if url.scheme not in {"http", "https"} or not url.raw_host or url.port is None:
        raise ValueError(f"base_url={base_url!r}: want http: or https: and a host")
    return url


def _request_headers(request: HttpRequest) -> dict[str, str]:
    kind = {} if request.body is None else {"Content-Type": "application/json"}
    return kind | dict(request.headers)


def _say(error: BaseException) -> str:
    """What happened, without the address."""
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "the host name is unknown"
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientSSLError):
        return "no secure connection"
    if isinstance(error, aiohttp.ClientOSError | OSError) and error.strerror:
        return f"no connection: {error.strerror}"
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "the venue closed the connection before it answered"
    if isinstance(error, aiohttp.ClientPayloadError):
        return "the reply broke off or could not be unpacked"
    if isinstance(error, aiohttp.ClientResponseError):
        return "the reply is not HTTP"
    return type(error).__name__
