"""Every kind of message that is measured: Binance's of `messages`, others' of `trade_messages`."""

from typing import Final

from benchmarks.messages import KINDS, MESSAGES, Corpus, make_corpus
from benchmarks.trade_messages import TRADE_KINDS, make_trade_corpus

ALL_KINDS: Final = (*KINDS, *TRADE_KINDS)


def corpus_of(kind: str, messages: int = MESSAGES, seed: int = 1) -> Corpus:
    """The corpus of a kind of any venue.

    Args:
        kind: one of `ALL_KINDS`.
        messages: how many, ≥ 1.
        seed: any number; another seed gives other messages of the same shape.
    """
    make = make_corpus if kind in KINDS else make_trade_corpus
    return make(kind, messages, seed)
