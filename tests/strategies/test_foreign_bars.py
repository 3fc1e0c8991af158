"""What people have becomes bars; neither Polars nor pandas is imported for it."""

import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from tests.strategies.samples import HOUR, T0, bars_of

from headwater.core.errors import RequestError
from headwater.strategies.bars import Bar, Bars
from headwater.strategies.row_errors import RowError

WHEN = ["2024-01-01T00:00:00Z", "2024-01-01T01:00:00Z"]
ROWS = [
    {"timestamp": WHEN[0], "open": 1, "high": 3, "low": 1, "close": 2, "volume": 5, "oi": 7.5},
    {"timestamp": WHEN[1], "open": 2, "high": 4, "low": 2, "close": 3, "volume": 6, "oi": None},
]


def _columns(**changes: Any) -> dict[str, Any]:
    return {name: [row[name] for row in ROWS] for name in ROWS[0]} | changes


def _is_the_sample(bars: Bars) -> None:
    assert bars.timestamp_ms.tolist() == [T0, T0 + HOUR]
    assert [bars.open.tolist(), bars.high.tolist(), bars.low.tolist()] == [[1, 2], [3, 4], [1, 2]]
    assert [bars.close.tolist(), bars.volume.tolist()] == [[2, 3], [5, 6]]
    oi = bars["oi"]
    assert oi[0] == 7.5
    assert np.isnan(oi[1])


def test_rows_columns_and_frames_are_the_same_bars() -> None:
    utc = [datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, 1, tzinfo=UTC)]
    for data in (
        ROWS,
        tuple(ROWS),
        iter(ROWS),
        _columns(),
        _columns(timestamp=[T0 // 1000, T0 // 1000 + 3600]),
        _columns(timestamp=utc),
        pl.DataFrame(_columns()),
        pl.DataFrame(_columns(timestamp=utc)),
        pl.DataFrame(_columns(timestamp=utc)).with_columns(pl.col("timestamp").dt.epoch("ms")),
        pd.DataFrame(_columns()),
        pd.DataFrame(_columns(timestamp=pd.to_datetime(WHEN))),
        pd.DataFrame(_columns(timestamp=pd.to_datetime(WHEN).tz_convert("Europe/Berlin"))),
        pd.DataFrame(_columns()).rename(columns=str.title).rename(columns={"Oi": "oi"}),
    ):
        _is_the_sample(Bars.of(data))


def test_an_index_of_times_is_the_time_of_a_pandas_frame() -> None:
    frame = pd.DataFrame(_columns()).drop(columns="timestamp")
    frame.index = pd.to_datetime(WHEN, utc=True)
    _is_the_sample(Bars.of(frame))
    frame.index = pd.Index([T0, T0 + HOUR], name="timestamp")
    _is_the_sample(Bars.of(frame))


def test_read_only_arrays_are_taken_and_left_alone() -> None:
    close = np.array([2.0, 3.0])
    close.flags.writeable = False
    bars = Bars.of({"timestamp_ms": np.array([T0, T0 + HOUR]), "close": close})
    assert np.shares_memory(bars.close, close)
    table = np.array([(T0, 2.0)], dtype=[("timestamp_ms", "i8"), ("close", "f8")])
    assert Bars.of(table).close.tolist() == [2.0]


def test_a_row_of_time_and_close_has_the_close_for_all_prices() -> None:
    bars = Bars.of([{"timestamp": one, "close": 4 + at} for at, one in enumerate(WHEN)])
    assert bars.open.tolist() == bars.high.tolist() == bars.low.tolist() == [4, 5]
    assert bars.volume.tolist() == [0, 0]


def test_rows_may_differ_in_what_they_leave_out() -> None:
    bars = Bars.of([ROWS[0], {"timestamp": WHEN[1], "close": "9", "taker": Decimal(2)}])
    assert bars.high.tolist() == [3, 9]
    assert bars.volume.tolist() == [5, 0]
    assert np.isnan(bars["taker"][0])
    assert bars["taker"][1] == 2.0


def test_records_are_rows_and_bars_stay_what_they_are() -> None:
    bars = bars_of([1.0, 2.0])
    again = Bars.of([bars[0], bars[1]])
    assert isinstance(bars[0], Bar)
    assert again.close.tolist() == [1.0, 2.0]
    assert Bars.of(bars) is bars


def test_texts_and_truth_values_are_no_extras() -> None:
    rows = [row | {"exchange": "okx", "is_closed": True, "note": None} for row in ROWS]
    assert set(Bars.of(rows).extras) == {"oi"}
    assert set(Bars.of(pd.DataFrame(rows)).extras) == {"oi"}


@pytest.mark.parametrize(
    ("changes", "message", "row"),
    [
        ({"close": None}, "close='None'.*row 2", 1),
        ({"close": "dear"}, "close='dear': a number.*row 2", 1),
        ({"close": True}, "close='True'", 1),
        ({"open": None}, "open='None'", 1),
        ({"volume": None}, "volume='None'", 1),
        ({"timestamp": None}, "timestamp='None'", 1),
        ({"timestamp": "noon"}, "timestamp='noon'", 1),
        ({"timestamp": WHEN[0]}, "there twice", 1),
        ({"timestamp": "2023-01-01"}, "comes after", 1),
        ({"close": float("nan")}, "close='nan': finite.*2024-01-01T01:00:00Z", 1),
        ({"low": 0}, "low='0.0': finite and > 0", 1),
        ({"high": float("inf")}, "high='inf'", 1),
        ({"close": 5}, "from low 2.0 to high 4.0", 1),
        ({"oi": float("inf")}, "oi='inf'", 1),
    ],
)
def test_what_is_wrong_with_a_row_is_named(changes: dict[str, Any], message: str, row: int) -> None:
    with pytest.raises(RowError, match=message) as caught:
        Bars.of([ROWS[0], ROWS[1] | changes])
    assert caught.value.row == row


def test_what_a_row_lacks_is_named() -> None:
    with pytest.raises(RowError, match=r"close='missing'.*row 2"):
        Bars.of([ROWS[0], {"timestamp": WHEN[1], "clsoe": 3}])
    with pytest.raises(RowError, match=r"open='missing'.*row 2"):
        Bars.of([ROWS[0], {"timestamp": WHEN[1], "close": 3, "high": 4, "low": 1}])
    with pytest.raises(RowError, match="row 2"):
        Bars.of([ROWS[0], 5])


@pytest.mark.parametrize(
    "data",
    ["2024", b"2024", 5, None, [1, 2], {"close": [1]}, {"timestamp": WHEN}, np.zeros((2, 2)),
     pl.DataFrame(_columns()).lazy(), pl.Series([1.0]), pd.Series([1.0]),
     {"close": [1, 2], "CLOSE": [1, 2], "timestamp": WHEN},
     {"timestamp": WHEN, "close": [1]}],
)  # fmt: skip
def test_what_is_no_set_of_bars_is_refused(data: Any) -> None:
    with pytest.raises(RequestError):
        Bars.of(data)


def test_a_lazy_frame_says_what_to_do() -> None:
    with pytest.raises(RequestError, match="collect"):
        Bars.of(pl.DataFrame(_columns()).lazy())


def test_no_rows_are_no_bars() -> None:
    assert len(Bars.of([])) == 0


def test_neither_library_is_imported_for_a_list() -> None:
    code = (
        "import sys; from headwater.strategies.bars import Bars;"
        f"Bars.of([{{'timestamp': {T0}, 'close': 1}}]);"
        "sys.exit(len({'polars', 'pandas'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
