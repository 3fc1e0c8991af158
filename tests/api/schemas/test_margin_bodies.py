"""Bodies are read strictly, and say the position without where it is."""

import pytest
from pydantic import ValidationError

from headwater.analytics.position_margin import MarginQuestion
from headwater.api.schemas.margin_bodies import BATCH_MAX, MarginBatchBody, MarginBody
from headwater.core.enums import PositionSide


def test_a_body_becomes_a_question() -> None:
    body = MarginBody.model_validate(
        {"symbol": "BTC", "entry_price": 5, "position_size": 2.5, "leverage": 10, "side": "short"}
    )
    assert body.question() == MarginQuestion(
        entry_price=5.0, position_size=2.5, leverage=10.0, side=PositionSide.SHORT
    )


@pytest.mark.parametrize("value", ["5", True, 0, -1, 1e16, float("nan"), float("inf"), 10**400])
def test_an_amount_is_a_finite_number_above_0(value: object) -> None:
    with pytest.raises(ValidationError):
        MarginBody.model_validate({"symbol": "BTC", "notional": value})


def test_a_batch_has_a_bound() -> None:
    one = {"symbol": "BTC", "notional": 1}
    full = MarginBatchBody.model_validate({"calculations": [one] * BATCH_MAX})
    assert len(full.calculations) == BATCH_MAX
    with pytest.raises(ValidationError):
        MarginBatchBody.model_validate({"calculations": [one] * (BATCH_MAX + 1)})
