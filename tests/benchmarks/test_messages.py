"""The synthetic messages are what they say, and our own path reads every one of them rightly."""

from pathlib import Path

import msgspec
import pytest
from benchmarks.bench_socket_flood import flood_server
from benchmarks.corpora import ALL_KINDS, corpus_of
from benchmarks.messages import AGG_TRADE, DEPTH, Truth, make_corpus, unwrapped
from benchmarks.peers.flood_headwater import read_flood
from benchmarks.peers.headwater_path import HeadwaterPath
from benchmarks.report import write_section
from benchmarks.trade_messages import TRADE_KINDS

MESSAGES = 300


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_same_seed_gives_the_same_bytes_and_another_seed_others(kind: str) -> None:
    """Figures of two runs, or of two interpreters, are of the same input."""
    corpus = corpus_of(kind, MESSAGES)
    assert corpus.frames == corpus_of(kind, MESSAGES).frames
    assert corpus.frames != corpus_of(kind, MESSAGES, seed=2).frames
    assert len(corpus.frames) == MESSAGES


@pytest.mark.parametrize("kind", ALL_KINDS)
@pytest.mark.parametrize("stage", ["bus", "json"])
def test_our_path_delivers_what_the_corpus_holds(kind: str, stage: str) -> None:
    """A benchmark of a path that loses or misreads records would be worth nothing."""
    corpus = corpus_of(kind, MESSAGES)
    path = HeadwaterPath(corpus, stage=stage)
    path.start()
    path.feed_all()
    assert corpus.truth.accepts(path.outcome())
    path.close()


def test_depth_keeps_a_book_of_about_a_thousand_levels_that_never_crosses() -> None:
    """The size that the goal is stated for holds from the first message to the last."""
    corpus = make_corpus(DEPTH, 3_000)
    assert corpus.snapshot is not None
    assert len(corpus.snapshot.bids) == len(corpus.snapshot.asks) == 1_000
    assert 850 < corpus.truth.bid_levels < 1_150
    assert 850 < corpus.truth.ask_levels < 1_150
    assert float(corpus.snapshot.bids[0][0]) < float(corpus.snapshot.asks[0][0])


@pytest.mark.parametrize("kind", TRADE_KINDS)
def test_a_message_has_one_trade_or_two_to_eight(kind: str) -> None:
    """The sizes that the table names are the corpus'."""
    corpus = corpus_of(kind, 1_000)
    if kind.endswith("trades"):
        assert 4_500 < corpus.truth.records < 5_500
    else:
        assert corpus.truth.records == 1_000


def test_a_wrong_outcome_is_refused() -> None:
    """One record or one part in a million less is noticed."""
    truth = Truth(10, 1_000.0, 5, 5)
    assert truth.accepts(Truth(10, 1_000.0 + 1e-7, 5, 5))
    assert not truth.accepts(Truth(9, 1_000.0, 5, 5))
    assert not truth.accepts(Truth(10, 1_000.001, 5, 5))
    assert not truth.accepts(Truth(10, 1_000.0, 5, 4))


def test_unwrapped_payload_is_the_raw_streams() -> None:
    """What ccxt gets is the inner object."""
    frame = make_corpus(AGG_TRADE, 1).frames[0]
    assert msgspec.json.decode(unwrapped(frame)) == msgspec.json.decode(frame)["data"]


async def test_flood_is_read_from_the_socket_to_the_last_record() -> None:
    """The server of the flood and our client understand each other."""
    with flood_server(2_000, bare=False) as url:
        flooded = await read_flood(url, msgspec.json.Encoder().encode)
    assert flooded.delivered == 2_000
    assert flooded.lost_counted == 0
    assert flooded.last_id == str(2_400_000_000 + 2_000)


def test_write_section_replaces_only_its_own_lines(tmp_path: Path) -> None:
    """Each benchmark owns what is between its markers."""
    results = tmp_path / "RESULTS.md"
    results.write_text("# Results\n\nBy hand.\n")
    write_section("one", "first", results)
    write_section("two", "other", results)
    write_section("one", "second", results)
    text = results.read_text()
    assert "first" not in text
    assert text.startswith("# Results\n\nBy hand.\n")
    assert text.index("second") < text.index("other")
    assert text.count("<!-- one: begin -->") == 1
