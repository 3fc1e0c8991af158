"""Book-keeping of one contract inside the paper venue: prices seen, orders that wait, position.

Orders wait in two sorted lists. `below` holds what a falling price reaches (resting buys, sell
stops, take-profits of shorts), `above` what a rising one reaches, with prices negated, so that in
both the next one to be reached stands last. From their ends come the two bounds `low` and `high`:
an event strictly between them cannot do anything, which is all that most events cost.
"""

from bisect import bisect_left, insort
from fractions import Fraction
from math import inf

from headwater.analytics.margin import build_tiers
from headwater.core.order_kinds import MarginMode
from headwater.trading.paper_assumptions import FillAssumptions, LimitFill
from headwater.trading.paper_contract import PaperContract, Scale, atto_of, check_contract
from headwater.trading.paper_order import RestingKey, WorkingOrder


class PaperMarket:
    """State of one contract. A handle for callers: read it, never write it.

    Attributes:
        index: place among the contracts of the account.
        last: last traded price; 0.0 before any.
        bid: best price to sell at, as far as known; 0.0 unknown.
        ask: best price to buy at, as far as known; infinite when unknown.
        mark: mark price, once `has_marks`.
        is_tape: whether the last event was a trade or quote, so that arrivals meet it at once.
        low: an event at or below this price may touch something.
        high: an event at or above this price may touch something.
        pos: position in steps, signed.
        cost: entry notional of what is open, atto, ≥ 0.
        adjustment: funding of an isolated position since it opened, atto.
        worse: a worse price with the profit at it: steps, cost, price, profit (`paper_margin`).
        room_units: ticks × steps that the open orders of both sides may come to without a look at
            the margin, while the price that values the position is between `room_low` and
            `room_high`; −1 without such room (`paper_margin.grant_room`).
        margin: initial margin set aside for the position, atto.
        reserve: margin set aside for open orders, atto.
        liq_low: a long is liquidated at or below it; −inf without.
        liq_high: a short is liquidated at or above it; inf without.
        budget: steps that this event's volume leaves for our orders; None without a limit.
        min_units: fewest ticks × steps of an order that is not too small.
        phase: 0 outside a bar's path, 1 and 2 on the way to its extremes, 3 to its close.
    """

    __slots__ = (
        "above", "adjustment", "arrivals", "ask", "ask_size", "bar_high", "bar_low", "bar_volume",
        "below", "bid", "bid_size", "born_stops", "budget", "buy_lots", "buy_units", "contract",
        "cost", "exchange", "fees", "funding", "groups", "has_marks", "has_quotes", "has_trades",
        "held", "high", "index", "is_cross", "is_queued", "is_shared", "is_tape", "is_touched",
        "last", "leverage_d", "leverage_n", "liq_high", "liq_low", "low", "maker_d", "maker_n",
        "margin", "mark", "min_lots", "min_notional", "min_units", "phase", "pos", "queue_lots",
        "realised", "reducers", "reserve", "reserve_d", "reserve_n", "room_high", "room_low",
        "room_units", "scale", "sell_lots", "sell_units", "symbol", "taker_d", "taker_n", "tick_d",
        "tick_n", "tick_size", "tiers", "tiers_cap", "worse",
    )  # fmt: skip

    def __init__(self, index: int, contract: PaperContract, assumptions: FillAssumptions) -> None:
        check_contract(contract)
        self.index = index
        self.contract = contract
        self.exchange = contract.exchange
        self.symbol = contract.symbol
        self._facts(contract, assumptions)
        self.last = 0.0
        self.bid, self.ask = 0.0, inf
        self.bid_size, self.ask_size = 0.0, 0.0
        self.mark = 0.0
        self.has_marks = False
        self.has_quotes = False
        self.has_trades = False
        self.is_tape = False
        self.below: list[RestingKey] = []
        self.above: list[RestingKey] = []
        self.arrivals: list[WorkingOrder] = []
        self.reducers: dict[int, WorkingOrder] = {}
        self.groups: dict[str, dict[int, WorkingOrder]] = {}
        self.low, self.high = -inf, inf
        self.pos = self.cost = self.adjustment = self.margin = 0
        self.worse = (0, 0, 0.0, 0)
        self.room_units, self.room_low, self.room_high = -1, -inf, inf
        self.realised = self.fees = self.funding = 0
        self.buy_lots = self.buy_units = self.sell_lots = self.sell_units = self.reserve = 0
        self.liq_low, self.liq_high = -inf, inf
        self.is_shared = False
        self.budget: int | None = None
        self.phase = 0
        self.bar_low, self.bar_high, self.bar_volume = 0.0, inf, 0.0
        self.held: list[WorkingOrder] = []
        self.born_stops: list[WorkingOrder] = []

    def _facts(self, contract: PaperContract, assumptions: FillAssumptions) -> None:
        scale = self.scale = Scale(contract.price_tick, contract.quantity_step)
        self.tick_n, self.tick_d = scale.tick_n, scale.tick_d
        self.tick_size = scale.tick_n / scale.tick_d
        fees = contract.fees
        self.maker_n, self.maker_d = fees.maker.as_integer_ratio()
        self.taker_n, self.taker_d = fees.taker.as_integer_ratio()
        leverage = Fraction(contract.leverage)
        self.leverage_n, self.leverage_d = leverage.as_integer_ratio()
        worst_fee = max(Fraction(fees.taker), Fraction(fees.maker), Fraction(0))
        factor = (1 / leverage + worst_fee) * Fraction(scale.unit_n, scale.unit_d)
        self.reserve_n, self.reserve_d = factor.as_integer_ratio()
        smallest = contract.min_quantity
        self.min_lots = 1 if smallest is None else max(1, -scale.lots_of(-smallest))
        least = contract.min_notional
        self.min_notional = 0 if least is None else atto_of(least, up=True)
        # Fewest ticks × steps whose notional, rounded down, is not below the smallest.
        self.min_units = max(1, -(-self.min_notional * scale.unit_d // scale.unit_n))
        self.is_cross = contract.margin_mode is MarginMode.CROSS
        self.tiers = contract.tiers or build_tiers([(0.0, 0.0, float(contract.max_leverage))])
        allowing = [
            tier.notional_cap for tier in self.tiers if tier.leverage_max >= contract.leverage
        ]
        self.tiers_cap = max(allowing, default=0.0)
        self.is_queued = assumptions.limit_fill is LimitFill.QUEUE
        self.is_touched = assumptions.limit_fill is LimitFill.TOUCH
        self.queue_lots = scale.lots_of(assumptions.queue_ahead)

    @property
    def quantity(self) -> float:
        """Position in base units, signed."""
        return self.scale.float_quantity(self.pos)

    @property
    def value_price(self) -> float:
        """Price that the position is valued at: the mark price once there is one, else the last."""
        return self.mark if self.has_marks else self.last

    def refresh(self) -> None:
        """Recomputes the two bounds from what waits."""
        if self.arrivals or self.is_shared:
            self.low = self.high = inf
            return
        low = self.below[-1][0] if self.below else -inf
        high = -self.above[-1][0] if self.above else inf
        if self.pos and not self.has_marks:
            # Without max() and min(): this is on the way of every order.
            if self.liq_low > low:
                low = self.liq_low
            if self.liq_high < high:
                high = self.liq_high
        self.low, self.high = low, high

    def insert(self, order: WorkingOrder, price: float, *, is_below: bool) -> None:
        """Puts an order into a waking list."""
        key: RestingKey = (price if is_below else -price, -order.seq, order)
        order.key = key
        insort(self.below if is_below else self.above, key)

    def remove(self, order: WorkingOrder) -> None:
        """Takes an order out of the waking lists, wherever it stands."""
        key = order.key
        if key is not None:
            order.key = None
            _take(self.below if key[0] >= 0.0 else self.above, key)
        plan = order.plan
        if plan is not None and plan.watch_key is not None:
            key, plan.watch_key = plan.watch_key, None
            _take(self.below if key[0] >= 0.0 else self.above, key)


def _take(keys: list[RestingKey], key: RestingKey) -> None:
    del keys[bisect_left(keys, key)]
