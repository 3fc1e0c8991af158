import subprocess
import sys

from headwater.backtest.compiled import compiled


def test_machine_code_keeps_the_order_of_operations() -> None:
    # (0.1 + 0.2) + 0.3 and 0.1 + (0.2 + 0.3) differ in the last digit; fast maths may take either.
    @compiled
    def total(a: float, b: float, c: float) -> float:
        return a + b + c

    assert total(0.1, 0.2, 0.3) == 0.6000000000000001
    assert total(0.3, 0.2, 0.1) == 0.6


def test_without_a_place_for_the_cache_it_is_compiled_all_the_same() -> None:
    """A function without a source file has no place for its machine code."""
    names: dict[str, object] = {"compiled": compiled}
    exec("def twice(a):\n    return 2 * a\nmade = compiled(twice)\n", names)
    made = names["made"]
    assert callable(made)
    assert made(21) == 42


def test_a_single_back_test_does_not_import_numba() -> None:
    """It would cost half a second at every start."""
    code = (
        "import sys, headwater.backtest.sweep, headwater.backtest.engine; "
        "print('numba' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "False"
