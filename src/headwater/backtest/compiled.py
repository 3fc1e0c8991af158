"""Compiling a function with numba, for the kernels of a sweep and for nothing else.

Importing this module imports numba (optional extra `fast`), which costs half a second: only a sweep
that is large enough to repay it does. The machine code is kept beside the source file, in the
user's cache folder where that is read-only, or where `NUMBA_CACHE_DIR` says; where none of them can
be written it is made anew in every process.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

__all__ = ["compiled"]

_Function = TypeVar("_Function", bound=Callable[..., Any])


def compiled(function: _Function) -> _Function:
    """The function as machine code that runs beside others (without the interpreter's lock).

    Operations stay in their order and are not joined (no fast maths), so that a result is that of
    the interpreter to the last bit.
    """
    try:
        made = numba.njit(cache=True, nogil=True)(function)
    except RuntimeError:
        # No folder for the cache can be written.
        made = numba.njit(nogil=True)(function)
    return cast("_Function", made)
