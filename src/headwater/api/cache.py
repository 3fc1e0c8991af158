"""Ready answers: encoded once, given to everybody who asks within their time.

Routes fill the cache and document themselves; `CacheLayer`, in front of the router, answers
repeated requests from ready bytes, compressed ones and `304 Not Modified` included. The key of an
answer is the route with its normalised parameters; the spelling of a request (path and query as
they came) is remembered as an alias of that key. Requests for an answer that is just being made
wait for it instead of asking the venue again.

Bounds: `limits.CacheSettings`. Belongs to one event loop.
"""

import asyncio
import gzip
import hashlib
from collections.abc import Awaitable, Callable, Hashable
from functools import lru_cache
from typing import Final, TypeAlias

import msgspec
from fastapi import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from headwater.api.limits import CacheSettings
from headwater.core.clock import Clock

CACHE_ROUTE_KEY: Final = "headwater.cached_route"
"""Where the layer notes the route template of an answer it gave, for metrics."""

INCOMPLETE_HEADER: Final = b"x-data-incomplete"
"""Says what an answer lacks and why; a whole answer has no such header."""

LARGE_BYTES: Final = 1 << 18
"""Bodies above it are hashed and compressed in a thread: a quarter of a MB takes some ms."""

_GZIP_LEVEL: Final = 5
_GZIP_ASKED_MIN: Final = 2
_ETAG_BYTES: Final = 12
_HEADER_CHARS_MAX: Final = 300

AnswerKey: TypeAlias = tuple[Hashable, ...]
"""Route template first, then its normalised parameters."""

RawHeaders: TypeAlias = list[tuple[bytes, bytes]]


class CacheStats(msgspec.Struct, frozen=True, kw_only=True):
    """Counters of the cache.

    Attributes:
        hits: requests answered from it, by the layer or by a route.
        misses: requests for which an answer had to be made.
        shared: requests that waited for an answer somebody else was having made.
        evicted: answers that went because of a bound, while still fresh.
        entries: answers held now, fresh or not.
        bytes_held: bytes of their bodies.
    """

    hits: int
    misses: int
    shared: int
    evicted: int
    entries: int
    bytes_held: int


class PartialBody(msgspec.Struct, frozen=True):
    """A body that is less than what was asked for.

    Attributes:
        body: JSON.
        reason: what is missing and why, in words.
        ttl_s: it is not given again for longer than that; None for the time of a whole one.
    """

    body: bytes
    reason: str
    ttl_s: float | None = None


class Answer:
    """One encoded answer.

    Args:
        key: what it answers.
        body: JSON.
        expires: monotonic second after which it is not given any more.
        incomplete: what is missing and why; empty for a whole answer.
    """

    __slots__ = (
        "body",
        "etag",
        "expires",
        "gzip_asked",
        "incomplete",
        "key",
        "packed",
        "packed_etag",
    )

    def __init__(self, key: AnswerKey, body: bytes, expires: float, incomplete: str = "") -> None:
        digest = hashlib.blake2b(body, digest_size=_ETAG_BYTES).hexdigest().encode()
        self.key = key
        self.body = body
        self.expires = expires
        self.incomplete = incomplete
        self.etag = b'"' + digest + b'"'
        self.packed: bytes | None = None
        self.packed_etag = b'"' + digest + b'-gzip"'
        self.gzip_asked = 0


class AnswerCache:
    """All answers of one process.

    Args:
        settings: bounds.
        clock: measures ages.
    """

    def __init__(self, settings: CacheSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._answers: dict[AnswerKey, Answer] = {}
        self._aliases: dict[tuple[str, bytes], AnswerKey] = {}
        self._pending: dict[AnswerKey, asyncio.Future[Answer]] = {}
        self._packing: asyncio.Task[None] | None = None
        self._bytes = 0
        self._hits = 0
        self._misses = 0
        self._shared = 0
        self._evicted = 0

    def find(self, path: str, query: bytes) -> Answer | None:
        """A fresh answer to a request spelt like an earlier one, else None."""
        key = self._aliases.get((path, query))
        if key is None:
            return None
        answer = self._fresh(key)
        if answer is not None:
            self._hits += 1
        return answer

    def remember(self, path: str, query: bytes, answer: Answer) -> None:
        """Notes the spelling of a request as an alias of its answer's key."""
        if len(self._aliases) >= self._settings.aliases_max:
            del self._aliases[next(iter(self._aliases))]
        self._aliases[path, query] = answer.key

    async def answer(
        self, key: AnswerKey, ttl_s: float, make: Callable[[], Awaitable[bytes | PartialBody]]
    ) -> Answer:
        """A fresh answer, made if there is none; at most one is being made per key.

        Args:
            key: route template and normalised parameters.
            ttl_s: how long the answer may be given again.
            make: gets the data and encodes them. Its error goes to everybody who waits and is
                not remembered.
        """
        while True:
            answer = self._fresh(key)
            if answer is not None:
                self._hits += 1
                return answer
            pending = self._pending.get(key)
            if pending is None:
                return await self._make(key, ttl_s, make)
            self._shared += 1
            await asyncio.wait((pending,))
            if not pending.cancelled():  # else its maker was cancelled, which is no answer
                return pending.result()

    def pack(self, answer: Answer) -> bytes | None:
        """The compressed body; None for one that is short or asked for the first time.

        None, too, while a large body is being compressed: that happens in a thread, for one body
        at a time, and the whole one is given meanwhile.
        """
        if answer.packed is None and len(answer.body) >= self._settings.gzip_min_bytes:
            answer.gzip_asked += 1
            if answer.gzip_asked < _GZIP_ASKED_MIN:
                return None
            if len(answer.body) <= LARGE_BYTES:
                self._note_packed(answer, _compressed(answer.body))
            elif self._packing is None:
                self._packing = asyncio.get_running_loop().create_task(self._pack(answer))
        return answer.packed

    async def _pack(self, answer: Answer) -> None:
        """Compresses a large body off the event loop."""
        try:
            self._note_packed(answer, await asyncio.to_thread(_compressed, answer.body))
        finally:
            self._packing = None

    def _note_packed(self, answer: Answer, packed: bytes) -> None:
        answer.packed = packed
        if self._answers.get(answer.key) is answer:
            self._bytes += len(packed)
            self._make_room()

    async def close(self) -> None:
        """Waits for a body that is being compressed."""
        if self._packing is not None:
            await asyncio.wait((self._packing,))

    def forget(self, route: str) -> None:
        """Forgets the answers of one route: what they tell is not true any more.

        Args:
            route: template of its path.
        """
        for answer in [one for one in self._answers.values() if one.key[0] == route]:
            self._drop(answer)

    def clear(self) -> int:
        """Forgets every answer, though not those being made; returns how many."""
        count = len(self._answers)
        self._answers.clear()
        self._aliases.clear()
        self._bytes = 0
        return count

    @property
    def stats(self) -> CacheStats:
        """Counters now."""
        return CacheStats(
            hits=self._hits,
            misses=self._misses,
            shared=self._shared,
            evicted=self._evicted,
            entries=len(self._answers),
            bytes_held=self._bytes,
        )

    def _fresh(self, key: AnswerKey) -> Answer | None:
        answer = self._answers.get(key)
        if answer is None or answer.expires > self._clock.monotonic():
            return answer
        self._drop(answer)
        return None

    async def _make(
        self, key: AnswerKey, ttl_s: float, make: Callable[[], Awaitable[bytes | PartialBody]]
    ) -> Answer:
        self._misses += 1
        pending: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._pending[key] = pending
        try:
            made = await make()
            whole = PartialBody(made, "") if isinstance(made, bytes) else made
            lasts_s = ttl_s if whole.ttl_s is None else min(ttl_s, whole.ttl_s)
            expires = self._clock.monotonic() + lasts_s
            wanted = (key, whole.body, expires, whole.reason)
            # The tag of a large body takes some ms of hashing.
            is_large = len(whole.body) > LARGE_BYTES
            answer = await asyncio.to_thread(Answer, *wanted) if is_large else Answer(*wanted)
        except Exception as error:
            pending.set_exception(error)
            pending.exception()  # waiting for it is voluntary
            raise
        else:
            pending.set_result(answer)
        finally:
            del self._pending[key]
            if not pending.done():
                pending.cancel()
        self._answers[key] = answer
        self._bytes += len(answer.body)
        self._make_room()
        return answer

    def _make_room(self) -> None:
        """Drops the answers made longest ago until both bounds are kept."""
        settings = self._settings
        while len(self._answers) > settings.entries_max or self._bytes > settings.bytes_max:
            oldest = next(iter(self._answers.values()), None)
            if oldest is None:
                return
            self._evicted += oldest.expires > self._clock.monotonic()
            self._drop(oldest)

    def _drop(self, answer: Answer) -> None:
        del self._answers[answer.key]
        self._bytes -= len(answer.body) + len(answer.packed or b"")


class AnswerResponse(Response):
    """What a route returns: sends the answer and remembers the request's spelling.

    Args:
        cache: where the answer is kept.
        answer: what to send.
    """

    media_type = "application/json"

    def __init__(self, cache: AnswerCache, answer: Answer) -> None:
        super().__init__(b"")
        self._cache = cache
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends it."""
        del receive
        self._cache.remember(scope["path"], scope["query_string"], self._answer)
        await send_answer(self._cache, self._answer, scope, send)


class CacheLayer:
    """ASGI layer in front of the router: answers what is ready, hands on everything else.

    Args:
        app: what is behind it.
        cache: the answers.
    """

    def __init__(self, app: ASGIApp, cache: AnswerCache) -> None:
        self._app = app
        self._cache = cache

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers or hands on one request."""
        if scope["type"] == "http" and scope["method"] == "GET":
            answer = self._cache.find(scope["path"], scope["query_string"])
            if answer is not None:
                scope[CACHE_ROUTE_KEY] = answer.key[0]
                await send_answer(self._cache, answer, scope, send)
                return
        await self._app(scope, receive, send)


async def send_answer(cache: AnswerCache, answer: Answer, scope: Scope, send: Send) -> None:
    """Sends an answer as the request's headers want it: whole, compressed or as 304."""
    wanted: dict[bytes, bytes] = dict(scope["headers"])
    packed: bytes | None = None
    if _takes_gzip(wanted.get(b"accept-encoding", b"")):
        packed = cache.pack(answer)
    etag = answer.etag if packed is None else answer.packed_etag
    headers: RawHeaders = [
        (b"etag", etag),
        (b"cache-control", b"no-cache"),
        (b"vary", b"accept-encoding"),
    ]
    if answer.incomplete:
        headers.append((INCOMPLETE_HEADER, _header_value(answer.incomplete)))
    known = wanted.get(b"if-none-match")
    if known is not None and _matches(known, answer):
        await send({"type": "http.response.start", "status": 304, "headers": headers})
        await send({"type": "http.response.body", "body": b""})
        return
    body = answer.body if packed is None else packed
    headers.append((b"content-type", b"application/json"))
    headers.append((b"content-length", b"%d" % len(body)))
    if packed is not None:
        headers.append((b"content-encoding", b"gzip"))
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _compressed(body: bytes) -> bytes:
    """The body as gzip, the same bytes whenever it is done."""
    return gzip.compress(body, _GZIP_LEVEL, mtime=0)


def _header_value(words: str) -> bytes:
    """Words as a header carries them: one line of ASCII, not too long (RFC 9110 section 5.5)."""
    shown = (one if " " <= one <= "~" else "?" for one in words[:_HEADER_CHARS_MAX])
    return "".join(shown).encode("ascii")


def _matches(known: bytes, answer: Answer) -> bool:
    """Whether `If-None-Match` names one of the answer's tags (RFC 9110, weak comparison)."""
    return known.strip() == b"*" or answer.etag in known or answer.packed_etag in known


@lru_cache(maxsize=256)
def _takes_gzip(accepted: bytes) -> bool:
    """Whether `Accept-Encoding` allows gzip (RFC 9110 section 12.5.3)."""
    for entry in accepted.lower().split(b","):
        coding, _, weight = entry.partition(b";")
        if coding.strip() in (b"gzip", b"*"):
            _, _, quality = weight.partition(b"=")
            return quality.strip() not in (b"0", b"0.0", b"0.00", b"0.000")
    return False
