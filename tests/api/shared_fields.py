"""Applications that are made one after the other share what FastAPI makes of equal parameters."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from fastapi._compat import v2
from fastapi._compat.v2 import ModelField
from fastapi.dependencies import utils
from pydantic import TypeAdapter
from pydantic.fields import FieldInfo


@contextmanager
def shared_fields() -> Iterator[None]:
    """Within it each validator of a parameter is made once, not again for every application.

    An application has three hundred fields, most of its making; a validator has no state, and two
    fields of the same description have the same one.
    """
    read: dict[tuple[object, ...], tuple[object, object, utils.ParamDetails]] = {}
    read_param = utils.analyze_param

    def recall(
        *, param_name: str, annotation: Any, value: Any, path_param_names: set[str]
    ) -> utils.ParamDetails:
        # Annotation and default are of the routes' modules: the same objects for every application.
        key = (param_name, id(annotation), id(value), param_name in path_param_names)
        if (known := read.get(key)) is None:
            details = read_param(
                param_name=param_name,
                annotation=annotation,
                value=value,
                path_param_names=path_param_names,
            )
            known = read[key] = (annotation, value, details)
        return known[2]

    made: dict[str, tuple[TypeAdapter[object], FieldInfo]] = {}
    make = ModelField.__post_init__

    def find(field: ModelField) -> None:
        # The description is kept alive with its validator: addresses of functions are in its text.
        described = repr((v2.asdict(field.field_info), field.config))
        if (known := made.get(described)) is None:
            make(field)
            made[described] = (field._type_adapter, field.field_info)
        else:
            field._type_adapter = known[0]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(utils, "analyze_param", recall)
        patch.setattr(ModelField, "__post_init__", find)
        yield
