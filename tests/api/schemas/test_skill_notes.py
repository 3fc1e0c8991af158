"""What weakens the numbers of a table is said in words."""

import msgspec
import pytest
from tests.api.schemas.test_skill import DAY_MS, END_MS, ROW, TABLE

from headwater.api.schemas.skill_notes import horizon_text, note_of


def test_what_weakens_the_numbers_is_said() -> None:
    table = msgspec.structs.replace(
        TABLE,
        rows=(ROW,),
        collecting_since_ms=END_MS - DAY_MS,
        exchanges=("binance",),
        throttled=("binance",),
        path_exchange="binance",
        mark_share=0.75,
    )
    note = note_of(table, None)
    assert "1.0 days so far" in note
    assert "liquidations of binance are a lower bound" in note
    assert "25% of the price's minutes are of traded prices" in note
    deaf = msgspec.structs.replace(table, exchanges=(), throttled=(), path_exchange="")
    assert "nothing can be judged" in note_of(deaf, None)
    long_since = msgspec.structs.replace(
        table, collecting_since_ms=0, throttled=(), path_exchange="bybit", mark_share=1.0
    )
    assert note_of(long_since, None) == ""


@pytest.mark.parametrize(
    ("horizon_ms", "text"), [(3_600_000, "1h"), (86_400_000, "24h"), (90_000, "90s")]
)
def test_a_horizon_in_words(horizon_ms: int, text: str) -> None:
    assert horizon_text(horizon_ms) == text
