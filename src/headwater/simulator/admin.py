"""The simulator's own paths, below `/_simulator/`: what really happened, and the fault switches.

    GET  info                                   venue, clock, connections, simulated: true
    GET  prints?symbol&first&last               every print by its sequence, both included
    GET  liquidations?symbol                    every forced close, the throttled ones too
    GET  book?symbol&depth                      the book now
    GET  faults                                 the plan in force
    PUT  faults                                 another plan (JSON of `FaultPlan`)
    GET  injected                               counters and journal of injected faults
    POST strike?fault=reset|close|half_frame|stall|retire   every connection, now
    POST mute?channel&symbol&seconds            one channel of one symbol, now
    POST refuse?seconds                         cut all, accept none for a while

Symbols are canonical. None of this exists on a real venue.
"""

from math import isfinite

import msgspec
from aiohttp import web

from headwater.core.enums import Channel
from headwater.core.errors import PlatformError
from headwater.simulator.faults import SocketFault, plan_from_bytes
from headwater.simulator.venue_server import ADMIN_PATH, VenueServer

MAX_PRINTS = 100_000
"""Prints in one answer."""

MAX_BODY_BYTES = 64 * 1024
MAX_FAULT_S = 3600.0


async def answer_admin(venue: VenueServer, request: web.BaseRequest) -> web.Response:
    """Answers one request below `/_simulator/`; 400 says what is wrong, 404 that there is none."""
    action = f"{request.method} {request.path.removeprefix(ADMIN_PATH).strip('/')}"
    try:
        payload = await _act(venue, request, action)
    except (ValueError, KeyError, PlatformError) as error:
        return _json({"error": f"{type(error).__name__}: {error}"}, 400)
    if payload is None:
        return _json({"error": f"no such action: {action}"}, 404)
    return _json(payload, 200)


async def _act(venue: VenueServer, request: web.BaseRequest, action: str) -> object | None:
    """Carries an action out; None when there is no such one."""
    query = request.query
    match action:
        case "GET info":
            return _info(venue)
        case "GET prints":
            first, last = int(query["first"]), int(query["last"])
            limit = min(last - first + 1, MAX_PRINTS)
            if limit < 1:
                raise ValueError("last must not be before first")
            prints = venue.market.prints(query["symbol"], limit=limit, first_sequence=first)
            return [found for found in prints if (found.trade.sequence or 0) <= last]
        case "GET liquidations":
            wanted = query.get("symbol")
            return [one for one in venue.liquidations if wanted in (None, one.symbol)]
        case "GET book":
            return venue.market.book(query["symbol"], int(query.get("depth", "1000")))
        case "GET faults":
            return venue.injector.plan
        case "PUT faults":
            body = await request.content.read(MAX_BODY_BYTES)
            venue.injector.set_plan(plan_from_bytes(body))
            return venue.injector.plan
        case "GET injected":
            injector = venue.injector
            return {"counts": dict(injector.counts), "journal": list(injector.journal)}
        case "POST strike":
            return {"struck": venue.cut_all(SocketFault(query["fault"]))}
        case "POST mute":
            venue.mute(Channel(query["channel"]), query["symbol"], _seconds(query["seconds"]))
            return {"muted": len(venue.injector.mutes)}
        case "POST refuse":
            seconds = _seconds(query["seconds"])
            await venue.refuse(seconds)
            return {"refusing_s": seconds}
    return None


def _seconds(text: str) -> float:
    """A length of time within reason.

    Raises:
        ValueError: it is not.
    """
    seconds = float(text)
    if not isfinite(seconds) or not 0 <= seconds <= MAX_FAULT_S:
        raise ValueError(f"seconds={text}: 0 … {MAX_FAULT_S:.0f}")
    return seconds


def _info(venue: VenueServer) -> object:
    """What this server is and how it is doing."""
    return {
        "simulated": True,
        "venue": venue.venue_id,
        "now_ms": venue.market.now_ms(),
        "symbols": [instrument.symbol for instrument in venue.market.table],
        "connections": [
            {"name": connection.target, "backlog_bytes": connection.backlog_bytes}
            for connection in venue.connections
        ],
        "connections_opened": venue.connections_opened,
        "injected": dict(venue.injector.counts),
    }


def _json(payload: object, status: int) -> web.Response:
    return web.Response(
        status=status, body=msgspec.json.encode(payload), content_type="application/json"
    )
