"""Prints one screen of a market: the last candle, the best of the book, trades, liquidations.

    PYTHONPATH=clients/python python examples/terminal_client.py http://127.0.0.1:8000 BTCUSDT

Everything that is printed came as text from the platform; nothing is computed here.
"""

import asyncio
import sys

from headwater_client import Headwater, ProblemError, Refused
from headwater_client.messages import (
    CandleUpdate,
    HistoricalCandles,
    OrderbookUpdate,
    ParamsUpdated,
    TerminalLiquidations,
    TradesUpdate,
)

PATIENCE_S = 30.0
ROWS = 5


async def candles(api: Headwater, symbol: str) -> None:
    """The newest candles, then the first change of the last one."""
    async with api.watch_candles(symbol, timeframe="1m", container_width=300) as stream:
        async for message in stream:
            match message:
                case HistoricalCandles():
                    print(f"candles {message.count} of {message.timeframe}")
                case CandleUpdate():
                    print(f"candle {message.close_formatted} volume {message.volume_formatted}")
                    return


async def book(api: Headwater, symbol: str) -> None:
    """The best levels; then, on the same socket, those of the coarsest view."""
    async with api.watch_orderbook(symbol, limit=ROWS) as stream:
        is_coarse = False
        async for message in stream:
            match message:
                case OrderbookUpdate(bids=bids, rounding_options=options) if bids:
                    print(f"book rounded to {message.rounding}")
                    for level in bids:
                        print(f"bid {level.price_formatted} {level.cumulative_formatted}")
                    if is_coarse:
                        return
                    await stream.update_params(rounding=options[-1])
                case ParamsUpdated():
                    is_coarse = True


async def trades(api: Headwater, symbol: str) -> None:
    """The newest trades."""
    async with api.watch_trades(symbol, limit=ROWS) as stream:
        async for message in stream:
            if isinstance(message, TradesUpdate):
                for trade in message.trades:
                    print(f"trade {trade.time_formatted} {trade.side} {trade.price_formatted}")
                return


async def liquidations(api: Headwater, symbol: str) -> None:
    """The newest liquidations that are known."""
    async with api.watch_liquidations(symbol) as stream:
        async for message in stream:
            if isinstance(message, TerminalLiquidations):
                print(f"liquidations {len(message.data)}")
                for one in message.data[:ROWS]:
                    print(f"liquidation {one.display_time} {one.side} {one.price_usdt_formatted}")
                return


async def main(address: str, symbol: str) -> int:
    """Shows each part; says what is wrong with the symbol or the address."""
    api = Headwater(address)
    try:
        async with asyncio.timeout(PATIENCE_S):
            for show in (candles, book, trades, liquidations):
                await show(api, symbol)
    except (ProblemError, Refused) as error:
        print(f"refused: {error}")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(asyncio.run(main(*sys.argv[1:3])))
