"""Whatever bytes come, a venue's stream gives events or says that it cannot read them."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.venues.conformance.loopback import Loopback

from headwater.core.enums import Channel
from headwater.core.errors import WireError
from headwater.core.instruments import InstrumentTable
from headwater.core.intervals import Interval
from headwater.venues.base import MarketStream, Venue
from headwater.venues.messages import Subscription

MUTATIONS = 3_000
_SAMPLES: dict[str, tuple[Loopback, dict[str, list[str]]]] = {}


def samples(venue: Venue) -> tuple[Loopback, dict[str, list[str]]]:
    """Frames of every channel by endpoint, made once per venue."""
    made = _SAMPLES.get(venue.facts.venue_id)
    if made is not None:
        return made
    loop = Loopback(venue, seed=3)
    texts: dict[str, list[str]] = {}
    for endpoint, wanted in by_endpoint(venue, loop).items():
        line = loop.follow(*wanted)
        line.advance(30_000)
        heartbeat = line.stream.heartbeat()
        if heartbeat is not None:
            line.say(heartbeat)
        texts[endpoint] = line.texts
    return _SAMPLES.setdefault(venue.facts.venue_id, (loop, texts))


def by_endpoint(venue: Venue, loop: Loopback) -> dict[str, list[Subscription]]:
    """A subscription to every available channel of one symbol, by endpoint."""
    found: dict[str, list[Subscription]] = {}
    for channel, support in venue.facts.channels.items():
        if support.available:
            whole = channel is Channel.LIQUIDATIONS and channel in venue.facts.whole_market
            found.setdefault(venue.endpoint_of(channel), []).append(
                Subscription(
                    channel=channel,
                    native_symbol=None if whole else loop.instrument().native_symbol,
                    interval=Interval.M1 if channel is Channel.CANDLES else None,
                )
            )
    return found


def subscribed(venue: Venue, loop: Loopback, endpoint: str) -> MarketStream:
    """A stream that waits for everything of an endpoint."""
    stream = venue.stream(endpoint, loop.table)
    stream.subscribe(by_endpoint(venue, loop)[endpoint])
    return stream


@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_any_bytes(venue: Venue, frame: bytes) -> None:
    for endpoint in venue.facts.environments["live"].streams:
        stream = venue.stream(endpoint, InstrumentTable(venue.facts.venue_id, []))
        try:
            list(stream.feed(frame, 1))
        except WireError:
            continue


@pytest.mark.parametrize("seed", range(2))
def test_mutated_frames(venue: Venue, seed: int) -> None:
    """Real frames with bytes changed, cut, doubled and glued."""
    rng = random.Random(seed)
    loop, texts = samples(venue)
    for endpoint, frames in texts.items():
        assert frames
        stream = subscribed(venue, loop, endpoint)
        read = 0
        for _ in range(MUTATIONS):
            frame = mutated(rng, rng.choice(frames).encode(), rng.choice(frames).encode())
            try:
                list(stream.feed(frame, 1))
                read += 1
            except WireError:
                continue
        assert read > 0


def mutated(rng: random.Random, frame: bytes, other: bytes) -> bytes:
    """One change, of several kinds."""
    made = bytearray(frame)
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(made)) if made else 0
        kind = rng.randrange(6)
        if kind == 0 and made:
            made[at] = rng.randrange(256)
        elif kind == 1:
            del made[at : at + rng.randint(1, 8)]
        elif kind == 2:
            made[at:at] = rng.choice((b"null", b"-1", b'""', b"[]", b"{}", b"1e999", b"0", b"\x00"))
        elif kind == 3:
            made = made[:at] + bytearray(other[rng.randrange(len(other)) :])
        elif kind == 4:
            made[at:at] = made[at : at + 20]
        else:
            del made[at:]
    return bytes(made)
