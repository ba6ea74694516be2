"""The tensors among the arguments or results of a call, in tuples, lists and dictionaries."""

from collections.abc import Iterator
from typing import Any

from torch import Tensor


def tensors_in(value: Any) -> Iterator[Tensor]:
    """Every tensor in `value`, in order."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from tensors_in(item)
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from tensors_in(item)


def exchanged(value: Any, by: dict[int, Tensor]) -> Any:
    """`value` with each tensor whose id is in `by` replaced; other containers and values as they are."""
    if isinstance(value, Tensor):
        return by.get(id(value), value)
    if isinstance(value, dict):
        return {key: exchanged(item, by) for key, item in value.items()}
    if type(value) in (tuple, list):
        return type(value)(exchanged(item, by) for item in value)
    return value
