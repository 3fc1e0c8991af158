"""Every bound, deadline and interval of the feeds in one table, with its default.

`app/settings.py` may replace single values; nothing here reads the environment. Seconds unless
the name says otherwise. Each bound states what happens when it is reached.
"""

import msgspec


class SessionSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How one connection is watched.

    Attributes:
        watch_interval_s: how often silence and deadlines are looked at.
        ack_timeout_s: a request that is neither acknowledged nor followed by data is repeated
            once after this, then the connection is renewed.
        learned_factor: a channel may be silent for this many times its longest recent silence.
        learned_window_s: how long an observed silence counts as recent (twice this at most).
        quiet_max_s: ceiling of every learned or backed-off silence limit.
        refused_retry_s: a refused subscription is asked for again after this.
    """

    watch_interval_s: float = 0.5
    ack_timeout_s: float = 10.0
    learned_factor: float = 3.0
    learned_window_s: float = 3600.0
    quiet_max_s: float = 3600.0
    refused_retry_s: float = 60.0


class ConnectionSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How connections are kept.

    Attributes:
        backoff_base_s: first ceiling of the full-jitter back-off after a lost connection.
        backoff_ceiling_s: highest ceiling.
        healthy_s: data must flow this long before the back-off starts again at its base.
        rotation_margin_s: a connection is replaced so long before the venue's `max_age_s`.
        overlap_min_s: a replacement listens beside the old connection at least so long.
        overlap_max_s: and at most so long, even when a quiet channel has not shown on it.
        overlap_events_max: events kept of the replacement while it listens; it takes over
            early when they are reached.
        linger_s: a stream without a lease is given up after this.
        per_endpoint_max: connections per endpoint; beyond it a lease is refused.
    """

    backoff_base_s: float = 0.5
    backoff_ceiling_s: float = 30.0
    healthy_s: float = 60.0
    rotation_margin_s: float = 900.0
    overlap_min_s: float = 1.0
    overlap_max_s: float = 10.0
    overlap_events_max: int = 100_000
    linger_s: float = 30.0
    per_endpoint_max: int = 20


class TradeSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How trades are kept whole.

    Attributes:
        recent_max: newest trades kept per symbol for readers; the oldest goes.
        reorder_grace_s: a trade that overtakes its predecessor waits so long before the
            predecessor counts as missing.
        hold_max: live trades of a symbol held back while missing ones are fetched; beyond it
            they are let go before the missing ones and the ledger says so.
        hold_deadline_s: the same after this time.
        repair_attempts_max: answers without the missing trades before they are unrecoverable.
        repair_horizon_s: how long a venue that cannot be reached is asked for a hole.
        repair_backoff_s: base of the full-jitter delay between them.
        repair_backoff_ceiling_s: its ceiling.
        tail_check_s: a symbol without a trade so long after a reconnect is compared with REST.
        recent_ids_max: ids remembered per symbol where the venue does not count trades, at least
            the newest `recent_max`; the longer it is than that, the rarer the others are forgotten.
    """

    recent_max: int = 1000
    reorder_grace_s: float = 0.05
    hold_max: int = 20_000
    hold_deadline_s: float = 15.0
    repair_attempts_max: int = 8
    repair_horizon_s: float = 6 * 3600.0
    repair_backoff_s: float = 0.5
    repair_backoff_ceiling_s: float = 30.0
    tail_check_s: float = 3.0
    recent_ids_max: int = 4096


class BookSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How books are kept.

    Attributes:
        levels: levels a side in published snapshots (a resync publishes the whole book).
        snapshot_interval_s: shortest time between two published snapshots of a symbol.
        buffer_max: deltas kept while a snapshot is fetched; the oldest goes, and the rule then
            finds the hole.
        fetch_depth: levels a side asked of REST.
        quiet_start_s: a confirmed book without any delta so long is started from REST alone.
        retry_backoff_s: base of the full-jitter delay between snapshot fetches.
        retry_ceiling_s: its ceiling.
        image_wait_s: time that a stream has to send its image again before it is asked once more.
    """

    levels: int = 50
    snapshot_interval_s: float = 0.1
    buffer_max: int = 5000
    fetch_depth: int = 1000
    quiet_start_s: float = 2.0
    retry_backoff_s: float = 0.25
    retry_ceiling_s: float = 15.0
    image_wait_s: float = 5.0


class CandleSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How candles are kept whole.

    Attributes:
        recent_max: closed candles kept per symbol and interval; the oldest goes, and what the
            venue still says of it is passed over.
        late_trades_s: a candle that closed at most so long before its stream was interrupted is
            compared with REST afterwards.
        close_grace_s: a bar without a closing message is fetched so long after its end.
        repair_attempts_max: answers without the missing candles before they are unrecoverable.
        repair_horizon_s: how long a venue that cannot be reached is asked for them.
        series_max: (symbol, interval) pairs kept; the least recently used idle one goes.
    """

    recent_max: int = 600
    late_trades_s: float = 60.0
    close_grace_s: float = 4.0
    repair_attempts_max: int = 6
    repair_horizon_s: float = 6 * 3600.0
    series_max: int = 2000


class RestSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How REST is asked.

    Attributes:
        timeout_s: of one request.
        deadline_s: of one call with all its pages and retries.
        attempts_max: tries of one request.
        backoff_base_s: first ceiling of the full-jitter delay between tries.
        backoff_ceiling_s: highest ceiling.
        ban_default_s: a 418 without Retry-After blocks the venue for so long.
        limit_default_s: a 429 without Retry-After blocks the venue for so long.
        answers_max: answers kept; the oldest goes.
        breaker_failures: failures in a row after which the venue is left alone.
        breaker_open_s: for so long; then one call probes.
        candles_ttl_s: age to which a candle answer is reused.
        tickers_ttl_s: the same for the tickers of all symbols, a heavy call.
        marks_ttl_s: the same for the mark prices of all symbols.
        book_ttl_s: the same for books that are not kept, and newest trades.
        interest_ttl_s: the same for open interest and funding.
        history_ttl_s: the same for history.
        tiers_ttl_s: the same for margin tiers, which venues change a few times a year.
    """

    timeout_s: float = 10.0
    deadline_s: float = 30.0
    attempts_max: int = 4
    backoff_base_s: float = 0.25
    backoff_ceiling_s: float = 5.0
    ban_default_s: float = 120.0
    limit_default_s: float = 10.0
    answers_max: int = 512
    breaker_failures: int = 5
    breaker_open_s: float = 10.0
    candles_ttl_s: float = 2.0
    tickers_ttl_s: float = 5.0
    marks_ttl_s: float = 3.0
    book_ttl_s: float = 1.0
    interest_ttl_s: float = 15.0
    history_ttl_s: float = 30.0
    tiers_ttl_s: float = 600.0


class FeedSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of one venue's feed.

    Attributes:
        session: watching of connections.
        connection: keeping of connections.
        trades: continuity of trades.
        books: keeping of books.
        candles: continuity of candles.
        rest: REST calls and caches.
        ledger_max: holes remembered; the oldest settled one goes first.
        catalogue_refresh_s: age at which the instrument list is loaded again.
        probe_interval_s: how often the venue's clock is read.
        probe_max_age_s: a venue without data is healthy only if a probe is younger than this.
        health_interval_s: how often health is measured, so that the time in which the venue was
            healthy is known.
        poll_interval_s: how often open interest of wanted symbols is read.
        poll_symbols_max: symbols polled; the first leased win.
        market_symbols_max: instruments that a hold on the whole market covers where the venue has
            only streams per symbol.
        repairs_parallel: back-fills under way at once, and as many book snapshots.
        repairs_waiting_max: back-fills waiting; beyond it a hole is unrecoverable at once.
        stop_timeout_s: longest orderly stop; tasks that outlast it are named in the log.
    """

    session: SessionSettings = SessionSettings()
    connection: ConnectionSettings = ConnectionSettings()
    trades: TradeSettings = TradeSettings()
    books: BookSettings = BookSettings()
    candles: CandleSettings = CandleSettings()
    rest: RestSettings = RestSettings()
    ledger_max: int = 10_000
    catalogue_refresh_s: float = 3600.0
    probe_interval_s: float = 30.0
    probe_max_age_s: float = 90.0
    health_interval_s: float = 2.0
    poll_interval_s: float = 30.0
    poll_symbols_max: int = 100
    market_symbols_max: int = 1000
    repairs_parallel: int = 4
    repairs_waiting_max: int = 5000
    stop_timeout_s: float = 10.0
