"""Times of every spelling are one number; what is no time of a market is refused."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.strategies.samples import T0

from headwater.core.errors import RequestError
from headwater.strategies.epochs import EARLIEST_MS, LATEST_MS, epoch_column, epoch_ms
from headwater.strategies.row_errors import RowError

BERLIN = timezone(timedelta(hours=1))


@pytest.mark.parametrize(
    "value",
    [
        "2024-01-01T00:00:00Z",
        "2024-01-01 00:00:00",
        "2024-01-01T00:00",
        "2024-01-01",
        "20240101",
        "2024-01-01T01:00:00+01:00",
        "2023-12-31T19:00:00.000-05:00",
        datetime(2024, 1, 1),  # noqa: DTZ001 - naive is UTC
        datetime(2024, 1, 1, 1, tzinfo=BERLIN),
        date(2024, 1, 1),
        np.datetime64("2024-01-01"),
        pd.Timestamp("2024-01-01T01:00", tz=BERLIN),
        1_704_067_200,
        1_704_067_200.0,
        1_704_067_200_000,
        1_704_067_200_000_000,
        1_704_067_200_000_000_000,
        np.int64(1_704_067_200_000),
        "1704067200",
        "1704067200000.0",
    ],
)
def test_every_spelling_of_one_moment_is_the_same(value: Any) -> None:
    assert epoch_ms(value) == T0


@pytest.mark.parametrize(
    "value",
    [
        "yesterday", "now", "", "NaT", "2024-13-01", None, True, [], 0, 1_000, 5e8, 8e9, 5e13,
        float("nan"), float("inf"), "1989-12-31T23:59:59Z", "2200-01-01", np.datetime64("NaT"),
        pd.NaT, datetime(1970, 1, 1, tzinfo=UTC),
    ],
)  # fmt: skip
def test_what_is_no_time_of_a_market_is_refused_by_name(value: Any) -> None:
    with pytest.raises(RequestError, match=r"timestamp=.*1990 to 2199"):
        epoch_ms(value)


@given(st.integers(EARLIEST_MS, LATEST_MS - 1))
def test_the_four_units_are_told_apart_everywhere(moment_ms: int) -> None:
    assert epoch_ms(moment_ms) == moment_ms
    assert epoch_ms(moment_ms * 1_000) == moment_ms
    assert epoch_ms(moment_ms * 1_000_000) == moment_ms
    assert epoch_ms(moment_ms / 1_000) == moment_ms
    text = datetime.fromtimestamp(moment_ms // 1000, UTC).isoformat()
    assert epoch_ms(text) == moment_ms // 1000 * 1000


def test_a_column_keeps_to_one_unit() -> None:
    with pytest.raises(RowError, match=r"1704067260000.*first row is in s.*row 3") as caught:
        epoch_column([1_704_067_200, 1_704_067_230, 1_704_067_260_000])
    assert caught.value.row == 2
    with pytest.raises(RowError, match="row 2"):
        epoch_column(["1704067200", "2024-01-01"])


def test_a_column_named_for_its_unit_has_no_other() -> None:
    assert epoch_column([T0], "timestamp_ms").tolist() == [T0]
    with pytest.raises(RowError, match=r"timestamp_ms='1704067200'.*here ms"):
        epoch_column([T0 // 1000], "timestamp_ms")


@pytest.mark.parametrize(
    ("texts", "row"),
    [
        (["2024-01-01T00:00:00Z", "2024-01-01T00:00:0xZ"], 1),
        (["2024-01-01T00:00:00Z", "2024-01-01T00:00:00X"], 1),
        (["2024-01-01T00:00:00Z", "2024-02-30T00:00:00Z"], 1),
        (["2024-01-01", "", "2024-01-03"], 1),
        (["2024-01-01T00:00:00Z", "1970-01-01T00:00:00Z"], 1),
    ],
)
def test_the_row_of_a_text_that_is_no_time_is_named(texts: list[str], row: int) -> None:
    with pytest.raises(RowError) as caught:
        epoch_column(texts)
    assert caught.value.row == row


def test_texts_of_several_spellings_may_stand_in_one_column() -> None:
    texts = ["2024-01-01T00:00:00Z", "2024-01-01T01:00+00:00", "2024-01-01 02:00:00.250"]
    assert (epoch_column(texts) - T0).tolist() == [0, 3_600_000, 7_200_250]
    # Of one length, but the second has an offset of its own: numpy alone would only warn.
    assert (epoch_column(["2024-01-01T00:00:00", "2024-01-01T00:00+01"]) - T0).tolist() == [
        0,
        -3_600_000,
    ]


@pytest.mark.parametrize("suffix", ["", "Z", "+00:00"])
@pytest.mark.parametrize("fraction", ["", ".2", ".250", ".250400"])
def test_texts_of_one_length_are_read_as_those_of_several(suffix: str, fraction: str) -> None:
    texts = [f"2024-02-29T00:{minute:02}:59{fraction}{suffix}" for minute in range(60)]
    mixed = epoch_column([*texts, "2024-03-01"])[:-1]
    assert epoch_column(texts).tolist() == mixed.tolist()
    assert mixed[1] - mixed[0] == 60_000


def test_arrays_of_every_kind_are_read_without_a_copy_being_needed() -> None:
    times = np.array(["2024-01-01", "2024-01-02"], dtype="datetime64[D]")
    times.flags.writeable = False
    assert epoch_column(times).tolist() == [T0, T0 + 86_400_000]
    assert epoch_column(np.array(["2024-01-01", "2024-01-02"])).tolist()[0] == T0
    assert epoch_column(np.array([b"2024-01-01"])).tolist() == [T0]
    assert epoch_column([np.datetime64("2024-01-01")]).tolist() == [T0]
    assert epoch_column([]).tolist() == []
    assert epoch_column(np.array([1704067200.0, 1704067200.25])).tolist() == [T0, T0 + 250]
