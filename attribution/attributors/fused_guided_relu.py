"""The guided ReLU as one operation of its own, for maps that nobody differentiates."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from attribution.attributors.guided_backprop import GuidedReLU
from attribution.attributors.relu_calls import relu_call


class FusedGuidedReLU(GuidedReLU):
    """`GuidedReLU` that clamps in the ReLU's own backward pass, in place, instead of in a hook that makes a copy.

    Values and gradients are the same bit for bit. The graph can be walked several times, with the rule on or off, but
    the gradient itself has no graph.
    """

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        call = relu_call(func, args, kwargs or {})
        if call is None or not call.exact or not call.input.requires_grad:
            return super().__torch_function__(func, types, args, kwargs)
        # In-place functions of one's own are not for views, and nothing is in place on a leaf.
        if call.in_place and (call.input.is_leaf or call.input._is_view()):
            return super().__torch_function__(func, types, args, kwargs)
        self.reached += 1
        return _Function.apply(call.input, call.top, call.in_place, self)


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
