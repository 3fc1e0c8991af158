"""Sessions by chance, played in the loops made for common events and in the general one."""

from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Any

import numpy as np
from tests.backtest.event_markets import T0

from headwater.backtest.event_account import EventAccount
from headwater.backtest.event_outcome import EventOutcome
from headwater.backtest.event_run import EventRun
from headwater.backtest.event_streams import LiquidationTape, MarketStreams, TradeTape, ValueTape
from headwater.backtest.funding import FundingColumns
from headwater.core.enums import Side
from headwater.core.errors import RequestError
from headwater.core.order_kinds import MarginMode, OrderState, OrderType
from headwater.core.orders import OrderEvent, OrderRequest
from headwater.strategies.base import BaseStrategy
from headwater.trading.paper_assumptions import FillAssumptions, LimitFill, MarketTiming
from headwater.trading.paper_contract import FeeSchedule, PaperContract

MINUTE = 60_000
MINUTES = 40


class Restless(BaseStrategy):
    """Acts by chance at whatever it hears, and writes down all that it can see then."""

    name = "restless"

    def __init__(self, seed: int, share: float) -> None:
        super().__init__()
        self.chance = Random(seed)
        self.share = share
        self.seen: list[Any] = []
        self.placed: list[Any] = []

    def on_bar(self, context: Any) -> None:
        self.look("bar", context)

    def look(self, kind: str, context: Any) -> None:
        market, bars = context.contract(), context.bars
        self.seen.append(
            (
                kind,
                context.now_ms,
                context.exchange,
                context.event,
                context.last_price(),
                (market.bid, market.ask, market.is_tape, market.has_trades),
                (str(context.equity), str(context.cash), context.position()),
                (len(bars), bars.close[-1:], bars.timestamp_ms[-1:]),
            )
        )
        if self.chance.random() < self.share:
            self.act(context)

    def act(self, context: Any) -> None:
        chance, last = self.chance, context.last_price()
        if last is None:
            return
        which, is_buy = chance.randrange(9), chance.random() < 0.5
        order, size = context.buy if is_buy else context.sell, Decimal(chance.randrange(1, 60))
        if which < 3:
            ticks = round(last * 100) + chance.randrange(-8, 9)
            lots = chance.randrange(1, 40_000)
            old = chance.choice([None, *self.placed[-3:]])
            self.placed.append(context.quote(is_buy, ticks, lots, instead_of=old))
        elif which == 3:
            order(size)
        elif which == 4:
            order(size, stop_loss=Decimal("0.001"), take_profit=Decimal("0.0015"))
        elif which == 5:
            context.submit(
                OrderRequest(
                    exchange=context.exchange,
                    symbol=context.symbol,
                    side=Side.BUY if is_buy else Side.SELL,
                    order_type=OrderType.TRAILING_STOP,
                    quantity=size,
                    trailing_distance=Decimal("0.04"),
                )
            )
        elif which == 6 and self.placed:
            context.cancel(chance.choice(self.placed))
        elif which == 7 and self.placed:
            waiting = [one for one in self.placed[-5:] if one.state is OrderState.ACCEPTED]
            if waiting:
                price = Decimal(round(last * 100) + chance.randrange(-8, 9)) / 100
                context.amend(chance.choice(waiting), price=price)
        else:
            context.cancel_all()


class RestlessAboutFills(Restless):
    """The same, hearing its fills."""

    name = "restless_about_fills"

    def on_fill(self, context: Any) -> None:
        if len(self.seen) < 20_000:
            self.look("fill", context)


class Silent(Restless):
    """Hears no bar: it acts before the first event and at funding."""

    name = "silent"
    on_bar = BaseStrategy.on_bar

    def on_start(self, context: Any) -> None:
        context.buy(Decimal(20))

    def on_funding(self, context: Any) -> None:
        self.look("funding", context)


class Hearing(Restless):
    """Hears trades."""

    name = "hearing"

    def on_trade(self, context: Any) -> None:
        self.look("trade", context)


class HearingAll(Hearing, RestlessAboutFills, Silent):
    """Hears everything."""

    name = "hearing_all"
    on_bar = Restless.on_bar


UNHEARD: tuple[type[Restless], ...] = (Restless, RestlessAboutFills, Silent)
HEARD: tuple[type[Restless], ...] = (Hearing, HearingAll)


@dataclass(frozen=True, slots=True)
class Session:
    """What is played: everything else follows from the seed."""

    seed: int
    strategy: type[Restless]
    contracts: int = 1
    tape: str = "grid"
    extras: frozenset[str] = frozenset()
    cash: int = 10_000
    timing: MarketTiming = MarketTiming.NEXT_EVENT
    limit_fill: LimitFill = LimitFill.THROUGH
    margin_mode: MarginMode = MarginMode.CROSS
    share: float = 0.3

    def streams(self) -> list[MarketStreams]:
        """What happens."""
        return [self._stream(index) for index in range(self.contracts)]

    def _stream(self, index: int) -> MarketStreams:
        chance = np.random.default_rng([self.seed, index])
        tape = self._tape(chance)
        more: dict[str, Any] = {"bar_interval_ms": MINUTE}
        if "bars" in self.extras:
            # Bars of a coarser tape: some minutes of ours have none, some bars no trade of ours.
            more = {"bars": self._tape(chance).bars(MINUTE, symbol="BTCUSDT")}
            if "known" in self.extras:
                known = more["bars"].timestamp_ms + 2 * MINUTE
                more["bars_known_ms"] = np.maximum.accumulate(
                    known + chance.integers(0, 3, len(known)) * MINUTE
                )
        moments = np.sort(chance.integers(0, MINUTES * MINUTE, 6)) + T0
        if "funding" in self.extras:
            more["funding"] = FundingColumns.of(moments, chance.normal(0, 0.001, 6))
        if "marks" in self.extras:
            more["marks"] = ValueTape.of(moments, 100 + chance.normal(0, 0.3, 6))
        if "others" in self.extras:
            more["open_interest"] = ValueTape.of(moments, [5.0] * 6)
            more["liquidations"] = LiquidationTape.of(moments, [100.0] * 6, [1.0] * 6, [True] * 6)
        return MarketStreams(f"x{index}", "BTCUSDT", trades=tape, **more)

    def _tape(self, chance: np.random.Generator) -> TradeTape:
        count = int(chance.integers(1, 700))
        reach = 150 if self.tape == "wild" else 3  # so far that positions are liquidated
        steps = chance.integers(-reach, reach + 1, count)
        ticks = np.maximum(10_000 + np.cumsum(steps), 1_000)
        price = ticks / 100
        if self.tape == "off":
            price = ticks / 99
        elif self.tape == "mixed":
            price = price + (chance.random(count) < 0.05) * 0.003
        sides = None if self.tape == "unknown" else chance.random(count) < 0.5
        if self.tape == "runs":
            sides = np.repeat(sides, 80)[:count] if sides is not None else None
        times = T0 + np.sort(chance.integers(0, MINUTES * MINUTE, count))
        return TradeTape.of(times, price, chance.random(count) * 20 + 0.001, sides)

    def account(self) -> EventAccount:
        """Who trades."""
        return EventAccount(
            contracts=tuple(
                PaperContract(
                    exchange=f"x{index}",
                    symbol="BTCUSDT",
                    price_tick=Decimal("0.01"),
                    quantity_step=Decimal("0.001"),
                    fees=FeeSchedule(maker=Decimal("0.0001"), taker=Decimal("0.0003")),
                    leverage=Decimal(50),
                    margin_mode=self.margin_mode,
                )
                for index in range(self.contracts)
            ),
            cash=Decimal(self.cash),
            fills=FillAssumptions(timing=self.timing, limit_fill=self.limit_fill),
        )

    def played(self, *, shortcuts: bool, cut_ms: int | None = None) -> tuple[Any, ...]:
        """All that can be seen of a run of it, by the strategy and behind it."""
        strategy = self.strategy(self.seed, self.share)
        streams, account = self.streams(), self.account()
        told: list[Any] = []
        run = EventRun(
            strategy,
            streams,
            account,
            shortcuts=shortcuts,
            progress=lambda done, of: told.append((done, of)),
        )
        try:
            parts = [_facts(run.run(until_ms=cut_ms))]
            if cut_ms is not None and not run.venue.is_insolvent:
                snapshot = run.snapshot(cut_ms)
                strategy.placed.clear()  # Handles are of the account that was cut.
                run = EventRun(strategy, streams, account, shortcuts=shortcuts, snapshot=snapshot)
                parts.append(_facts(run.run()))
        except RequestError as error:
            return strategy.seen, str(error)
        return strategy.seen, parts, told


def _facts(outcome: EventOutcome) -> tuple[Any, ...]:
    # Fills are noted apart, as they happen: they are those of the events, none less or twice.
    told = [one.fill for one in outcome.events if isinstance(one, OrderEvent) and one.fill]
    assert list(outcome.fills) == told
    return (
        outcome.sample_ms.tolist(),
        outcome.equity.tolist(),
        [column.tolist() for column in outcome.held],
        outcome.events,
        outcome.at_close,
        outcome.insolvent_ms,
        outcome.venue.snapshot(),
    )
