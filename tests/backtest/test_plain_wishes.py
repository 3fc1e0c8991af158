"""Which wishes are done: by columns the same as by walking from one to the next."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.backtest.drives import bars_of

from headwater.backtest.outcome import Pending
from headwater.backtest.plain_wishes import PlainWishes
from headwater.strategies.signals import Signals

Wishes = tuple[list[int], list[int], list[bool], list[bool], Pending | None]


def _signals(length: int, **at: list[int]) -> Signals:
    flat = [100.0] * length
    columns = {}
    for name, bars in at.items():
        column = np.zeros(length, dtype=np.bool_)
        column[bars] = True
        columns[name] = column
    return Signals(bars_of(flat, flat, flat, flat), **columns)


def _read(wishes: PlainWishes) -> Wishes:
    return (
        wishes.entries.tolist(),
        wishes.exits.tolist(),
        wishes.is_long.tolist(),
        wishes.is_turn.tolist(),
        wishes.pending,
    )


def _by_rule(signals: Signals, *, delay: int, reverses: bool) -> Wishes:
    """The rule bar by bar: at each close a position is left, turned or, without one, entered."""
    entries: list[int] = []
    exits: list[int] = []
    sides: list[bool] = []
    turns: list[bool] = []
    held: bool | None = None
    for bar in range(len(signals.enter_long)):
        long, short = bool(signals.enter_long[bar]), bool(signals.enter_short[bar])
        is_late = bar + delay >= len(signals.enter_long)
        if held is None:
            if not long and not short:
                continue
            if is_late:
                pending = Pending(bar=bar, action="enter_long" if long else "enter_short")
                return entries, exits, sides, turns, pending
            entries.append(bar)
            sides.append(long)
            held = long
            continue
        turned = reverses and (short if held else long)
        if not turned and not (signals.exit_long if held else signals.exit_short)[bar]:
            continue
        if is_late:
            action = f"reverse_{'short' if held else 'long'}" if turned else "exit"
            return entries, exits, sides, turns, Pending(bar=bar, action=action)
        exits.append(bar)
        turns.append(turned)
        held = not held if turned else None
        if turned:
            entries.append(bar)
            sides.append(bool(held))
    return entries, exits, sides, turns, None


def test_what_is_held_is_not_bought_again() -> None:
    # Bought at 1, again wished for at 2 and 3; left at 5, again wished for at 6; bought at 7.
    signals = _signals(10, enter_long=[1, 2, 3, 7], exit_long=[0, 5, 6])
    wishes = PlainWishes.of(signals, delay=1, reverses=False)
    assert _read(wishes) == ([1, 7], [5], [True, True], [False], None)


def test_opposite_entries_turn_the_position() -> None:
    signals = _signals(10, enter_long=[1, 2, 8], enter_short=[4, 9])
    wishes = PlainWishes.of(signals, delay=1, reverses=True)
    assert _read(wishes) == (
        [1, 4, 8],
        [4, 8],
        [True, False, True],
        [True, True],
        Pending(bar=9, action="reverse_short"),
    )
    now = PlainWishes.of(signals, delay=0, reverses=True)
    assert (now.entries.tolist(), now.pending) == ([1, 4, 8, 9], None)


@pytest.mark.parametrize(
    ("at", "action"),
    [
        ({"enter_long": [4]}, "enter_long"),
        ({"enter_short": [4]}, "enter_short"),
        ({"enter_long": [1], "exit_long": [4]}, "exit"),
        ({"enter_short": [1], "exit_short": [4]}, "exit"),
    ],
)
def test_a_wish_at_the_last_close_is_pending(at: dict[str, list[int]], action: str) -> None:
    wishes = PlainWishes.of(_signals(5, **at), delay=1, reverses=False)
    assert wishes.pending == Pending(bar=4, action=action)
    assert len(wishes.exits) == 0


@given(
    seed=st.integers(0, 2**32),
    length=st.integers(1, 60),
    share=st.sampled_from([0.05, 0.3, 0.7]),
    kind=st.sampled_from(["long", "short", "turning", "overlapping", "both"]),
    delay=st.sampled_from([0, 1]),
    reverses=st.booleans(),
)
@settings(max_examples=400, deadline=None)
def test_every_way_does_what_the_rule_says(
    seed: int, length: int, share: float, kind: str, delay: int, reverses: bool
) -> None:
    chance = np.random.default_rng(seed)
    enter, leave, other, end = chance.random((4, length)) < share
    flat = [100.0] * length
    columns = {
        "long": {"enter_long": enter, "exit_long": leave & ~enter},
        "short": {"enter_short": enter, "exit_short": leave & ~enter},
        "turning": {"enter_long": enter, "enter_short": other & ~enter},
        "overlapping": {"enter_long": enter, "exit_long": leave},
        "both": {
            "enter_long": enter,
            "enter_short": other & ~enter,
            "exit_long": leave,
            "exit_short": end,
        },
    }[kind]
    signals = Signals(bars_of(flat, flat, flat, flat), **columns)
    found = PlainWishes.of(signals, delay=delay, reverses=reverses)
    assert _read(found) == _by_rule(signals, delay=delay, reverses=reverses)
