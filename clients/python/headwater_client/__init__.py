"""Typed client of a Headwater platform's terminal API; needs msgspec and websockets."""

from headwater_client.client import Headwater
from headwater_client.runtime import (
    HeadwaterError,
    NotConnected,
    Problem,
    ProblemError,
    Refused,
    TerminalStream,
    Unreachable,
)

__all__ = [
    "Headwater",
    "HeadwaterError",
    "NotConnected",
    "Problem",
    "ProblemError",
    "Refused",
    "TerminalStream",
    "Unreachable",
]
