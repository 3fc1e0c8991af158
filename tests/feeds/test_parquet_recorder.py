"""The raw tape as Parquet: what was taken comes back byte for byte, in the order it was taken."""

import asyncio
from pathlib import Path

import pytest

from headwater.core.clock import ManualClock
from headwater.core.errors import ConfigError
from headwater.core.http_messages import HttpReply, HttpRequest
from headwater.feeds.parquet_recorder import ParquetRecorder, recorder_stats
from headwater.feeds.tape_files import open_tape
from headwater.feeds.tape_format import TapeLine
from headwater.storage.parquet_tape import TapeSettings, TapeStats

STREAMS = {"public": "ws://venue/public", "market": "ws://venue/market"}


async def _run(recorder: ParquetRecorder) -> None:
    """Lets the recorder write what it has, as at the end of the platform."""
    task = asyncio.create_task(recorder.run())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])


async def test_frames_and_replies_come_back_as_they_were(tmp_path: Path) -> None:
    """The reply arrived at 4 ns, but was taken after a frame of 7 ns: there it stays."""
    recorder = ParquetRecorder(tmp_path, "toy", STREAMS, ManualClock())
    recorder.on_frame("ws://venue/market/stream", b'{"e":"x"}', 5)
    recorder.on_frame("ws://venue/public/stream", b"half a fra\nme \xff", 6)
    recorder.on_frame("ws://elsewhere", b"", 7)
    request = HttpRequest(path="/depth", query=(("symbol", "A"), ("limit", "5")))
    reply = HttpReply(status=200, headers={}, body=b'{"bids":[]}', received_ns=4)
    recorder.on_reply("http://venue", request, reply)
    recorder.on_frame("ws://venue/market/stream", b"[]", 7)
    assert recorder.stats.waiting == 5
    await _run(recorder)
    lines = list(open_tape(tmp_path, "toy"))
    assert lines == [
        TapeLine(
            number=number, received_ns=received_ns, endpoint=endpoint, url=url, payload=payload
        )
        for number, (received_ns, endpoint, url, payload) in enumerate(
            [
                (5, "market", "ws://venue/market/stream", b'{"e":"x"}'),
                (6, "public", "ws://venue/public/stream", b"half a fra\nme \xff"),
                (7, "stream", "ws://elsewhere", b""),
                (4, "rest", "http://venue/depth?symbol=A&limit=5", b'{"bids":[]}'),
                (7, "market", "ws://venue/market/stream", b"[]"),
            ],
            1,
        )
    ]
    assert (recorder.stats.written, recorder.stats.waiting) == (5, 0)
    with pytest.raises(ConfigError, match="its venues: toy"):
        open_tape(tmp_path, "okx")


async def test_what_does_not_fit_is_counted(tmp_path: Path) -> None:
    recorder = ParquetRecorder(
        tmp_path, "toy", STREAMS, ManualClock(), TapeSettings(waiting_bytes_max=600)
    )
    recorder.on_frame("ws://venue/market", b"[1]", 1)
    recorder.on_frame("ws://venue/market", b"[2]", 2)
    assert recorder.stats.dropped == 1
    await _run(recorder)
    assert [line.payload for line in open_tape(tmp_path, "toy") if isinstance(line, TapeLine)] == [
        b"[1]"
    ]


def test_what_fits_no_column_is_lost_too() -> None:
    stats = TapeStats(written=1, waiting=2, dropped=3, refused=4, parts=5, problem="")
    assert recorder_stats(stats).dropped == 7
