"""BatchNorm folded into the convolution before it, found by watching one forward pass.

In eval mode BatchNorm is an affine function of each channel (Ioffe & Szegedy 2015, section 3.1, algorithm 2), so a
convolution with changed weights and bias does its work. Which BatchNorm follows which convolution is read off the
tensors of a real pass, not off names or types of layers: subclasses of convolutions, reused modules and layers that
are looked at by others are all told apart.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


@dataclass(frozen=True)
class Pair:
    """A convolution, and the BatchNorm that is all that ever sees its output."""

    convolution: nn.Conv2d
    norm: nn.BatchNorm2d


class _Watch(TorchDispatchMode):
    """Every operation of a forward pass: how often tensors are taken, and which weight a convolution's output is of."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.uses: dict[int, int] = {}
        self.convolved: dict[int, int] = {}
        self.alive: list[Tensor] = []  # what was seen stays alive, so that no id is given twice

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        # To keep torch's compiler away from a mode, torch loads it at the first call, which takes a second.
        return False

    def __torch_dispatch__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        taken = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        output = func(*args, **(kwargs or {}))
        for tensor in taken:
            self.uses[id(tensor)] = self.uses.get(id(tensor), 0) + 1
        if func is torch.ops.aten.convolution.default:
            self.convolved[id(output)] = id(args[1])
        self.alive += [*taken, *(leaf for leaf in tree_leaves(output) if isinstance(leaf, Tensor))]
        return output


def foldable(module: nn.Module, images: Tensor, layer: nn.Module) -> list[Pair]:
    """The pairs in `module`, as it treats `images` [N, 3, H, W].

    A convolution whose output is what `layer` puts out is in no pair: that output would not be the same any more.
    """
    normed: list[tuple[nn.BatchNorm2d, Tensor]] = []
    shown: list[int] = []
    called: set[int] = set()
    watch = _Watch()

    def see(norm: nn.Module, inputs: tuple[Any, ...], _output: object) -> None:
        assert isinstance(norm, nn.BatchNorm2d)
        normed.append((norm, inputs[0]))

    def show(_layer: nn.Module, _inputs: object, output: object) -> None:
        shown.append(id(output))
        watch.alive += [output] if isinstance(output, Tensor) else []

    def note(convolution: nn.Module, _inputs: object, _output: object) -> None:
        called.add(id(convolution))

    plain = [child for child in module.modules() if isinstance(child, nn.Conv2d) and _is_plain(child)]
    with ExitStack() as stack:
        for watched in plain:
            stack.callback(watched.register_forward_hook(note).remove)
        for child in module.modules():
            # A subclass may do more than normalise.
            if type(child) is nn.BatchNorm2d:
                stack.callback(child.register_forward_hook(see).remove)
        stack.callback(layer.register_forward_hook(show).remove)
        stack.enter_context(torch.no_grad())
        stack.enter_context(watch)
        module(images)
    # Of several that share a weight, the one that used it comes last, and counts.
    by_weight = {id(child.weight): child for child in sorted(plain, key=lambda child: id(child) in called)}
    calls = [id(norm) for norm, _ in normed]
    pairs = []
    for norm, taken in normed:
        convolution = by_weight.get(watch.convolved.get(id(taken), 0))
        if (
            convolution is not None
            and _is_plain(norm)
            and norm.running_var is not None
            and not norm.training
            and calls.count(id(norm)) == 1
            and watch.uses[id(convolution.weight)] == 1
            and watch.uses[id(taken)] == 1
            and id(taken) not in shown
        ):
            pairs.append(Pair(convolution, norm))
    return pairs


def fold(module: nn.Module, pairs: list[Pair]) -> None:
    """Moves each BatchNorm of `module` into its convolution and leaves an Identity in its place.

    Weights are made in float64 and rounded once. The module gets new parameters; the tensors it had stay as they are.
    """
    for pair in pairs:
        weight, bias = folded(pair.convolution, pair.norm)
        pair.convolution.weight = nn.Parameter(weight, requires_grad=False)
        pair.convolution.bias = nn.Parameter(bias, requires_grad=False)
    # One for each norm, so that what has two names stays one module.
    instead = {id(pair.norm): nn.Identity() for pair in pairs}
    for parent, name, child in list(_children(module)):
        if id(child) in instead:
            setattr(parent, name, instead[id(child)])


def folded(convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Weight [K, C, h, w] and bias [K] of a convolution that does what `convolution` and then `norm` do in eval mode.

    Raises ValueError if `norm` keeps no running statistics: then it depends on the batch.
    """
    if norm.running_mean is None or norm.running_var is None:
        raise ValueError("a BatchNorm without running statistics depends on the batch and cannot be folded")
    weight = convolution.weight.detach()
    scale = (norm.running_var.double() + norm.eps).rsqrt()
    if norm.weight is not None:
        scale = scale * norm.weight.detach().double()
    shift = -norm.running_mean.double() * scale
    if convolution.bias is not None:
        shift = shift + convolution.bias.detach().double() * scale
    if norm.bias is not None:
        shift = shift + norm.bias.detach().double()
    return (weight.double() * scale[:, None, None, None]).to(weight.dtype), shift.to(weight.dtype)


def _is_plain(module: nn.Module) -> bool:
    """Nobody watches what goes in and out, and the weights are the module's own and not made from others."""
    hooks = (module._forward_hooks, module._forward_pre_hooks, module._backward_hooks, module._backward_pre_hooks)
    return not any(hooks) and not hasattr(module, "parametrizations") and "weight" in module._parameters


def _children(module: nn.Module) -> Iterator[tuple[nn.Module, str, nn.Module]]:
    """Every place of a module within another: a module that is in several places comes several times."""
    for parent in module.modules():
        for name, child in parent._modules.items():
            if child is not None:
                yield parent, name, child
