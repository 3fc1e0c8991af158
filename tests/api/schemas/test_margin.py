"""Views of margin: money as text, and nothing infinite in JSON."""

import msgspec
import pytest
from tests.api.fake_source import THREE_TIERS, make_instrument, make_margin_tiers

from headwater.analytics.position_margin import assess
from headwater.api.schemas.base import encode
from headwater.api.schemas.margin import margin_view, tiers_view
from headwater.api.schemas.margin_bodies import MarginBody

COIN = make_instrument("BTCUSDT")
TABLE = make_margin_tiers(COIN, THREE_TIERS)


@pytest.mark.parametrize(
    ("notional", "text"), [(1_234_567.891, "1,234,567.89 USDT"), (0.0123456789, "0.0123457 USDT")]
)
def test_money_as_text(notional: float, text: str) -> None:
    body = MarginBody(symbol="BTCUSDT", notional=notional, include_display=True)
    view = margin_view(TABLE, assess(TABLE, body.question()), COIN, body)
    assert view.display is not None
    assert view.display.notional == text
    assert view.display.initial_margin is None


def test_a_table_without_an_end_compares_where_it_begins() -> None:
    """600 000 × 1 % − 3 050 = 2 950."""
    endless = msgspec.structs.replace(THREE_TIERS[-1], notional_cap=float("inf"))
    table = msgspec.structs.replace(TABLE, tiers=(*THREE_TIERS[:-1], endless))
    view = tiers_view(table, compared=True, current_notional=1e12)
    assert view.comparison_table is not None
    last = view.comparison_table[-1]
    assert (last.notional, last.is_current) == (600e3, True)
    assert last.margin == pytest.approx(2_950.0)
    assert b"inf" not in encode(view).lower()


def test_a_single_endless_tier_has_no_share_at_nothing() -> None:
    alone = msgspec.structs.replace(THREE_TIERS[0], notional_cap=float("inf"))
    view = tiers_view(
        msgspec.structs.replace(TABLE, tiers=(alone,)), compared=True, current_notional=None
    )
    assert view.comparison_table is not None
    assert view.comparison_table[0].margin_share is None
