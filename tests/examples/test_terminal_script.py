"""The script of the example page is short and computes nothing; and the check itself would tell."""

import pytest
from tests.examples.plain_script import computations, script_of
from tests.examples.running import ROOT

PAGE = ROOT / "examples" / "terminal.html"
LINES_MAX = 60
WIDTH_MAX = 120


def test_the_script_is_short() -> None:
    lines = script_of(PAGE).splitlines()
    assert len(lines) <= LINES_MAX
    assert max(map(len, lines)) <= WIDTH_MAX


def test_the_script_computes_nothing() -> None:
    assert computations(script_of(PAGE)) == []


@pytest.mark.parametrize(
    "line",
    [
        "const x = a + b;",
        "const x = a -b;",
        "x++;",
        "const x = a / b; // text",
        "const x = `${high - low}`;",
        "const x = `a ${`b ${c * d}`}`;",
        "const x = Math.max(a, b);",
        "list.sort();",
        "price.toFixed(2);",
        "const x = a | 0;",
    ],
)
def test_arithmetic_would_be_found(line: str) -> None:
    assert computations(line) != []


@pytest.mark.parametrize(
    "line",
    [
        'const x = "a + b"; // 1 + 1',
        "const [a, ...rest] = list.map((one) => one.price);",
        "const x = `/api/${name}?a-b=${c}` ?? (a && b || c);",
        "/* a * b */ f(`${{ a: 1 }.a} + 1`);",
    ],
)
def test_what_is_no_arithmetic_is_let_be(line: str) -> None:
    assert computations(line) == []
