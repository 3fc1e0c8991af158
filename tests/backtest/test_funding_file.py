"""Funding payments of a CSV file: times, rates, marks, and what is refused with its line."""

from pathlib import Path

import pytest

from headwater.backtest import funding_file as module
from headwater.backtest.funding_file import funding_of_file
from headwater.core.errors import RequestError

NEW_YEAR = 1_704_067_200_000


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "funding.csv"
    file.write_text(text)
    return file


def test_times_rates_and_marks_are_read(tmp_path: Path) -> None:
    text = "Rate,note,timestamp,mark_price\n0.0001,a,2024-01-01T00:00:00Z,42000\n\n"
    found = funding_of_file(written(tmp_path, f"{text}-1e-4,b,2024-01-01T08:00:00Z,42500.5\n"))
    assert found.timestamp_ms.tolist() == [NEW_YEAR, NEW_YEAR + 8 * 3_600_000]
    assert found.rate.tolist() == [0.0001, -0.0001]
    assert found.mark_price is not None
    assert found.mark_price.tolist() == [42_000.0, 42_500.5]


def test_marks_may_be_left_out_and_times_be_epochs(tmp_path: Path) -> None:
    found = funding_of_file(written(tmp_path, f"timestamp,rate\n{NEW_YEAR},0\n"))
    assert (found.timestamp_ms.tolist(), found.mark_price) == ([NEW_YEAR], None)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "also timestamp, rate"),
        ("timestamp,price\n1,2\n", "also rate"),
        ("timestamp,rate\n", "at least one payment"),
        ("timestamp,rate\n2024-01-01,0.1,3\n", "line 2"),
        ("timestamp,rate\n2024-01-01,x\n", "rate='x'.*line 2"),
        ("timestamp,rate\n2024-01-01,nan\n", "rate='nan'"),
        ("timestamp,rate\n2024-01-01,0\n2024-01-02,1.5\n", "rate='1.5'.*line 3"),
        ("timestamp,rate,mark_price\n2024-01-01,0.1,0\n", "mark_price='0'"),
        ("timestamp,rate\nyesterday,0.1\n", "timestamp"),
        ("timestamp,rate\n2024-01-02,0.1\n2024-01-01,0.1\n", "never fall"),
        ('timestamp,rate\n"2024,0.1\n', "CSV"),
    ],
)
def test_what_is_no_payment_is_named(tmp_path: Path, text: str, match: str) -> None:
    with pytest.raises(RequestError, match=match):
        funding_of_file(written(tmp_path, text))


def test_files_that_cannot_be_read_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(RequestError, match="No such file"):
        funding_of_file(tmp_path / "none.csv")
    with pytest.raises(RequestError, match="directory"):
        funding_of_file(tmp_path)
    file = tmp_path / "other.csv"
    file.write_bytes(b"timestamp,rate\n\xff\xfe,1\n")
    with pytest.raises(RequestError, match="UTF-8"):
        funding_of_file(file)
    monkeypatch.setattr(module, "FUNDING_BYTES_MAX", 3)
    with pytest.raises(RequestError, match="at most 0 MiB"):
        funding_of_file(file)
