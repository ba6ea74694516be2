"""The operations that carry relevance, by name, and what a call of one says about itself."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

CONVOLUTIONS = frozenset({"conv1d", "conv2d", "conv3d"})
MATRIX_PRODUCTS = frozenset({"matmul", "mm", "__matmul__"})
ADDITIONS = frozenset({"add", "__add__", "__iadd__", "__radd__"})
PRODUCTS = frozenset({"mul", "multiply", "__mul__", "__imul__", "__rmul__"})
ONE_SIDED = frozenset({"sub", "__sub__", "__isub__", "div", "true_divide", "__truediv__", "__itruediv__"})
POSITIVE_ACTIVATIONS = frozenset({"relu", "relu6", "sigmoid", "softplus", "hardsigmoid"})
SIGN_KEEPING_ACTIVATIONS = frozenset(
    {"hardtanh", "tanh", "leaky_relu", "elu", "selu", "celu", "gelu", "silu", "hardswish", "mish"}
)
OTHER_ACTIVATIONS = frozenset(
    {"clamp", "clamp_min", "prelu", "softsign", "logsigmoid", "hardshrink", "softshrink", "tanhshrink", "threshold"}
)
ACTIVATIONS = POSITIVE_ACTIVATIONS | SIGN_KEEPING_ACTIVATIONS | OTHER_ACTIVATIONS
AVERAGES = frozenset({"avg_pool1d", "avg_pool2d", "avg_pool3d", "mean", "sum", "interpolate"}) | frozenset(
    {"adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d"}
)
MAXIMA = frozenset({"max_pool2d", "max_pool2d_with_indices", "adaptive_max_pool2d", "amax"})
REARRANGEMENTS = frozenset(
    {"flatten", "unflatten", "reshape", "view", "permute", "transpose", "movedim", "squeeze", "unsqueeze", "expand"}
    | {"contiguous", "clone", "to", "float", "double", "cat", "concat", "stack", "chunk", "split", "unbind", "narrow"}
    | {"select", "__getitem__", "flip", "roll", "pixel_shuffle", "channel_shuffle", "pad"}
)
DROPOUTS = frozenset({"dropout", "dropout1d", "dropout2d", "feature_dropout", "alpha_dropout"})


def name_of(func: Callable[..., Any]) -> str:
    return getattr(func, "__name__", repr(func))


def memory_of(tensor: Tensor) -> int:
    """Where the tensor's values lie; the same for views of one another, 0 where there is no such place."""
    return tensor.untyped_storage().data_ptr() if tensor.layout is torch.strided else 0


def first_argument(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor | None:
    """What an operation in place changes."""
    first = args[0] if args else kwargs.get("input")
    return first if isinstance(first, Tensor) else None


def plain_name(name: str) -> str:
    """Of an operation in place, that of the same one out of place; Python's own operators are left."""
    return name if name.endswith("__") else name.removesuffix("_")


def is_in_place(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    if name in ("__iadd__", "__isub__", "__imul__", "__itruediv__"):
        return True
    if name in ACTIVATIONS and (kwargs.get("inplace") or any(arg is True for arg in args)):
        return True
    return name.endswith("_") and not name.endswith("__")


def pads_zeros(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    value = kwargs.get("value", args[3] if len(args) > 3 else None)
    return value is None or value >= 0
