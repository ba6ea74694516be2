"""Which calls are a ReLU: of the function itself, of one that comes down to it, in place or not."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

Function = Callable[..., Any]


@dataclass(frozen=True)
class ReLUCall:
    """A ReLU of `input`, cut off at `top` if not None. `exact` is one whose gradient at an input of 0 is 0, as ReLU's.

    `in_place` is one that changes `input`.
    """

    input: Tensor
    top: float | None
    in_place: bool
    exact: bool = True


def relu_call(func: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> ReLUCall | None:
    """What `func` does with its arguments, if that is a ReLU or a ReLU6: None otherwise.

    They are relu, relu6, hardtanh from 0 upwards, clamp and clip from 0 upwards or from 0 to 6, clamp_min of 0,
    threshold at 0 that puts 0, and the maximum with zeros. A ReLU put together otherwise (``x * (x > 0)``, where) is
    not told from other arithmetic.
    """
    if func in _MAXIMA:
        return _maximum(args, kwargs)
    names = _NAMES.get(func)
    if names is None:
        return None
    named = dict(zip(names, args, strict=False)) | kwargs
    x = named.get("input")
    if not isinstance(x, Tensor):
        return None
    in_place = func in _IN_PLACE or bool(named.get("inplace", False))
    if func in _HARDTANHS:
        if float(named.get("min_val", -1.0)) != 0.0:
            return None
        return ReLUCall(x, float(named.get("max_val", 1.0)), in_place)
    if func in _CLAMPS:
        top = named.get("max")
        if not _is_zero(named.get("min")) or not (top is None or (isinstance(top, int | float) and top == 6)):
            return None
        return ReLUCall(x, top, in_place, exact=False)
    if func in _THRESHOLDS and not (_is_zero(named.get("threshold")) and _is_zero(named.get("value"))):
        return None
    return ReLUCall(x, 6.0 if func is F.relu6 else None, in_place)


def _maximum(args: tuple[Any, ...], kwargs: dict[str, Any]) -> ReLUCall | None:
    two = [value for value in (*args, *kwargs.values()) if isinstance(value, Tensor)]
    if len(two) != 2:
        return None
    for x, other in (two, two[::-1]):
        if _is_zero(other):
            return ReLUCall(x, None, False, exact=False)
    return None


def _is_zero(value: Any) -> bool:
    if isinstance(value, Tensor):
        return not value.requires_grad and not bool(value.any())
    return isinstance(value, int | float) and value == 0


Functions = frozenset[Function]
_HARDTANHS = Functions({F.hardtanh, F.hardtanh_})
_THRESHOLDS = Functions({F.threshold, torch.threshold, torch.threshold_})
_CLAMPS = Functions(
    {torch.clamp, torch.clamp_, torch.clamp_min, torch.clamp_min_, torch.clip, torch.clip_}
) | Functions({Tensor.clamp, Tensor.clamp_, Tensor.clamp_min, Tensor.clamp_min_, Tensor.clip, Tensor.clip_})
_MAXIMA = Functions({torch.maximum, Tensor.maximum, torch.max, Tensor.max})
_IN_PLACE = Functions(
    {torch.relu_, torch.threshold_, torch.clamp_, torch.clamp_min_, torch.clip_, F.hardtanh_}
) | Functions({Tensor.relu_, Tensor.clamp_, Tensor.clamp_min_, Tensor.clip_})
_SIGNATURES: dict[Functions, tuple[str, ...]] = {
    Functions({F.relu, F.relu6}): ("input", "inplace"),
    Functions({torch.relu, torch.relu_, Tensor.relu, Tensor.relu_}): ("input",),
    _HARDTANHS: ("input", "min_val", "max_val", "inplace"),
    _THRESHOLDS: ("input", "threshold", "value", "inplace"),
    _CLAMPS: ("input", "min", "max"),
}
_NAMES = {function: names for functions, names in _SIGNATURES.items() for function in functions}
