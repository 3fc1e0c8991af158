"""Reads a page's script for what it does: its lines, and whether it computes anything."""

import re
from pathlib import Path

_ARITHMETIC = re.compile(r"\*\*|\+\+|--|<<|>>|[-+*/%^~]|(?<!&)&(?!&)|(?<!\|)\|(?!\|)")
"""Operators that make a number of numbers (or text of texts)."""

_COMPUTING = frozenset(
    {
        *("Math", "Number", "BigInt", "parseInt", "parseFloat", "Date", "Intl"),
        *("toFixed", "toPrecision", "toLocaleString", "reduce", "sort", "toSorted"),
        *("eval", "Function", "import", "DOMMatrix", "DOMPoint", "Float64Array"),
    }
)
"""Names with which a script would compute, format or sort."""


def script_of(page: Path) -> str:
    """The page's only script, its elements' lines left out."""
    (found,) = re.findall(r"<script[^>]*>\n(.*?)\n\s*</script>", page.read_text(), re.DOTALL)
    return str(found)


def computations(script: str) -> list[str]:
    """Every operator and name in a script with which it computes.

    Args:
        script: JavaScript without regular expressions.
    """
    code = _code_of(script)
    names = set(re.findall(r"[A-Za-z_$][\w$]*", code))
    return [*_ARITHMETIC.findall(code), *sorted(names & _COMPUTING)]


def _code_of(script: str) -> str:
    """A script without comments and text; what templates put in stays."""
    code: list[str] = []
    place = 0
    templates: list[int] = []  # open braces inside each `${`
    while place < len(script):
        one = script[place]
        if script.startswith("//", place):
            place = (script + "\n").index("\n", place)
        elif script.startswith("/*", place):
            place = script.index("*/", place) + 2
        elif one in "\"'":
            place = _end_of_text(script, place + 1, one)
        elif one == "`" or (one == "}" and templates and templates[-1] == 0):
            if one == "}":
                templates.pop()
            place, goes_in = _end_of_template(script, place + 1)
            code.append(" ")
            if goes_in:
                templates.append(0)
        else:
            if templates and one in "{}":
                templates[-1] += 1 if one == "{" else -1
            code.append(one)
            place += 1
    return "".join(code)


def _end_of_text(script: str, place: int, mark: str) -> int:
    while script[place] != mark:
        place += 2 if script[place] == "\\" else 1
    return place + 1


def _end_of_template(script: str, place: int) -> tuple[int, bool]:
    """Where the text of a template ends, and whether code follows in it."""
    while True:
        if script.startswith("${", place):
            return place + 2, True
        if script[place] == "`":
            return place + 1, False
        place += 2 if script[place] == "\\" else 1
