"""What the market does to the paper venue: trades, quotes, bars, mark prices, funding.

Every method takes the handle of a contract and a time that never goes back. An event that cannot
touch anything costs two comparisons.
"""

from decimal import Decimal
from math import isfinite

import numpy as np
import numpy.typing as npt

from headwater.core.errors import RequestError
from headwater.core.order_kinds import AccountEventKind
from headwater.trading.paper_bars import check_bar, finish_bar, open_bar
from headwater.trading.paper_contract import exact, money
from headwater.trading.paper_fills import check_solvency
from headwater.trading.paper_margin import update_margin, update_reserve, update_thresholds
from headwater.trading.paper_market import PaperMarket
from headwater.trading.paper_positions import funding_amount
from headwater.trading.paper_state import PaperState
from headwater.trading.paper_stretches import Stretch
from headwater.trading.paper_tape import (
    check_threshold,
    find_touch,
    meet_quote,
    meet_trade,
    show,
    skip,
)


class PaperFeed:
    """The market side of `paper.PaperVenue`.

    Args:
        state: of the account.

    Attributes:
        account: the same, for drives that look at every event: read it, never write it.
    """

    def __init__(self, state: PaperState) -> None:
        self._state = self.account = state

    def advance(self, at_ms: int) -> None:
        """Lets time go on without an event, so that what is placed now bears this time.

        Args:
            at_ms: not before the last event.

        Raises:
            RequestError: a time that goes back.
        """
        self._advance(at_ms)

    def _advance(self, at_ms: int) -> None:
        if at_ms < self._state.now:
            raise RequestError("at_ms", at_ms, f"not before the last event at {self._state.now}")
        self._state.now = at_ms

    def on_trade(
        self,
        market: PaperMarket,
        price: float,
        quantity: float,
        is_buy: bool | None,
        at_ms: int,
    ) -> None:
        """One public trade.

        Args:
            market: of the contract.
            price: > 0.
            quantity: base units.
            is_buy: taker's side; None unknown.
            at_ms: its time, not before that of the last event.

        Raises:
            RequestError: a time that goes back or a price that is not one.
        """
        state = self._state
        if market.low < price < market.high and at_ms >= state.now and price > 0.0:
            state.now = at_ms
            market.has_trades = True
            show(market, price, is_buy)
            return
        if not (isfinite(price) and price > 0.0):
            raise RequestError("price", price, f"a finite price above 0 (trade at {at_ms} ms)")
        self._advance(at_ms)
        market.has_trades = True
        meet_trade(state, market, price, quantity, is_buy)

    def on_trades(
        self,
        market: PaperMarket,
        prices: npt.NDArray[np.float64],
        quantities: npt.NDArray[np.float64],
        is_buys: npt.NDArray[np.bool_] | None,
        times_ms: npt.NDArray[np.int64],
        start: int = 0,
        end: int | None = None,
        *,
        stops_at_event: bool = False,
    ) -> int:
        """Many trades at once: the same as `on_trade` for each, at a fraction of the cost.

        Args:
            market: of the contract.
            prices: columns of equal length; see `on_trade`.
            quantities: base units.
            is_buys: taker's sides; None when unknown.
            times_ms: ascending.
            start: first row.
            end: row behind the last; None for all.
            stops_at_event: return behind the first trade that logs an event, so that a strategy
                can answer it.

        Returns:
            The row behind the last one used: `end`, or the one to go on with.

        Raises:
            RequestError: as of `on_trade`.
        """
        state = self._state
        last = len(prices) if end is None else end
        while start < last:
            touch = find_touch(market, prices, start, last)
            if touch > start:
                skip(market, prices, is_buys, start, touch)
                self._advance(int(times_ms[touch - 1]))
                market.has_trades = True
            if touch == last:
                return last
            logged = state.logged
            self.on_trade(
                market,
                float(prices[touch]),
                float(quantities[touch]),
                None if is_buys is None else bool(is_buys[touch]),
                int(times_ms[touch]),
            )
            start = touch + 1
            if stops_at_event and state.logged > logged:
                break
        return start

    def pass_stretch(self, market: PaperMarket, stretch: Stretch) -> bool:
        """Trades that touch nothing, by the facts of them all: the same as `on_trades` for them.

        Args:
            market: of the contract.
            stretch: of `paper_stretches.stretches_of`.

        Returns:
            Whether they were such; if not, nothing was done and `on_trades` has to play them.
        """
        low, high, last, bid, ask, at_ms = stretch
        state = self._state
        if market.low < low and high < market.high and at_ms >= state.now and not market.has_quotes:
            state.now = at_ms
            market.has_trades = market.is_tape = True
            market.last, market.bid, market.ask = last, bid, ask
            return True
        return False

    def on_quote(
        self,
        market: PaperMarket,
        bid: float,
        ask: float,
        at_ms: int,
        bid_size: float = 0.0,
        ask_size: float = 0.0,
    ) -> None:
        """New best prices.

        Args:
            market: of the contract.
            bid: best price to sell at, > 0.
            ask: best price to buy at, ≥ bid.
            at_ms: not before the last event.
            bid_size: base units at the bid.
            ask_size: base units at the ask.

        Raises:
            RequestError: prices that are none or cross, or a time that goes back.
        """
        if not (isfinite(ask) and 0.0 < bid <= ask):
            raise RequestError("bid", bid, f"a price above 0 and not above the ask {ask}")
        self._advance(at_ms)
        market.is_tape = market.has_quotes = True
        market.bid, market.ask = bid, ask
        market.bid_size, market.ask_size = bid_size, ask_size
        if not market.has_trades:
            market.last = (bid + ask) / 2.0
            if not market.has_marks:
                check_threshold(self._state, market, market.last)
        if ask <= market.low or bid >= market.high:
            meet_quote(self._state, market, bid, ask)

    def on_bar(
        self,
        market: PaperMarket,
        at_ms: int,
        open_: float,
        high: float,
        low: float,
        close: float,
        volume: float | None = None,
    ) -> None:
        """One bar, from open to close; see `paper_bars` for the way assumed in between.

        Args:
            market: of the contract.
            at_ms: opening time, not before the last event.
            open_: first price.
            high: highest.
            low: lowest.
            close: last.
            volume: base units; None unknown.

        Raises:
            RequestError: a bar that cannot be (NaN, high below low), with its time.
        """
        state = self._state
        if (
            market.low < low <= open_ <= high < market.high
            and low <= close <= high
            and at_ms >= state.now
            and low > 0.0
        ):
            state.now = at_ms
            market.has_trades = True
            market.is_tape = market.has_quotes = False
            market.last = market.bid = market.ask = close
            return
        if self.on_bar_open(market, at_ms, open_, high, low, close, volume):
            finish_bar(state, market, high, low, close)
        else:
            market.last = market.bid = market.ask = close

    def on_bar_open(
        self,
        market: PaperMarket,
        at_ms: int,
        open_: float,
        high: float,
        low: float,
        close: float,
        volume: float | None = None,
    ) -> bool:
        """The first half of `on_bar`: gaps and arrivals at the open. `on_bar_rest` must follow.

        For portfolios that meet the opens of all symbols before any bar goes on.

        Args:
            market: of the contract.
            at_ms: as of `on_bar`, and so the rest.
            open_: first price.
            high: highest.
            low: lowest.
            close: last.
            volume: base units; None unknown.

        Returns:
            Whether the bar fills orders at all.
        """
        check_bar(at_ms, open_, high, low, close, volume)
        self._advance(at_ms)
        market.has_trades = True
        return open_bar(self._state, market, open_, high, low, volume)

    def on_bar_rest(
        self, market: PaperMarket, high: float, low: float, close: float, fills: bool = True
    ) -> None:
        """The second half of `on_bar`. What waited in line since the first half waits on.

        Args:
            market: as of `on_bar_open`.
            high: likewise.
            low: likewise.
            close: likewise.
            fills: what `on_bar_open` returned.
        """
        later, market.arrivals = market.arrivals, []
        if fills:
            finish_bar(self._state, market, high, low, close)
        else:
            market.last = market.bid = market.ask = close
        if later:
            # Placed between the halves: an event that they could meet is yet to come.
            market.arrivals = later + market.arrivals
            market.refresh()

    def on_mark(self, market: PaperMarket, price: float, at_ms: int) -> None:
        """A mark price: from now on it alone values the position and liquidates it.

        Args:
            market: of the contract.
            price: > 0.
            at_ms: not before the last event.
        """
        if not (isfinite(price) and price > 0.0):
            raise RequestError("price", price, f"a finite mark price above 0 (at {at_ms} ms)")
        self._advance(at_ms)
        market.mark = price
        market.has_marks = True
        market.refresh()
        check_threshold(self._state, market, price)

    def on_funding(
        self,
        market: PaperMarket,
        rate: Decimal | float,
        mark_price: Decimal | float,
        at_ms: int,
    ) -> Decimal:
        """A funding settlement: cash −= position × mark price × rate.

        Args:
            market: of the contract.
            rate: fraction; positive: longs pay shorts.
            mark_price: of the settlement.
            at_ms: its time, not before the last event.

        Returns:
            Change of cash; 0 without a position.
        """
        self._advance(at_ms)
        amount = funding_amount(market, exact(rate), exact(mark_price))
        if not market.pos:
            return Decimal(0)
        state = self._state
        state.cash += amount
        market.funding += amount
        if not market.is_cross:
            market.adjustment += amount
            update_margin(state, market)
            update_reserve(state, market)
        quantity = market.scale.quantity(market.pos)
        state.note_account(
            AccountEventKind.FUNDING,
            market,
            amount,
            f"position {quantity} × mark {mark_price} × rate {rate}",
        )
        update_thresholds(state, market)
        check_solvency(state)
        return money(amount)
