"""The guided ReLU as one operation of its own, for maps that nobody differentiates."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from attribution.attributors.guided_backprop import GuidedReLU

_IN_PLACE: frozenset[Callable[..., Any]] = frozenset({F.relu_, torch.relu_, Tensor.relu_, F.hardtanh_})


class FusedGuidedReLU(GuidedReLU):
    """`GuidedReLU` that clamps in the ReLU's own backward pass, in place, instead of in a hook that makes a copy.

    Values and gradients are the same bit for bit. The graph can be walked several times, with the rule on or off, but
    the gradient itself has no graph.
    """

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        found = _read(func, args, kwargs or {})
        if found is None:
            return super().__torch_function__(func, types, args, kwargs)
        x, top, in_place = found
        # In-place functions of one's own are not for views, and nothing is in place on a leaf.
        if not x.requires_grad or (in_place and (x.is_leaf or x._is_view())):
            return super().__torch_function__(func, types, args, kwargs)
        self.reached += 1
        return _Function.apply(x, top, in_place, self)


def _read(
    func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Tensor, float | None, bool] | None:
    """Input, upper end and whether it works in place, if `func` is a ReLU that cuts at 0."""
    named = dict(zip(_NAMES.get(func, ()), args, strict=False)) | kwargs
    if "input" not in named:
        return None
    in_place = func in _IN_PLACE or bool(named.get("inplace", False))
    if func in (F.hardtanh, F.hardtanh_):
        if float(named.get("min_val", -1.0)) != 0.0:
            return None
        return named["input"], float(named.get("max_val", 1.0)), in_place
    return named["input"], 6.0 if func is F.relu6 else None, in_place


_NAMES: dict[Callable[..., Any], tuple[str, ...]] = {
    F.relu: ("input", "inplace"),
    F.relu6: ("input", "inplace"),
    F.hardtanh: ("input", "min_val", "max_val", "inplace"),
    F.hardtanh_: ("input", "min_val", "max_val"),
    F.relu_: ("input",),
    torch.relu: ("input",),
    torch.relu_: ("input",),
    Tensor.relu: ("input",),
    Tensor.relu_: ("input",),
}


class _Function(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, top: float | None, in_place: bool, rule: GuidedReLU) -> Tensor:
        if in_place:
            ctx.mark_dirty(x)
            output = x.relu_() if top is None else x.clamp_(0.0, top)
        else:
            output = x.relu() if top is None else x.clamp(0.0, top)
        ctx.save_for_backward(output)
        ctx.top = top
        ctx.rule = rule
        return output

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None]:
        (output,) = ctx.saved_tensors
        if ctx.top is None:
            gradient = torch.ops.aten.threshold_backward(gradients[0], output, 0)
        else:
            gradient = torch.ops.aten.hardtanh_backward(gradients[0], output, 0.0, ctx.top)
        return gradient.relu_() if ctx.rule.active else gradient, None, None, None
