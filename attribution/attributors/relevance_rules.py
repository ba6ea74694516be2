"""Rules of relevance propagation for one layer (Bach et al. 2015; Montavon et al. 2017): ZPlus, Epsilon and Norm.

A rule takes the relevance of a layer's output, in its shape, and gives the relevance of the layer's input, in its
shape. Every rule is an ordinary differentiable function of input, weights and relevance, and linear in the relevance.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional as F

Operation = Callable[[Tensor, Tensor, Tensor | None], Tensor]


@dataclass(frozen=True)
class Affine:
    """One use of a convolution or linear layer, with the BatchNorm that followed it merged into weight and bias.

    `operation` makes `output` from `x`, `weight` [out, ...] and `bias` [out]. With `differentiate` they carry a graph,
    and so does what the rules make of them. `nonnegative` says that `x` is known to have no negative entry.
    """

    operation: Operation
    x: Tensor
    weight: Tensor
    bias: Tensor | None
    output: Tensor
    linear: bool
    nonnegative: bool
    differentiate: bool

    def negated(self) -> "Affine":
        """The same layer with all weights and biases negated: Zhang's dual unit."""
        bias = None if self.bias is None else -self.bias
        return replace(self, weight=-self.weight, bias=bias, output=-self.output)


Rule = Callable[[Affine, Tensor], Tensor]


def stabilized(value: Tensor, stabilizer: float) -> Tensor:
    """`value` moved away from zero by `stabilizer`; zero counts as positive."""
    return torch.where(value < 0, value - stabilizer, value + stabilizer)


def zplus(layer: Affine, relevance: Tensor, *, stabilizer: float, bias: bool) -> Tensor:
    """Relevance by positive contributions: R_i = sum_j (x_i w_ij)+ / (sum_k (x_k w_kj)+ + b_j+ + stabilizer) R_j.

    A positive bias keeps its share, which is lost to the input; without `bias` it takes no part, and the relevance is
    conserved up to the stabilizer wherever an output has a positive contribution. An output without any gives nothing.
    Costs one forward and one transposed convolution, twice that where `x` may be negative.
    """
    positive_bias = layer.bias.clamp(min=0) if bias and layer.bias is not None else None
    parts = [_part(layer, layer.x if layer.nonnegative else layer.x.clamp(min=0))]
    weights = [layer.weight.clamp(min=0)]
    if not layer.nonnegative:
        parts.append(_part(layer, layer.x.clamp(max=0)))
        weights.append(layer.weight.clamp(max=0))
    with torch.enable_grad():
        total = layer.operation(parts[0], weights[0], positive_bias)
        if len(parts) == 2:
            total = total + layer.operation(parts[1], weights[1], None)
        # A sum of positive terms: below zero is rounding, which some fast convolutions have.
        share = relevance / (_detached(layer, total).clamp(min=0) + stabilizer)
        gradients = torch.autograd.grad(total, parts, share, create_graph=layer.differentiate)
    made = [_detached(layer, part) * gradient for part, gradient in zip(parts, gradients, strict=True)]
    return made[0] if len(made) == 1 else made[0] + made[1]


def epsilon(layer: Affine, relevance: Tensor, *, epsilon: float) -> Tensor:
    """Relevance by signed contributions of a linear layer: R_i = sum_j x_i w_ij / (y_j +- epsilon) R_j.

    The bias is part of y and keeps its share. Uses the output at hand: one product with the transposed weights.
    """
    return layer.x * F.linear(relevance / stabilized(layer.output, epsilon), layer.weight.t())


def norm(contribution: Tensor, share: Tensor) -> Tensor:
    """Relevance of one summand of a sum, summed over what was broadcast."""
    return (contribution * share).sum_to_size(contribution.shape)


def _part(layer: Affine, part: Tensor) -> Tensor:
    return part if layer.differentiate else part.detach().requires_grad_()


def _detached(layer: Affine, value: Tensor) -> Tensor:
    return value if layer.differentiate else value.detach()
