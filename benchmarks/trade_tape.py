"""A tape of trades made from a seed: what replays are timed on."""

from typing import Final

import numpy as np

from benchmarks.peers.tape_case import TICK, Tape

SEED: Final = 11
START_MS: Final = 1_700_006_400_000
_TRADES_A_SECOND: Final = 20


def trade_tape(count: int, seed: int = SEED) -> Tape:
    """`count` trades around 60,000 in ticks of 0.1, about twenty a second, in bursts of times."""
    rng = np.random.default_rng(seed)
    gaps = rng.exponential(1_000 / _TRADES_A_SECOND, count) * (rng.random(count) < 0.5) * 2
    steps = rng.integers(-3, 4, count)
    ticks = 600_000 + np.cumsum(steps)
    return Tape(
        timestamp_ms=START_MS + np.cumsum(gaps).astype(np.int64),
        price=np.round(ticks * TICK, 1),
        quantity=np.round(rng.exponential(0.05, count) + 0.001, 3),
        buys=steps > 0,
    )
