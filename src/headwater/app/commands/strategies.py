"""`headwater strategies`: which strategies there are, and all of one."""

import sys
from typing import Annotated, Any

import msgspec
import typer

from headwater.app.run_options import AsJson, named_options
from headwater.strategies.base import BaseStrategy

Name = Annotated[
    str | None, typer.Argument(help="Name of one, or path/to/file.py:Class; else all are listed.")
]


def strategies(name: Name = None, as_json: AsJson = False) -> None:
    """List the strategies and their parameters, or tell all of one."""
    from headwater.strategies.registry import STRATEGY_REGISTRY, strategy_class

    if name is None:
        found = list(STRATEGY_REGISTRY.values())
        for broken, why in STRATEGY_REGISTRY.problems.items():
            typer.echo(f"headwater: the strategy {broken} cannot be loaded: {why}", err=True)
    else:
        with named_options(lambda _: "NAME"):
            found = [strategy_class(name)]
    if as_json:
        told = [_described(one) for one in found]
        encoded = msgspec.json.encode(told if name is None else told[0])
        sys.stdout.write(msgspec.json.format(encoded, indent=2).decode() + "\n")
        return
    _print(found, is_one=name is not None)


def _described(strategy: type[BaseStrategy]) -> dict[str, Any]:
    return {
        "name": strategy.name,
        "description": strategy.description,
        "form": strategy.form(),
        "parameters": strategy.get_parameters(),
    }


def _print(found: list[type[BaseStrategy]], *, is_one: bool) -> None:
    """Tables for people: of one strategy its parameters in full."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console()
    # A file or a pipe has no width: nothing may be cut there.
    console = Console(width=None if console.is_terminal else 160)
    if not is_one:
        table = Table("strategy", "form", "what it does", "parameters", title="Strategies")
        for one in found:
            table.add_row(
                *(escape(text) for text in (one.name, one.form(), one.description)),
                escape(" ".join(one.get_parameters())),
            )
        console.print(table)
        return
    (one,) = found
    console.print(f"{one.name} ({one.form()}): {one.description}", markup=False, highlight=False)
    table = Table("parameter", "type", "default", "allowed", "meaning")
    for name, facts in one.get_parameters().items():
        bounds = (facts.get("min"), facts.get("max"))
        allowed = ", ".join(facts.get("options", ()))
        if bounds != (None, None):
            allowed = f"{bounds[0]:g} to {bounds[1]:g}"
        default = "off" if facts["default"] is None else str(facts["default"])
        table.add_row(
            *(escape(text) for text in (name, facts["type"], default, allowed)),
            escape(facts["description"]),
        )
    console.print(table)
