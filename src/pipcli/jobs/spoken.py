"""Options as Python values: checked as the command line checks them."""

import dataclasses
from enum import Enum
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, get_args, get_origin

from typer.models import OptionInfo

from pipcli.errors import UnusableInputError
from pipcli.jobs.arrays import Arrays, is_array

# Options of files and terminals, which have no meaning for a program that gets arrays.
OF_FILES = {
    "output", "json", "quiet", "verbose", "overwrite", "resume", "sheet", "slice", "side_by_side", "codec", "crf",
    "preset", "pix_fmt", "encoder_options", "lossless", "transmission", "save_kernel",
}  # fmt: skip


def records_of(
    own: type[Any], shared: type[Any], words: dict[str, Any], arrays: Arrays, **files: Path | None
) -> tuple[Any, Any]:
    """Return the records of a task's own options and of those that all tasks share.

    Args:
        own: the type of the one.
        shared: the type of the other.
        words: the values by the names of the fields; None stands for the default. Arrays are written to files.
        arrays: writes them.
        files: where the outputs go, by the options that name them.

    Raises:
        UnusableInputError: there is no such option, a value is not of its type or out of its range, or one is missing.
    """
    fields = {field.name: field for record in (own, shared) for field in dataclasses.fields(record)}
    known = fields.keys() - OF_FILES
    for name in words:
        if name not in known:
            raise UnusableInputError(f"there is no option {name!r} here: there are {', '.join(sorted(known))}")
    given = {name: _value(fields[name], value, arrays) for name, value in words.items() if value is not None}
    given |= files
    for name, field in fields.items():
        if field.default is dataclasses.MISSING and name not in given:
            raise UnusableInputError(f"{name} is missing")
    return _record(own, given), _record(shared, given)


def _record(record: type[Any], given: dict[str, Any]) -> Any:
    return record(**{field.name: given[field.name] for field in dataclasses.fields(record) if field.name in given})


def _value(field: "dataclasses.Field[Any]", value: Any, arrays: Arrays) -> Any:
    kind, option = _declared(field.type)
    if kind is Path:
        return arrays.aid(field.name, value) if is_array(value) else Path(value)
    if option.parser is not None:
        return _parsed(field.name, option.parser, value)
    if kind is str and isinstance(value, tuple | list):
        return ",".join(str(part) for part in value)
    if issubclass(kind, Enum):
        return _named(field.name, kind, value)
    converted = _parsed(field.name, kind, value) if kind in (int, float, str) else value
    _check_range(field.name, option, converted)
    return converted


def _declared(annotation: Any) -> tuple[Any, OptionInfo]:
    """Return the type of an annotated option, without None, and its declaration."""
    kind, option = get_args(annotation)[:2] if get_origin(annotation) is Annotated else (annotation, OptionInfo())
    if isinstance(kind, UnionType):
        kind = next(one for one in get_args(kind) if one is not type(None))
    return get_origin(kind) or kind, option


def _parsed(name: str, parser: Any, value: Any) -> Any:
    try:
        return parser(value)
    except (TypeError, ValueError) as error:
        raise UnusableInputError(f"{name}: {error}") from error


def _named(name: str, kind: type[Enum], value: Any) -> Enum:
    try:
        return kind(value)
    except ValueError as error:
        raise UnusableInputError(f"{name} is one of {', '.join(one.value for one in kind)}, not {value!r}") from error


def _check_range(name: str, option: OptionInfo, value: Any) -> None:
    low, high = option.min, option.max
    if (low is not None and not value >= low) or (high is not None and not value <= high):
        bounds = f"{low:g} or more" if high is None else f"{high:g} or less" if low is None else f"{low:g} to {high:g}"
        raise UnusableInputError(f"{name} is {bounds}, not {value!r}")
