"""What Binance allows an IP: request weight per window, and the ban for going on after a 429.

Windows are fixed and aligned to the clock, as `X-MBX-USED-WEIGHT-1M` shows. Facts: the shared
notes on Binance, section 2; the length of the first ban is the documented minimum.
"""

from typing import ClassVar

from headwater.core.errors import PlatformError

MINUTE_MS = 60_000
IP_WEIGHT_PER_MINUTE = 2400
FUNDING_REQUESTS = 500
DATA_REQUESTS = 1000
SHARED_WINDOW_MS = 5 * MINUTE_MS
"""Window of the pools that count requests (funding, /futures/data)."""

REFUSALS_BEFORE_BAN = 10
"""Requests answered 429 in one window before the IP is banned."""

FIRST_BAN_MS = 2 * MINUTE_MS
LONGEST_BAN_MS = 3 * 24 * 60 * MINUTE_MS

MAX_CLIENTS = 10_000
"""IPs remembered; the one seen longest ago is forgotten first."""


class Refused(PlatformError):
    """The limit says no.

    Args:
        status: 429 or 418.
        message: the venue's words.
        retry_after_s: seconds until it makes sense to ask again.
    """

    def __init__(self, status: int, message: str, retry_after_s: int) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.retry_after_s = retry_after_s


class _Window:
    """One budget of one IP in its current window."""

    __slots__ = ("index", "used")

    def __init__(self) -> None:
        self.index = -1
        self.used = 0

    def add(self, weight: int, now_ms: int, length_ms: int) -> int:
        """Counts `weight`; returns what is used in the window now."""
        index = now_ms // length_ms
        if index != self.index:
            self.index = index
            self.used = 0
        self.used += weight
        return self.used


class _Client:
    """What is known of one IP."""

    __slots__ = ("ban_ms", "banned_until_ms", "pools", "refusals", "refusals_window")

    def __init__(self) -> None:
        self.pools: dict[str, _Window] = {}
        self.refusals = 0
        self.refusals_window = -1
        self.ban_ms = FIRST_BAN_MS
        self.banned_until_ms = 0


class IpLimits:
    """Counts requests of all IPs.

    Attributes:
        capacities: budget by pool: capacity and window in ms.
        breaches: requests that were refused, since the start.
    """

    capacities: ClassVar[dict[str, tuple[int, int]]] = {
        "ip": (IP_WEIGHT_PER_MINUTE, MINUTE_MS),
        "funding": (FUNDING_REQUESTS, SHARED_WINDOW_MS),
        "data": (DATA_REQUESTS, SHARED_WINDOW_MS),
    }

    def __init__(self) -> None:
        self._clients: dict[str, _Client] = {}
        self.breaches = 0

    def charge(self, client: str, pool: str, weight: int, now_ms: int) -> None:
        """Counts a request.

        Args:
            client: the IP.
            pool: `ip`, `funding` or `data`.
            weight: what it costs there.
            now_ms: the venue's clock.

        Raises:
            Refused: over the limit (429) or banned (418).
        """
        known = self._client(client)
        if now_ms < known.banned_until_ms:
            self.breaches += 1
            raise self._banned(client, known, now_ms)
        capacity, length_ms = self.capacities[pool]
        used = known.pools.setdefault(pool, _Window()).add(weight, now_ms, length_ms)
        if used <= capacity:
            return
        self.breaches += 1
        index = now_ms // length_ms
        if known.refusals_window != index:
            known.refusals_window = index
            known.refusals = 0
        known.refusals += 1
        if known.refusals > REFUSALS_BEFORE_BAN:
            known.banned_until_ms = now_ms + known.ban_ms
            known.ban_ms = min(known.ban_ms * 2, LONGEST_BAN_MS)
            raise self._banned(client, known, now_ms)
        minutes = length_ms // MINUTE_MS
        span = "minute" if minutes == 1 else f"{minutes} minutes"
        raise Refused(
            429,
            f"Too many requests; current limit of IP({client}) is {capacity} requests per {span}. "
            "Please use the websocket for live updates to avoid polling the API.",
            _seconds((index + 1) * length_ms - now_ms),
        )

    def used_weight(self, client: str, now_ms: int) -> int:
        """Weight used by an IP in the current minute."""
        window = self._client(client).pools.get("ip")
        current = window is not None and window.index == now_ms // MINUTE_MS
        return window.used if window is not None and current else 0

    def _client(self, client: str) -> _Client:
        known = self._clients.pop(client, None) or _Client()
        self._clients[client] = known
        if len(self._clients) > MAX_CLIENTS:
            del self._clients[next(iter(self._clients))]
        return known

    def _banned(self, client: str, known: _Client, now_ms: int) -> Refused:
        return Refused(
            418,
            f"Way too many requests; IP({client}) banned until {known.banned_until_ms}. "
            "Please use the websocket for live updates to avoid bans.",
            _seconds(known.banned_until_ms - now_ms),
        )


def _seconds(milliseconds: int) -> int:
    """Whole seconds, rounded up."""
    return -(-milliseconds // 1000)
