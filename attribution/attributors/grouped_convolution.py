"""Grouped convolutions whose gradient can be differentiated at a bearable cost.

PyTorch differentiates the gradient of a grouped convolution group by group: thousands of tiny convolutions for one
step of a depthwise network. Written as a transposed convolution, the same gradient is one operation, and so is its own
gradient.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

Pair = tuple[int, int]


class GroupedConv2d(torch.autograd.Function):
    """``F.conv2d`` with groups; values and gradients of every order are the same."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        stride: Pair,
        padding: Pair,
        dilation: Pair,
        groups: int,
    ) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.settings = (stride, padding, dilation, groups)
        ctx.has_bias = bias is not None
        return F.conv2d(x, weight, bias, stride, padding, dilation, groups)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (gradient,) = gradients
        x, weight = ctx.saved_tensors
        stride, padding, dilation, groups = ctx.settings
        for_x, for_weight, for_bias = ctx.needs_input_grad[:3]
        d_x = d_weight = None
        if for_x:
            rest = tuple(
                x.shape[2 + axis]
                - ((gradient.shape[2 + axis] - 1) * stride[axis] - 2 * padding[axis])
                - dilation[axis] * (weight.shape[2 + axis] - 1)
                - 1
                for axis in (0, 1)
            )
            d_x = F.conv_transpose2d(gradient, weight, None, stride, padding, rest, groups, dilation)
        if for_weight:
            d_weight = torch.ops.aten.convolution_backward(
                gradient, x, weight, None, stride, padding, dilation, False, (0, 0), groups, (False, True, False)
            )[1]
        d_bias = gradient.sum(dim=(0, 2, 3)) if ctx.has_bias and for_bias else None
        return d_x, d_weight, d_bias, None, None, None, None


def conv2d(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Pair = 1,
    padding: int | Pair | str = 0,
    dilation: int | Pair = 1,
    groups: int = 1,
) -> Tensor:
    """``F.conv2d``; through `GroupedConv2d` where that helps, which is for batches with groups and numeric padding."""
    if groups == 1 or isinstance(padding, str) or x.ndim != 4:
        return F.conv2d(x, weight, bias, stride, padding, dilation, groups)
    made: Tensor = GroupedConv2d.apply(x, weight, bias, _pair(stride), _pair(padding), _pair(dilation), groups)
    return made


def _pair(value: int | Pair | list[int]) -> Pair:
    if isinstance(value, int):
        return value, value
    if len(value) == 1:
        return value[0], value[0]
    return value[0], value[1]
