"""What goes together on the command line of `fetch`, and what becomes of it."""

import msgspec
import pytest
from tests.feeds.made import instrument

from headwater.app.fetch_job import (
    NEWEST_ROWS,
    NEWEST_ROWS_MAX,
    Into,
    Job,
    check,
    column_of,
    interval_of,
    moment_of,
    request_of,
    row_format_of,
    span_of,
    view_of,
)
from headwater.app.fetch_request import Kind
from headwater.app.row_files import Reached, RowFormat
from headwater.core.errors import ConfigError
from headwater.core.intervals import Interval

JOB = Job(
    kind=Kind.CANDLES,
    symbols=("BTC",),
    interval=Interval.M1,
    since_ms=None,
    until_ms=None,
    limit=None,
    into=Into.FILE,
    out="-",
    row_format=RowFormat.CSV,
    resume=False,
)
STORED = msgspec.structs.replace(JOB, into=Into.STORAGE, out="", since_ms=5)


def test_what_is_right_passes() -> None:
    check(JOB)
    check(STORED)
    check(msgspec.structs.replace(STORED, until_ms=5, kind=Kind.MARK_CANDLES))


@pytest.mark.parametrize(
    ("changes", "option"),
    [
        ({"symbols": ()}, "--symbol"),
        ({"since_ms": 2, "until_ms": 1}, "--until"),
        ({"limit": NEWEST_ROWS_MAX + 1}, "--limit"),
        ({"resume": True}, "--resume"),
        ({"kind": Kind.MARK_CANDLES}, "--into"),
    ],
)
def test_what_is_wrong_for_a_file_is_named(changes: dict[str, object], option: str) -> None:
    with pytest.raises(ConfigError, match=option):
        check(msgspec.structs.replace(JOB, **changes))


@pytest.mark.parametrize(
    ("changes", "option"),
    [
        ({"since_ms": None}, "--since"),
        ({"out": "x.csv"}, "--out"),
        ({"limit": 1}, "--limit"),
        ({"resume": True}, "--resume"),
        ({"until_ms": 4}, "--until"),
    ],
)
def test_what_is_wrong_for_storage_is_named(changes: dict[str, object], option: str) -> None:
    with pytest.raises(ConfigError, match=option):
        check(msgspec.structs.replace(STORED, **changes))


def test_the_format_follows_from_the_file() -> None:
    assert row_format_of(Into.FILE, "x.csv", None) is RowFormat.CSV
    assert row_format_of(Into.FILE, "x.csv", RowFormat.JSONL) is RowFormat.JSONL
    with pytest.raises(ConfigError, match="--out: not given"):
        row_format_of(Into.FILE, "", None)
    with pytest.raises(ConfigError, match="--format"):
        row_format_of(Into.STORAGE, "", RowFormat.CSV)


def test_intervals_and_times() -> None:
    assert interval_of(Kind.OPEN_INTEREST, None) is Interval.M5
    assert interval_of(Kind.MARK_CANDLES, "15m") is Interval.M15
    assert interval_of(Kind.FUNDING, None) is None
    with pytest.raises(ConfigError, match="7m"):
        interval_of(Kind.CANDLES, "7m")
    assert moment_of("--since", None) is None
    assert moment_of("--since", "2024-06-01") == 1_717_200_000_000
    with pytest.raises(ConfigError, match="--since"):
        moment_of("--since", "soon")


def test_a_job_becomes_a_question() -> None:
    """Without start and number the newest; with a file that goes on, all since it."""
    one = instrument("BTCUSDT")
    assert request_of(JOB, 9, one, None).limit == NEWEST_ROWS
    reached = Reached(moment_ms=3, ids=frozenset())
    going_on = request_of(JOB, 9, one, reached)
    assert (going_on.limit, going_on.until_ms, going_on.first_ms) == (None, 9, 4)
    assert column_of(JOB) == "1m"
    assert "close" in view_of(Kind.CANDLES).__struct_fields__
    span = span_of(STORED)
    assert (span.kind, span.interval, span.since_ms, span.until_ms) == (
        Kind.CANDLES,
        Interval.M1,
        5,
        None,
    )
