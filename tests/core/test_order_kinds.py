"""The life of orders: one table, strict states, a text for every reason."""

import pytest

from headwater.core.errors import RequestError
from headwater.core.order_kinds import (
    FINAL_STATES,
    REASON_TEXTS,
    TRANSITIONS,
    OrderReason,
    OrderState,
    check_transition,
    order_state_of,
)


def test_the_table_has_every_state_and_final_ones_lead_nowhere() -> None:
    assert set(TRANSITIONS) == set(OrderState)
    assert {state for state, nexts in TRANSITIONS.items() if not nexts} == FINAL_STATES


def test_every_state_is_reached_from_created_and_reaches_an_end() -> None:
    reached = {OrderState.CREATED}
    for _ in OrderState:
        reached |= {nxt for state in reached for nxt in TRANSITIONS[state]}
    assert reached == set(OrderState)
    for state in set(OrderState) - FINAL_STATES:
        assert TRANSITIONS[state] & FINAL_STATES, state


def test_an_unknown_outcome_is_live_and_may_turn_out_any_way() -> None:
    assert OrderState.UNKNOWN not in FINAL_STATES
    assert TRANSITIONS[OrderState.UNKNOWN] >= {OrderState.ACCEPTED, *FINAL_STATES}


def test_a_step_out_of_a_final_state_is_refused_by_name() -> None:
    assert check_transition(OrderState.SUBMITTED, OrderState.UNKNOWN) is OrderState.UNKNOWN
    with pytest.raises(RequestError, match="after filled: nothing"):
        check_transition(OrderState.FILLED, OrderState.CANCELLED)


def test_an_unknown_state_is_an_error() -> None:
    assert order_state_of("accepted") is OrderState.ACCEPTED
    with pytest.raises(RequestError, match="state='open'"):
        order_state_of("open")


def test_every_reason_has_its_sentence() -> None:
    assert set(REASON_TEXTS) == set(OrderReason)
