"""Commands whose options are records: what several commands are told is declared in one place."""

from collections.abc import Callable
from dataclasses import MISSING, Field, fields, is_dataclass
from inspect import Parameter, Signature, signature
from typing import Any, get_type_hints

__all__ = ["spread"]


def spread(command: Callable[..., None]) -> Callable[..., None]:
    """A command that takes the fields of its records as options of their own.

    A parameter whose type is a dataclass stands for its fields: Typer sees them in its place, and
    the command is handed the record.

    Args:
        command: takes records and options; a name may be there once only.

    Returns:
        What is to be registered instead: same name, same help.
    """
    hints = get_type_hints(command, include_extras=True)
    records: dict[str, type[Any]] = {}
    options: list[Parameter] = []
    for name, given in signature(command).parameters.items():
        kind = hints[name]
        if isinstance(kind, type) and is_dataclass(kind):
            records[name] = kind
            told = get_type_hints(kind, include_extras=True)
            options += [_option(one, told[one.name]) for one in fields(kind)]
        else:
            options.append(given.replace(kind=Parameter.KEYWORD_ONLY, annotation=kind))

    def called(**given: Any) -> None:
        made = {
            name: kind(**{one.name: given.pop(one.name) for one in fields(kind)})
            for name, kind in records.items()
        }
        command(**made, **given)

    called.__name__, called.__doc__ = command.__name__, command.__doc__
    called.__module__ = command.__module__
    called.__annotations__ = {one.name: one.annotation for one in options}
    called.__signature__ = Signature(options)  # type: ignore[attr-defined]
    return called


def _option(field: "Field[Any]", annotation: Any) -> Parameter:
    default = Parameter.empty if field.default is MISSING else field.default
    return Parameter(field.name, Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
