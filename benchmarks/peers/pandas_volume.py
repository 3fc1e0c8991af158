"""Liquidated volume per hour and side with pandas, from a SQLite file; run by the peers' Python.

`python pandas_volume.py FILE SYMBOL BUCKET_MS` prints JSON: seconds to read the rows in portions
and group each, seconds to group alone once the columns are in memory, rows, buckets, USD.
"""

import json
import sqlite3
import sys
import time
from typing import Any

import pandas as pd

_SQL = "SELECT timestamp_ms, side, value, quantity FROM liquidations WHERE symbol = ?"
_PORTION = 500_000


def main() -> None:
    """Measures once."""
    path, symbol, bucket_ms = sys.argv[1], sys.argv[2], int(sys.argv[3])
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    began = time.perf_counter()
    parts: list[Any] = []
    frames: list[Any] = []
    for frame in pd.read_sql_query(_SQL, connection, params=(symbol,), chunksize=_PORTION):
        parts.append(_grouped(frame, bucket_ms))
        frames.append(frame)
        print(f"pandas: {len(frames) * _PORTION:,} rows at most", file=sys.stderr)
    sums = pd.concat(parts).groupby(level=[0, 1]).sum()
    took = time.perf_counter() - began
    whole = pd.concat(frames)
    began = time.perf_counter()
    again = _grouped(whole, bucket_ms)
    grouped = time.perf_counter() - began
    answer = {
        "read_and_group_s": took,
        "group_s": grouped,
        "rows": len(whole),
        "groups": len(again),
        "usd": float(sums[("value", "sum")].sum()),
        "version": pd.__version__,
    }
    print(json.dumps(answer))


def _grouped(frame: Any, bucket_ms: int) -> Any:
    opened = frame["timestamp_ms"] - frame["timestamp_ms"] % bucket_ms
    keys = [opened, frame["side"]]
    return frame.groupby(keys).agg({"value": ["sum", "count"], "quantity": ["sum"]})


if __name__ == "__main__":
    main()
