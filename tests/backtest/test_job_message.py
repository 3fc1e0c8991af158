"""Words between worker and desk: lines that come back as they were, and bounded bytes."""

import zlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.backtest import job_message
from headwater.backtest.job_message import (
    Finished,
    Gave,
    Progress,
    Said,
    WorkerTask,
    compressed,
    decode_said,
    decode_task,
    encode_said,
    encode_task,
    uncompressed,
)
from headwater.core.errors import StorageError


@given(
    st.one_of(
        st.builds(Progress, done=st.integers(0, 10**9), total=st.integers(0, 10**9)),
        st.builds(Finished, result_bytes=st.integers(0, 10**7), report_bytes=st.integers(0, 9)),
        st.builds(Gave, reason=st.text(st.characters(exclude_categories=["Cs"]))),
    )
)
def test_a_word_is_one_line_and_comes_back(said: Said) -> None:
    line = encode_said(said)
    assert line.count(b"\n") == 1
    assert decode_said(line) == said


@given(st.binary(max_size=40))
def test_any_other_bytes_are_no_word(line: bytes) -> None:
    with pytest.raises((msgspec.DecodeError, ValueError)):
        decode_said(line)


def test_a_task_is_one_line_and_comes_back() -> None:
    task = WorkerTask(
        request="{}\n",
        strategy="sma_cross",
        database_url=None,
        data_dir=".",
        journal="",
        memory_mb=64,
        seconds_max=1.5,
    )
    assert encode_task(task).count(b"\n") == 1
    assert decode_task(encode_task(task)) == task


@given(st.binary(max_size=2_000))
def test_bytes_survive_being_kept(content: bytes) -> None:
    assert uncompressed(compressed(content)) == content


def test_what_is_no_kept_content_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StorageError, match="cannot be read"):
        uncompressed(b"nothing of ours")
    with pytest.raises(StorageError, match="more than"):
        uncompressed(compressed(b"cut off" * 99)[:-6])
    monkeypatch.setattr(job_message, "CONTENT_BYTES_MAX", 1_000)
    with pytest.raises(StorageError, match="more than 1000 bytes"):
        uncompressed(zlib.compress(bytes(10_000)))
