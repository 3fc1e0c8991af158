"""The raw tape on the disk."""

import asyncio
from pathlib import Path

from headwater.core.clock import ManualClock
from headwater.core.http_messages import HttpReply, HttpRequest
from headwater.feeds import recorder as recorder_module
from headwater.feeds.recorder import TapeRecorder
from headwater.feeds.tape_files import tape_files, tape_lines
from headwater.feeds.tape_format import TapeLine, read_tape

STREAMS = {"public": "ws://venue/public", "market": "ws://venue/market"}


def _read(folder: Path) -> list[TapeLine]:
    lines = list(read_tape(tape_lines(tape_files(folder, "toy"))))
    assert all(isinstance(line, TapeLine) for line in lines)
    return [line for line in lines if isinstance(line, TapeLine)]


async def _run(recorder: TapeRecorder) -> None:
    """Lets the recorder write what it has, as at the end of the platform."""
    task = asyncio.create_task(recorder.run())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])


async def test_frames_and_replies_come_back_as_they_were(tmp_path: Path) -> None:
    recorder = TapeRecorder(tmp_path, "toy", STREAMS, ManualClock())
    recorder.on_frame("ws://venue/market/stream", b'{"e":"x"}', 5)
    recorder.on_frame("ws://venue/public/stream", b"half a fra\nme", 6)
    recorder.on_frame("ws://elsewhere", b"[]", 7)
    request = HttpRequest(path="/depth", query=(("symbol", "A"), ("limit", "5")))
    reply = HttpReply(status=200, headers={}, body=b'{"bids":[]}', received_ns=8)
    recorder.on_reply("http://venue", request, reply)
    assert recorder.stats.waiting == 4
    await _run(recorder)
    lines = _read(tmp_path)
    assert [(one.received_ns, one.endpoint, one.payload) for one in lines] == [
        (5, "market", b'{"e":"x"}'),
        (6, "public", b"half a fra\nme"),
        (7, "stream", b"[]"),
        (8, "rest", b'{"bids":[]}'),
    ]
    assert lines[-1].url == "http://venue/depth?symbol=A&limit=5"
    stats = recorder.stats
    assert (stats.written, stats.dropped, stats.waiting) == (4, 0, 0)


async def test_what_does_not_fit_is_counted(tmp_path: Path) -> None:
    recorder = TapeRecorder(tmp_path, "toy", STREAMS, ManualClock(), waiting_bytes_max=5)
    recorder.on_frame("ws://venue/market", b"[1]", 1)
    recorder.on_frame("ws://venue/market", b"[2]", 2)
    assert recorder.stats.dropped == 1
    await _run(recorder)
    assert len(_read(tmp_path)) == 1


async def test_a_new_file_begins_after_its_time(tmp_path: Path) -> None:
    clock = ManualClock()
    recorder = TapeRecorder(tmp_path, "toy", STREAMS, clock)
    for _ in range(2):
        recorder.on_frame("ws://venue/market", b"[1]", 1)
        await recorder._flush()
        clock.advance(recorder_module.FILE_S + 1)
    await _run(recorder)
    assert len(tape_files(tmp_path, "toy")) == 2


async def test_a_failing_disk_is_said_and_counted(tmp_path: Path) -> None:
    in_the_way = tmp_path / "toy"
    in_the_way.write_bytes(b"a file where the folder should be")
    recorder = TapeRecorder(tmp_path, "toy", STREAMS, ManualClock())
    recorder.on_frame("ws://venue/market", b"[1]", 1)
    await recorder._flush()
    assert (recorder.stats.written, recorder.stats.dropped) == (0, 1)
    assert recorder.stats.problem
    in_the_way.unlink()
    recorder.on_frame("ws://venue/market", b"[1]", 1)
    await _run(recorder)
    assert (recorder.stats.written, recorder.stats.problem) == (1, "")
