"""The guide to the terminal's order book says what happens."""

import re
from pathlib import Path

import msgspec

from headwater.api.schemas.terminal.order_book import (
    OrderbookUpdateView,
    ParamsUpdatedView,
    UpdateParamsRequest,
)
from headwater.api.terminal.book_views import ROUNDINGS_MAX, VIEWS_MAX
from headwater.api.terminal.order_book import ORDER_BOOK
from headwater.api.terminal.order_book_text import LEVELS_MAX

GUIDE = Path(__file__).parents[3] / "docs/guides/terminal.md"


def section() -> str:
    """What it says of the order book."""
    text = GUIDE.read_text().partition("## Order book\n")[2]
    return re.split(r"^## ", text, maxsplit=1, flags=re.MULTILINE)[0]


def test_the_messages_of_the_guide_are_messages() -> None:
    (conversation,) = re.findall(r"```text\n(.*?)```", section(), re.DOTALL)
    asked, answered, updated = conversation.split("\n", 2)
    request = msgspec.json.decode(asked.removeprefix("> "), type=UpdateParamsRequest)
    answer = msgspec.json.decode(answered, type=ParamsUpdatedView)
    update = msgspec.json.decode(updated, type=OrderbookUpdateView)
    assert (request.limit, float(str(request.rounding))) == (answer.limit, answer.rounding)
    assert update.rounding == answer.rounding
    assert update.market_depth_info.requested_levels == answer.limit


def test_its_table_has_every_parameter_and_its_bounds_are_true() -> None:
    text = section()
    assert re.findall(r"^\| `(\w+)`", text, re.MULTILINE) == list(ORDER_BOOK.known)
    assert f"at most {LEVELS_MAX:,}" in text
    assert f"at most {VIEWS_MAX} different ways" in text
    assert f"{ROUNDINGS_MAX} different roundings" in text
