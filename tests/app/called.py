"""The command line without a process: arguments in, exit status and text out."""

import sys

import msgspec
import pytest

from headwater.app.cli import main


class Called(msgspec.Struct, frozen=True):
    """How a call ended.

    Attributes:
        code: exit status.
        out: standard output.
        err: standard error.
    """

    code: int
    out: str
    err: str


class CommandLine:
    """Calls `headwater` in this process.

    Args:
        patch: sets the arguments.
        capture: takes what is written.
    """

    def __init__(self, patch: pytest.MonkeyPatch, capture: pytest.CaptureFixture[str]) -> None:
        self._patch = patch
        self._capture = capture

    def __call__(self, *arguments: object) -> Called:
        """The end of one call."""
        self._patch.setattr(sys, "argv", ["headwater", *map(str, arguments)])
        code = 0
        try:
            main()
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 0
        said = self._capture.readouterr()
        return Called(code, said.out, said.err)
