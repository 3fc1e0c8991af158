"""Requests of jobs: what is stored is what was asked for, and nothing impossible is queued."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.backtest.job_samples import request

from headwater.backtest.job_request import (
    BARS_MAX,
    JobRequest,
    OptimiseRequest,
    ParameterSpan,
    WalkForwardRequest,
    checked_request,
    decode_request,
    encode_request,
    kind_of,
)
from headwater.backtest.run_inputs import FundingSource
from headwater.backtest.tier_rows import TierRow
from headwater.core.enums import BacktestKind
from headwater.core.errors import RequestError, StorageError
from headwater.core.intervals import Interval

DAY_MS = 86_400_000
SPAN = ParameterSpan(name="fast", start=5.0, stop=20.0, step=5.0)
RUN = msgspec.structs.asdict(request(end_ms=100 * DAY_MS))


TIER = TierRow(notional_floor=0.0, maintenance_rate=0.01, leverage_max=20.0)


def search(**changes: Any) -> OptimiseRequest:
    return OptimiseRequest(**{**RUN, "spans": (SPAN,), **changes})


def forward(**changes: Any) -> WalkForwardRequest:
    given = {"spans": (SPAN,), "in_sample_days": 60, "out_of_sample_days": 20}
    return WalkForwardRequest(**{**RUN, **given, **changes})


@pytest.mark.parametrize(
    ("made", "kind"),
    [
        (request(), BacktestKind.BACKTEST),
        (search(), BacktestKind.OPTIMISE),
        (forward(), BacktestKind.WALK_FORWARD),
    ],
)
def test_every_kind_survives_its_text(made: JobRequest, kind: BacktestKind) -> None:
    again = decode_request(encode_request(checked_request(made)))
    assert again == made
    assert type(again) is type(made)
    assert kind_of(again) is kind


def test_the_contract_survives_its_text_and_becomes_assumptions() -> None:
    made = request(
        timeframe=Interval.M5,
        leverage=10.0,
        tiers=(TIER,),
        quantity_step=0.1,
        price_tick=0.5,
        min_notional=5.0,
        liquidation_fee_rate=0.005,
        funding=FundingSource.STORED,
        detail_interval=Interval.M1,
    )
    assert decode_request(encode_request(checked_request(made))) == made
    found = made.assumptions(0.0)
    assert (found.quantity_step, found.price_tick, found.min_notional) == (0.1, 0.5, 5.0)
    assert (found.tiers[0].maintenance_rate, found.liquidation_fee_rate) == (0.01, 0.005)


@given(st.binary(max_size=60))
def test_bytes_that_are_no_request_are_a_storage_error(content: bytes) -> None:
    with pytest.raises(StorageError, match="cannot be read"):
        decode_request(content)


def test_bars_and_values_are_counted() -> None:
    """100 days have 144,000 minutes; 5, 10, 15, 20 are four values; 0.1 … 0.3 by 0.1 three."""
    assert request(end_ms=100 * DAY_MS).bars == 144_000
    assert SPAN.count == 4
    assert ParameterSpan(name="x", start=0.1, stop=0.3, step=0.1).count == 3


def test_the_venues_fee_is_taken_where_none_is_named() -> None:
    theirs = request().assumptions(0.0005)
    assert (theirs.fee_rate, theirs.exchange) == (0.0005, "binance")
    own = request(fee_rate=0.0).assumptions(0.0005)
    assert (own.fee_rate, own.exchange) == (0.0, "")


@pytest.mark.parametrize(
    ("made", "field"),
    [
        (request(strategy=""), "strategy"),
        (request(strategy="a\nb"), "strategy"),
        (request(symbol="x" * 201), "symbol"),
        (request(exchange="\x00"), "exchange"),
        (request(start_ms=-1), "start_date"),
        (request(start_ms=5, end_ms=5), "end_date"),
        (request(end_ms=(BARS_MAX + 1) * 60_000), "end_date"),
        (request(parameters={f"p{n}": 1 for n in range(21)}), "parameters"),
        (request(parameters={"p": float("nan")}), "p"),
        (request(parameters={"p": "x" * 201}), "p"),
        (request(initial_capital=0.0), "initial_capital"),
        (request(fee_rate=float("inf")), "fee_rate"),
        (request(slippage_rate=-0.1), "slippage_rate"),
        (request(leverage=201.0), "leverage"),
        (request(liquidation_fee_rate=0.2), "liquidation_fee_rate"),
        (request(quantity_step=-1.0), "quantity_step"),
        (request(price_tick=float("nan")), "price_tick"),
        (request(min_notional=1e13), "min_notional"),
        (request(tiers=(msgspec.structs.replace(TIER, notional_floor=1.0),)), "tiers"),
        (request(detail_interval=Interval.M1), "detail_interval"),
        (request(timeframe=Interval.M5, detail_interval=Interval.M3), "detail_interval"),
        (
            request(
                timeframe=Interval.H1, detail_interval=Interval.M1, end_ms=BARS_MAX * 60_000 + 1
            ),
            "detail_interval",
        ),
        (search(spans=()), "parameter_ranges"),
        (search(spans=(SPAN, SPAN)), "parameter_ranges"),
        (search(parameters={"fast": 3}), "parameter_ranges"),
        (search(objective="luck"), "objective"),
        (search(method="guess"), "method"),
        (search(method="random", samples=0), "samples"),
        (search(spans=(msgspec.structs.replace(SPAN, step=0.0),)), "fast: step"),
        (search(spans=(msgspec.structs.replace(SPAN, step=-1.0),)), "fast: step"),
        (search(spans=(msgspec.structs.replace(SPAN, stop=1.0),)), "fast: end_value"),
        (search(spans=(msgspec.structs.replace(SPAN, stop=float("nan")),)), "fast: stop"),
        (search(spans=(msgspec.structs.replace(SPAN, step=1e-9),)), "fast: step"),
        (
            search(
                spans=tuple(
                    ParameterSpan(name=f"p{n}", start=0, stop=999, step=1) for n in range(2)
                )
            ),
            "parameter_ranges",
        ),
        (forward(in_sample_days=0), "in_sample_period_days"),
        (forward(out_of_sample_days=3_651), "out_of_sample_period_days"),
        (forward(in_sample_days=90), "in_sample_period_days"),
        (forward(embargo_days=-1.0), "embargo_days"),
        (forward(embargo_days=21.0), "in_sample_period_days"),
        (forward(folds=0), "num_folds"),
        (forward(folds=3), "num_folds"),
    ],
)
def test_what_cannot_be_is_refused_by_name(made: JobRequest, field: str) -> None:
    with pytest.raises(RequestError) as refused:
        checked_request(made)
    assert refused.value.field == field


def test_the_last_fold_that_fits_fits() -> None:
    """100 days − 60 = 40: two stretches of 20, with no day to spare; none with an embargo of 21."""
    for fitting in (forward(folds=2), forward(folds=1, embargo_days=20.0)):
        assert checked_request(fitting) is fitting


@pytest.mark.parametrize(
    ("stop", "step", "told"),
    [
        (9.0, 3.0, (3.0, 6.0, 9.0)),
        (30.0, 4.0, (3.0, 7.0, 27.0)),
        (9.9, 3.0, (3.0, 6.0, 9.0)),
        (4.0, 0.5, (3.0, 3.5, 4.0)),
        (5.0, 2.0, (3.0, 5.0)),
        (3.0, 1.0, (3.0,)),
    ],
)
def test_values_that_tell_whether_a_parameter_takes_all(
    stop: float, step: float, told: tuple[float, ...]
) -> None:
    """The first, the second and the last that is reached: 3, 7, … 27 for 3 to 30 by 4."""
    assert ParameterSpan(name="fast", start=3.0, stop=stop, step=step).telling == told
