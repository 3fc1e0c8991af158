"""Answers of OKX's stream to our requests: one a topic, the last of them answers the request.

Source: https://www.okx.com/docs-v5/en/#overview-websocket-subscribe
"""

from collections.abc import Iterable
from typing import Final

from headwater.venues.messages import Ack, Closing, Ignored, StreamEvent
from headwater.venues.okx import wire

_TEXT_CUT: Final = 200
_ID_DIGITS_MAX: Final = 15
_NO_SUCH_TOPIC: Final = "60018"
"""Refuses one topic of a request, without saying which; the others are accepted."""

_UPGRADE: Final = "64008"
"""The connection will be closed for an upgrade of the service, in about a minute."""


class Answers:
    """Requests of one connection that wait for answers; as many as were sent and not answered."""

    def __init__(self) -> None:
        self._waiting: dict[int, set[str]] = {}

    def expect(self, request_id: int, keys: Iterable[str]) -> None:
        """Notes a request and the topics that it names."""
        self._waiting[request_id] = set(keys)

    def event_of(self, control: wire.Control) -> StreamEvent:
        """What an answer, a refusal or a notice of the venue means."""
        given = control.request_id
        is_number = given.isascii() and given.isdigit() and len(given) <= _ID_DIGITS_MAX
        request_id = int(given) if is_number else None
        event = control.event
        if event == "error":
            if request_id is not None:
                self._waiting.pop(request_id, None)
            return Ack(
                request_id=request_id,
                error=f"{control.code}: {control.message}"[:_TEXT_CUT],
                may_be_partial=control.code == _NO_SUCH_TOPIC,
            )
        if event == "login":
            return Ack(request_id=request_id)
        if event not in ("subscribe", "unsubscribe"):
            words = f"{control.code} {control.message}".strip()[:_TEXT_CUT] or "a notice"
            if control.code == _UPGRADE:
                return Closing(words)
            return Ignored(what=event[:80], reason=words)
        waiting = None if request_id is None else self._waiting.get(request_id)
        if waiting is not None and control.arg is not None and request_id is not None:
            waiting.discard(control.arg.key)
            if waiting:
                return Ignored(what=event, reason="one topic of several is answered")
            del self._waiting[request_id]
        return Ack(request_id=request_id)
