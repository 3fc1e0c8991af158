"""What a venue's streams bring is what the market did, neither more nor less."""

from collections import defaultdict

import pytest
from tests.venues.conformance.loopback import START_MS, Line, Loopback

from headwater.core.enums import Channel
from headwater.core.errors import NotSupported
from headwater.core.instruments import InstrumentTable
from headwater.core.intervals import Interval
from headwater.core.records import (
    Candle,
    Liquidation,
    MarkPrice,
    OpenInterest,
    Record,
    Ticker,
    Trade,
)
from headwater.feeds.session import Send, Session
from headwater.feeds.settings import SessionSettings
from headwater.feeds.staleness import SilenceWatch
from headwater.simulator.listings import LISTINGS, instruments
from headwater.venues.base import Venue
from headwater.venues.messages import Subscription

KIND: dict[Channel, type[Record]] = {
    Channel.TRADES: Trade,
    Channel.CANDLES: Candle,
    Channel.QUOTES: Ticker,
    Channel.TICKERS: Ticker,
    Channel.MARK_PRICES: MarkPrice,
    Channel.OPEN_INTEREST: OpenInterest,
}


def wanted(loop: Loopback, channel: Channel, symbol: str = "BTCUSDT") -> Subscription:
    """A subscription to one channel of one symbol."""
    return Subscription(
        channel=channel,
        native_symbol=loop.instrument(symbol).native_symbol,
        interval=Interval.M1 if channel is Channel.CANDLES else None,
    )


def available(venue: Venue, channel: Channel) -> None:
    """Skips what the venue says it does not have."""
    support = venue.facts.channels[channel]
    if not support.available:
        pytest.skip(f"{venue.facts.venue_id}: {support.note}")


@pytest.mark.parametrize("channel", list(KIND))
def test_a_subscription_is_accepted_and_brings_its_records_alone(
    loop: Loopback, channel: Channel
) -> None:
    available(loop.venue, channel)
    line = loop.follow(wanted(loop, channel))
    line.advance(12_000)
    assert not [ack for ack in line.acks() if ack.error is not None]
    answered = {ack.request_id for ack in line.acks()}
    assert {request.request_id for request in line.asked} <= answered
    records = line.records(Record)
    assert records
    assert {type(record) for record in records} == {KIND[channel]}
    assert {record.symbol for record in records} == {"BTCUSDT"}
    assert {record.exchange for record in records} == {loop.facts.venue_id}
    assert line.stream.last_data_ns(wanted(loop, channel)) is not None
    assert line.closed is None


def test_trades_are_complete_and_in_the_takers_words(loop: Loopback) -> None:
    """Per moment, side and price the same base quantity; ids never repeat."""
    line = loop.follow(wanted(loop, Channel.TRADES))
    line.advance(20_000)
    traded = [one for one in line.events if isinstance(one, Trade)]
    keys = [(one.timestamp_ms, one.trade_id) for one in traded]
    assert len(set(keys)) == len(keys)
    first_ms = line.truth[0].timestamp_ms + 1_000
    last_ms = loop.market.now_ms() - 1_000

    def sums(trades: list[Trade]) -> dict[tuple[int, str], float]:
        found: dict[tuple[int, str], float] = defaultdict(float)
        for one in trades:
            if one.symbol == "BTCUSDT" and first_ms <= one.timestamp_ms < last_ms:
                found[one.timestamp_ms, one.side] += one.quantity
        return found

    real = sums([one for one in line.truth if isinstance(one, Trade)])
    assert real
    assert sums(traded) == pytest.approx(real, rel=1e-6)
    assert all(one.value == pytest.approx(one.price * one.quantity, rel=1e-9) for one in traded)


def test_trades_handed_to_their_taker_are_those_that_would_be_returned(loop: Loopback) -> None:
    """The short way loses nothing, adds nothing and keeps the order."""
    line = loop.follow(wanted(loop, Channel.TRADES))
    line.advance(10_000)
    plain = [one for one in line.events if isinstance(one, Trade)]
    stream = loop.venue.stream(loop.venue.endpoint_of(Channel.TRADES), loop.table)
    stream.subscribe([wanted(loop, Channel.TRADES)])
    told: list[Trade] = []
    returned = 0
    stream.taker_of = lambda symbol: told.append if symbol == "BTCUSDT" else None
    for text in line.texts:
        events = [one for one in stream.feed(text.encode(), 1) if isinstance(one, Trade)]
        told += events
        returned += len(events)
    assert [one.trade_id for one in told] == [one.trade_id for one in plain]
    assert returned < len(plain), "no trade went the short way"


def test_the_closed_candle_is_the_markets(loop: Loopback) -> None:
    """One closed message a minute, with the minute's final figures."""
    line = loop.follow(wanted(loop, Channel.CANDLES))
    line.advance(70_000)
    closed = [one for one in line.events if isinstance(one, Candle) and one.is_closed]
    real = {
        one.timestamp_ms: one
        for one in loop.market.candles("BTCUSDT", Interval.M1, limit=5)
        if one.is_closed
    }
    minute = max(real)
    got = [one for one in closed if one.timestamp_ms == minute]
    assert len(got) == 1
    true = real[minute]
    assert (got[0].open, got[0].high, got[0].low, got[0].close) == pytest.approx(
        (true.open, true.high, true.low, true.close), rel=1e-4
    )
    assert got[0].volume == pytest.approx(true.volume, rel=1e-6)


def test_liquidations_are_the_markets(venue: Venue) -> None:
    """Each is one of the market's, with its sides and size; all of them where not a floor."""
    available(venue, Channel.LIQUIDATIONS)
    loop = Loopback(venue, seed=11)
    if Channel.LIQUIDATIONS in venue.facts.whole_market:
        subscriptions = [Subscription(channel=Channel.LIQUIDATIONS, native_symbol=None)]
    else:
        subscriptions = [wanted(loop, Channel.LIQUIDATIONS, one.symbol) for one in loop.table]
    line = loop.follow(*subscriptions)
    line.advance(180_000)
    got = [one for one in line.events if isinstance(one, Liquidation)]
    end_ms = loop.market.now_ms() - 2_000
    real = [one for one in line.truth if isinstance(one, Liquidation)]
    assert real
    assert got
    left = list(real)
    for one in got:
        match = next(
            (
                true
                for true in left
                if true.symbol == one.symbol
                and true.position_side is one.position_side
                and abs(true.timestamp_ms - one.timestamp_ms) <= 1_000
                and one.quantity == pytest.approx(true.quantity, rel=1e-6)
            ),
            None,
        )
        assert match is not None, f"the market did no such thing: {one}"
        left.remove(match)
        assert (one.side == "sell") == (one.position_side == "long")
        assert one.value == pytest.approx(one.price * one.quantity, rel=1e-9)
    if not any(one.is_floor for one in got):
        assert not [one for one in left if one.timestamp_ms < end_ms]


def test_nothing_comes_after_unsubscribing(loop: Loopback) -> None:
    subscription = wanted(loop, Channel.TRADES)
    line = loop.follow(subscription)
    line.send(line.stream.unsubscribe([subscription]))
    assert all(request.gives_up for request in line.asked[-1:])
    line.advance(500)
    before = len(line.records(Record))
    line.advance(10_000)
    assert len(line.records(Record)) == before
    assert line.stream.last_data_ns(subscription) is None


def test_a_renewed_subscription_goes_on(loop: Loopback) -> None:
    subscription = wanted(loop, Channel.TRADES)
    line = loop.follow(subscription)
    requests = line.stream.renew([subscription])
    assert [request.gives_up for request in requests] == [True, False]
    line.send(requests)
    line.advance(500)
    assert not [ack for ack in line.acks() if ack.error is not None]
    before = len(line.records(Trade))
    line.advance(15_000)
    assert len(line.records(Trade)) > before


def test_channels_that_share_a_topic_do_not_disturb_each_other(loop: Loopback) -> None:
    """Giving one of several up leaves the others flowing."""
    channels = [
        one for one in (Channel.TICKERS, Channel.MARK_PRICES) if loop.facts.channels[one].available
    ]
    endpoints = {loop.venue.endpoint_of(one) for one in channels}
    if len(channels) < 2 or len(endpoints) > 1:
        pytest.skip("not both on one connection")
    line = loop.follow(*(wanted(loop, one) for one in channels))
    line.advance(12_000)
    assert line.records(Ticker)
    assert line.records(MarkPrice)
    line.send(line.stream.unsubscribe([wanted(loop, Channel.TICKERS)]))
    line.advance(1_000)
    tickers, marks = len(line.records(Ticker)), len(line.records(MarkPrice))
    line.advance(12_000)
    assert len(line.records(Ticker)) == tickers
    assert len(line.records(MarkPrice)) > marks


def test_an_unknown_symbol_is_refused_by_name_and_hurts_nobody(loop: Loopback) -> None:
    """Or it is accepted and stays silent, as the venue does; what works goes on."""
    good = wanted(loop, Channel.TRADES)
    line = loop.follow(good)
    bad = Subscription(channel=Channel.TRADES, native_symbol="NOPE-USDT-SWAP")
    line.send(line.stream.subscribe([bad]))
    before = len(line.records(Trade))
    line.advance(15_000)
    assert line.stream.last_data_ns(bad) is None
    assert len(line.records(Trade)) > before or line.closed is not None


@pytest.mark.parametrize("channel", list(Channel))
def test_what_was_refused_or_not_answered_is_asked_for_again(
    loop: Loopback, channel: Channel
) -> None:
    """A session names such a subscription once more; nothing else would ever ask for it."""
    available(loop.venue, channel)
    wants = wanted(loop, channel)
    if channel is Channel.LIQUIDATIONS and channel in loop.facts.whole_market:
        wants = Subscription(channel=channel, native_symbol=None)
    stream = loop.venue.stream(loop.venue.endpoint_of(channel), loop.table)
    first = stream.subscribe([wants])
    again = [one for one in stream.subscribe([wants]) if not one.gives_up]
    assert [one.subscriptions for one in again] == [one.subscriptions for one in first] != []
    assert {one.request_id for one in first}.isdisjoint(one.request_id for one in again)


def test_a_bad_symbol_in_a_request_does_not_keep_the_good_ones_down(loop: Loopback) -> None:
    """The session that feeds use, over a socket of the venue's side."""
    good = [wanted(loop, Channel.TRADES, symbol) for symbol in ("BTCUSDT", "ETHUSDT")]
    bad = Subscription(channel=Channel.TRADES, native_symbol="NOPE-USDT-SWAP")
    all_three = (good[0], bad, good[1])
    line = loop.open(loop.venue.endpoint_of(Channel.TRADES))
    settings = SessionSettings()
    watches = {one: SilenceWatch(20.0, settings, 0.0) for one in all_three}
    session = Session(line.stream, loop.facts.stream_limits, settings, watches, 0.0)
    session.want(all_three)
    for second in range(1, 10):
        before = len(line.acks())
        for decided in session.tick(float(second), second):
            if isinstance(decided, Send):
                line.say(decided.text)
        line.advance(1_000)
        for ack in line.acks()[before:]:
            session.acked(ack, float(second))
    assert set(good) <= set(session.live)
    assert {one.native_symbol for one in line.records(Trade)} == {one.native_symbol for one in good}


def test_heartbeats_are_answered(loop: Loopback) -> None:
    """A connection that only beats lives; the answers are understood."""
    limits = loop.facts.stream_limits
    line = loop.follow(wanted(loop, Channel.TRADES))
    text = line.stream.heartbeat()
    assert (text is None) == (limits.heartbeat_s is None)
    if text is not None and limits.heartbeat_s is not None:
        before = len(line.events)
        line.say(text)
        assert len(line.events) > before
        assert not [ack for ack in line.acks() if ack.error is not None]


def test_requests_keep_to_the_declared_size(venue: Venue) -> None:
    """Many symbols are split over messages as the limits say, each subscription in one of them."""
    plain = instruments(venue.facts.venue_id, LISTINGS, START_MS)
    table = InstrumentTable(venue.facts.venue_id, map(venue.listed, plain))
    subscriptions = [
        Subscription(channel=Channel.TRADES, native_symbol=one.native_symbol) for one in table
    ]
    assert len(subscriptions) == len(LISTINGS)
    stream = venue.stream(venue.endpoint_of(Channel.TRADES), table)
    requests = stream.subscribe(subscriptions)
    assert {one for request in requests for one in request.subscriptions} == set(subscriptions)
    assert len({request.request_id for request in requests}) == len(requests)
    most = venue.facts.stream_limits.topics_per_message
    assert max(len(request.subscriptions) for request in requests) <= most


@pytest.mark.parametrize("channel", [Channel.TRADES, Channel.BOOK, Channel.MARK_PRICES])
def test_a_channels_frames_can_be_told_by_their_marks(loop: Loopback, channel: Channel) -> None:
    """What a mute needs: all marks in frames of the channel, and in none of another's.

    Where a channel is made of several topics, the marks are those of the one that it needs.
    """
    available(loop.venue, channel)
    marks = loop.side.frame_marks(channel, "BTCUSDT")
    other = Channel.TRADES if channel is not Channel.TRADES else Channel.TICKERS
    assert [text for text in _data_texts(loop, channel) if all(mark in text for mark in marks)]
    assert not [text for text in _data_texts(loop, other) if all(m in text for m in marks)]


def test_what_has_no_stream_cannot_be_muted(loop: Loopback) -> None:
    """A fault switch that draws such a channel is told so, instead of stopping the simulation."""
    for channel in Channel:
        support = loop.facts.channels.get(channel)
        if support is not None and support.available:
            assert loop.side.frame_marks(channel, "BTCUSDT")
        else:
            with pytest.raises(NotSupported):
                loop.side.frame_marks(channel, "BTCUSDT")


def _data_texts(loop: Loopback, channel: Channel) -> list[str]:
    """Frames with data of one channel."""
    line: Line = loop.follow(wanted(loop, channel))
    start = len(line.texts)
    line.advance(12_000)
    return line.texts[start:]
