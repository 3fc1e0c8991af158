"""Fault weather for a simulated venue: what goes wrong, how often, decided by one seed.

A `FaultPlan` is data (a TOML or JSON file, or set at run time); a `FaultInjector` draws from it,
counts every fault it injects and keeps a journal, so that a test can compare the injected faults
with what the platform noticed. Faults of frames only touch data, never acknowledgements. Ranges
follow the fault weather of the shared reliability notes, section 4. What the venue lost on a
stream stays in its REST history.
"""

import random
import tomllib
from collections import Counter, deque
from enum import StrEnum
from pathlib import Path

import msgspec

from headwater.core.enums import Channel
from headwater.core.errors import ConfigError

MAX_JOURNAL = 10_000
"""Injected faults remembered in detail; the counters go on for ever."""

_DETAIL_CUT = 240

Range = tuple[float, float]
"""Lowest and highest value of a uniform draw."""


class _Switches(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A group of switches: probabilities within 0 … 1, ranges ascending, nothing negative."""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            numbers = value if isinstance(value, tuple) else (value,)
            for number in numbers:
                if isinstance(number, (int, float)) and not 0 <= number < float("inf"):
                    raise ValueError(f"{name}={value}: must be ≥ 0 and finite")
            if isinstance(value, float) and not name.endswith("_per_min") and value > 1:
                raise ValueError(f"{name}={value}: a probability is at most 1")
            if isinstance(value, tuple) and numbers and isinstance(numbers[0], (int, float)):
                low, high = numbers
                if low > high:
                    raise ValueError(f"{name}={value}: lowest first")


class FrameFaults(_Switches, frozen=True, kw_only=True):
    """Faults of single data frames, as probabilities.

    Attributes:
        drop: the venue loses it.
        duplicate: it is sent twice.
        swap: it changes places with the next one.
        corrupt: its text ends early (the frame itself is whole).
        delay: it and all behind it wait.
        delay_ms: for how long.
    """

    drop: float = 0.0
    duplicate: float = 0.0
    swap: float = 0.0
    corrupt: float = 0.0
    delay: float = 0.0
    delay_ms: Range = (0.0, 300.0)


class SocketFaults(_Switches, frozen=True, kw_only=True):
    """Faults of connections, as expected number a minute and connection.

    Attributes:
        resets_per_min: cut without a word (RST).
        closes_per_min: closed with a closing handshake.
        half_frames_per_min: half a frame, then the end of the stream.
        stalls_per_min: nothing is sent for a while, then everything.
        stall_s: for how long.
        refusals_per_min: the venue accepts no new connections for a while, and cuts the others.
        refusal_s: for how long.
    """

    resets_per_min: float = 0.0
    closes_per_min: float = 0.0
    half_frames_per_min: float = 0.0
    stalls_per_min: float = 0.0
    stall_s: Range = (0.1, 5.0)
    refusals_per_min: float = 0.0
    refusal_s: Range = (0.2, 3.0)


class MuteFaults(_Switches, frozen=True, kw_only=True):
    """One channel of one symbol falls silent while everything else flows.

    Attributes:
        mutes_per_min: how often that begins.
        mute_s: how long it lasts.
        channels: which channels; empty for all.
        symbols: canonical symbols; empty for all.
    """

    mutes_per_min: float = 0.0
    mute_s: Range = (1.0, 30.0)
    channels: tuple[Channel, ...] = ()
    symbols: tuple[str, ...] = ()


class HttpFaults(_Switches, frozen=True, kw_only=True):
    """Faults of REST replies, as probabilities; at most one strikes a request.

    Attributes:
        too_many: 429 with `Retry-After`.
        too_many_silent: 429 without it.
        banned: 418.
        error_before: 503, nothing was done.
        error_after: 503 although the request was served and counted.
        timeout_before: no answer, nothing was done.
        timeout_after: no answer although the request was served and counted.
        html: status 200 with a web page in place of JSON.
        stale_book: the book is an older image, once there is one that old; other replies are not
            touched and not counted.
        delay: the reply waits.
        retry_after_s: of a 429, whole seconds.
        ban_s: of a 418, whole seconds.
        timeout_s: how long the venue keeps silent before it cuts.
        stale_s: age of the older image.
        delay_ms: how long a delayed reply waits.
    """

    too_many: float = 0.0
    too_many_silent: float = 0.0
    banned: float = 0.0
    error_before: float = 0.0
    error_after: float = 0.0
    timeout_before: float = 0.0
    timeout_after: float = 0.0
    html: float = 0.0
    stale_book: float = 0.0
    delay: float = 0.0
    retry_after_s: int = 1
    ban_s: int = 120
    timeout_s: Range = (5.0, 10.0)
    stale_s: Range = (2.0, 10.0)
    delay_ms: Range = (0.0, 300.0)


class FaultPlan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that may go wrong; without arguments nothing does.

    Attributes:
        seed: decides every draw.
        frames: single data frames.
        sockets: connections.
        mutes: single channels.
        http: REST replies.
    """

    seed: int = 0
    frames: FrameFaults = FrameFaults()
    sockets: SocketFaults = SocketFaults()
    mutes: MuteFaults = MuteFaults()
    http: HttpFaults = HttpFaults()


class HttpFault(StrEnum):
    """What may happen to a REST request; the members are the switches of `HttpFaults`."""

    TOO_MANY = "too_many"
    TOO_MANY_SILENT = "too_many_silent"
    BANNED = "banned"
    ERROR_BEFORE = "error_before"
    ERROR_AFTER = "error_after"
    TIMEOUT_BEFORE = "timeout_before"
    TIMEOUT_AFTER = "timeout_after"
    HTML = "html"
    STALE_BOOK = "stale_book"
    DELAY = "delay"


class SocketFault(StrEnum):
    """What may happen to a connection; `retire` is maintenance, with the venue's notice of it."""

    RESET = "reset"
    CLOSE = "close"
    HALF_FRAME = "half_frame"
    STALL = "stall"
    RETIRE = "retire"


class Injection(msgspec.Struct, frozen=True, kw_only=True):
    """One injected fault.

    Attributes:
        kind: its switch.
        at_ms: the venue's time.
        target: connection, path, or channel and symbol.
        detail: what was hit, cut.
    """

    kind: str
    at_ms: int
    target: str
    detail: str


def plan_from_file(path: Path) -> FaultPlan:
    """Reads a plan.

    Args:
        path: TOML, or JSON when the name ends in `.json`.

    Raises:
        ConfigError: not readable, unknown switch or impossible value.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError("faults", str(error), "a readable file") from error
    return plan_from_bytes(content, is_toml=path.suffix != ".json")


def plan_from_bytes(content: bytes, *, is_toml: bool = False) -> FaultPlan:
    """Reads a plan from JSON or TOML.

    Raises:
        ConfigError: unknown switch or impossible value.
    """
    try:
        if is_toml:
            return msgspec.convert(tomllib.loads(content.decode()), FaultPlan, strict=False)
        return msgspec.json.decode(content, type=FaultPlan)
    except (msgspec.MsgspecError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError("faults", str(error), "the switches of FaultPlan") from error


class Mute(msgspec.Struct, frozen=True, kw_only=True):
    """A channel that is silent now.

    Attributes:
        channel: which.
        symbol: canonical.
        marks: texts that its frames carry.
        until_s: monotonic time of its end.
    """

    channel: Channel
    symbol: str
    marks: tuple[str, ...]
    until_s: float


class FaultInjector:
    """Draws faults, counts them, and remembers them.

    Args:
        plan: the switches.
    """

    def __init__(self, plan: FaultPlan) -> None:
        self.counts: Counter[str] = Counter()
        self.journal: deque[Injection] = deque(maxlen=MAX_JOURNAL)
        self.mutes: list[Mute] = []
        self.set_plan(plan)

    def set_plan(self, plan: FaultPlan) -> None:
        """Changes the weather; the draws start again from the plan's seed, counters go on."""
        self.plan = plan
        self.random = random.Random(plan.seed)  # noqa: S311 - weather, not secrets
        self._http = [(fault, getattr(plan.http, fault.value)) for fault in HttpFault]
        self._has_http = any(probability for _, probability in self._http)
        frames = plan.frames
        self._has_frames = any(
            (frames.drop, frames.duplicate, frames.swap, frames.corrupt, frames.delay)
        )

    @property
    def touches_frames(self) -> bool:
        """Whether any data frame can be hit now."""
        return self._has_frames or bool(self.mutes)

    def note(self, kind: str, at_ms: int, target: str, detail: str = "") -> None:
        """Counts an injected fault and writes it into the journal."""
        self.counts[kind] += 1
        self.journal.append(
            Injection(kind=kind, at_ms=at_ms, target=target, detail=detail[:_DETAIL_CUT])
        )

    def draw(self, span: Range) -> float:
        """A value from a range."""
        return self.random.uniform(*span)

    def chance(self, probability: float) -> bool:
        """True with this probability; draws nothing when it is 0."""
        return probability > 0 and self.random.random() < probability

    def http_fault(self) -> HttpFault | None:
        """What happens to the next request; None for nothing."""
        if not self._has_http:
            return None
        return next((fault for fault, odds in self._http if self.chance(odds)), None)

    def socket_fault(self, elapsed_s: float) -> SocketFault | None:
        """What happens to one connection within `elapsed_s`; None for nothing."""
        sockets, minutes = self.plan.sockets, elapsed_s / 60
        if self.chance(sockets.resets_per_min * minutes):
            return SocketFault.RESET
        if self.chance(sockets.closes_per_min * minutes):
            return SocketFault.CLOSE
        if self.chance(sockets.half_frames_per_min * minutes):
            return SocketFault.HALF_FRAME
        if self.chance(sockets.stalls_per_min * minutes):
            return SocketFault.STALL
        return None

    def refusal_s(self, elapsed_s: float) -> float | None:
        """For how long the venue refuses connections from now on; None when it does not."""
        sockets = self.plan.sockets
        if self.chance(sockets.refusals_per_min * elapsed_s / 60):
            return self.draw(sockets.refusal_s)
        return None

    def mute_drawn(self, elapsed_s: float, symbols: list[str]) -> tuple[Channel, str, float] | None:
        """A channel that falls silent within `elapsed_s`: channel, symbol, seconds."""
        mutes = self.plan.mutes
        if not self.chance(mutes.mutes_per_min * elapsed_s / 60):
            return None
        channel = self.random.choice(mutes.channels or tuple(Channel))
        symbol = self.random.choice(mutes.symbols or tuple(symbols))
        return channel, symbol, self.draw(mutes.mute_s)
