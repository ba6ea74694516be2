"""Relevance propagation through a forward pass as it was carried out (Montavon et al. 2019), module or function alike.

The forward pass is written down operation by operation and walked backwards with a rule for each. Nothing bends a
gradient, so nothing needs to be switched off: what the walk makes are ordinary functions of activations and weights,
and a backward pass through maps and logits is the plain network's.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from attribution.attributors.call_arguments import exchanged, tensors_in
from attribution.attributors.grouped_convolution import conv2d
from attribution.attributors.relevance_operations import (
    ACTIVATIONS,
    ADDITIONS,
    AVERAGES,
    CONVOLUTIONS,
    DROPOUTS,
    MATRIX_PRODUCTS,
    MAXIMA,
    ONE_SIDED,
    POSITIVE_ACTIVATIONS,
    PRODUCTS,
    REARRANGEMENTS,
    SIGN_KEEPING_ACTIVATIONS,
    first_argument,
    is_in_place,
    memory_of,
    name_of,
    pads_zeros,
    plain_name,
)
from attribution.attributors.relevance_rules import Affine, Rule, norm, stabilized
from attribution.errors import InputError

Relevances = list[Tensor | None]


@dataclass(frozen=True)
class Step:
    """One operation: `back` makes the relevance of each input from the relevance of each output."""

    inputs: list[Tensor]
    outputs: list[Tensor]
    back: Callable[[Relevances], Relevances]
    affine: Affine | None = None


class RelevanceTape(TorchFunctionMode):
    """Inside the block, writes down what is done with `images` and what comes of them.

    Operations in place are done on a copy, of a constant too, and who uses the tensor afterwards gets the copy: the
    rules need the values before. With `differentiate` everything stays in the graph; without, no graph is kept.
    """

    def __init__(self, images: Tensor, *, stabilizer: float, differentiate: bool) -> None:
        super().__init__()
        self.images = images.detach().requires_grad_() if differentiate else images.detach()
        self.stabilizer = stabilizer
        self.differentiate = differentiate
        self.steps: list[Step] = []
        self._known: dict[int, Tensor] = {id(self.images): self.images}
        self._nonnegative: set[int] = set()
        self._affine: dict[int, Affine] = {}
        self._replaced: dict[int, Tensor] = {}
        self._stale: set[int] = set()
        self._held: list[Tensor] = []  # what was changed in place stays alive, so that no id or memory is given twice

    def current(self, value: Any) -> Any:
        """`value` with tensors that were changed in place replaced by what became of them."""
        return exchanged(value, self._replaced) if self._replaced else value

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        args, kwargs = self.current(args), self.current(kwargs or {})
        used = [tensor for tensor in tensors_in((args, kwargs)) if id(tensor) in self._known]
        # A constant into which activations were written is one of them, and so are its views.
        if self._stale and any(memory_of(tensor) in self._stale for tensor in tensors_in((args, kwargs))):
            raise InputError(
                f"relevance: {name_of(func)} uses a tensor that shares memory with one changed in place before: "
                "use the network without in-place operations on views"
            )
        if not used:
            return func(*args, **kwargs)
        name = name_of(func)
        if kwargs.get("out") is not None:
            raise InputError(f"relevance: {name} writes into a tensor given as out: use the network without out")
        in_place = is_in_place(name, args, kwargs)
        if name == "__setitem__":
            raise InputError("relevance is undefined through the assignment to parts of an activation")
        output = self._carry_out(plain_name(name), func, used, args, kwargs, in_place)
        target = first_argument(args, kwargs)
        if in_place and isinstance(output, Tensor) and target is not None:
            self._held.append(target)
            self._replaced[id(target)] = output
            for earlier, later in self._replaced.items():
                if later is target:
                    self._replaced[earlier] = output
            self._stale.add(memory_of(target))
        return output

    def _carry_out(
        self,
        name: str,
        func: Callable[..., Any],
        used: list[Tensor],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        in_place: bool,
    ) -> Any:
        x = used[0]
        alone = len(used) == 1 and (x is kwargs.get("input") if not args else args[0] is x)
        if name in ACTIVATIONS and alone:
            return self._activation(name, func, x, args, kwargs, in_place)
        if (name in CONVOLUTIONS or name == "linear") and alone:
            return self._layer(func, args, kwargs, linear=name == "linear")
        if name in MATRIX_PRODUCTS and alone and args[1].ndim == 2:
            return self._layer(_times_transposed, (x, args[1].t()), {}, linear=True)
        if func is F.batch_norm and alone:
            return self._batch_norm(*args, **kwargs)
        if name in ADDITIONS and len(used) == 2 and kwargs.get("alpha", 1) == 1:
            return self._sum(used)
        if len(used) == 1 and (name in ADDITIONS | PRODUCTS or (name in ONE_SIDED and alone)):
            output = _out_of_place(func, args, kwargs) if in_place else func(*args, **kwargs)
            return self._passed(x, output) if output.shape == x.shape else self._undefined(name, used, output)
        if in_place:
            return self._undefined(name, used, _out_of_place(func, args, kwargs))
        if name in AVERAGES and alone:
            return self._routed(func, used, args, kwargs, normalized=True, nonnegative=name != "interpolate")
        if name in MAXIMA and alone:
            return self._routed(func, used, args, kwargs)
        if name in REARRANGEMENTS:
            return self._routed(func, used, args, kwargs, nonnegative=name != "pad" or pads_zeros(args, kwargs))
        output = func(*args, **kwargs)
        if name in DROPOUTS and output is x:
            return output
        return self._undefined(name, used, output)

    def _write(
        self,
        inputs: list[Tensor],
        outputs: list[Tensor],
        back: Callable[[Relevances], Relevances],
        *,
        nonnegative: bool = False,
        affine: Affine | None = None,
    ) -> None:
        self.steps.append(Step(inputs, outputs, back, affine))
        for output in outputs:
            self._known[id(output)] = output
            if nonnegative:
                self._nonnegative.add(id(output))
            if affine is not None:
                self._affine[id(output)] = affine

    def _passed(self, x: Tensor, output: Tensor, *, nonnegative: bool = False) -> Tensor:
        if output is not x:
            self._write([x], [output], lambda relevances: relevances, nonnegative=nonnegative)
        return output

    def _activation(
        self,
        name: str,
        func: Callable[..., Any],
        x: Tensor,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        in_place: bool,
    ) -> Tensor:
        if name == "relu":
            output = torch.relu(x)
        elif name_of(func) != name:
            output = _out_of_place(func, args, kwargs)
        else:
            plain = tuple(arg for arg in args if not isinstance(arg, bool)) if in_place else args
            output = func(*plain, **{key: value for key, value in kwargs.items() if key != "inplace"})
        from_zero = name == "hardtanh" and float(args[1] if len(args) > 1 else kwargs.get("min_val", -1)) >= 0
        kept = name in SIGN_KEEPING_ACTIVATIONS and id(x) in self._nonnegative
        return self._passed(x, output, nonnegative=name in POSITIVE_ACTIVATIONS or from_zero or kept)

    def _layer(
        self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], *, linear: bool
    ) -> Tensor:
        x, weight, bias, settings, named = _layer_arguments(*args, **kwargs)
        output: Tensor = func(*args, **kwargs)
        # Only here is the gradient of the convolution itself differentiated.
        repeated = conv2d if func is F.conv2d and self.differentiate else func

        def operation(values: Tensor, weights: Tensor, biases: Tensor | None) -> Tensor:
            made: Tensor = repeated(values, weights, biases, *settings, **named)
            return made

        nonnegative = id(x) in self._nonnegative
        self._write_affine(
            Affine(operation, x, weight, bias, output, linear, nonnegative, differentiate=self.differentiate)
        )
        return output

    def _write_affine(self, affine: Affine) -> None:
        self._write([affine.x], [affine.output], _no_rule, affine=affine)

    def _batch_norm(
        self,
        input: Tensor,
        running_mean: Tensor | None,
        running_var: Tensor | None,
        weight: Tensor | None = None,
        bias: Tensor | None = None,
        training: bool = False,
        momentum: float = 0.1,
        eps: float = 1e-5,
    ) -> Tensor:
        if training or running_mean is None or running_var is None:
            raise InputError(
                "relevance: a BatchNorm that normalises with the batch's own statistics makes maps depend on batch "
                "mates: use the network in eval mode, with running statistics"
            )
        output = F.batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
        before = self._affine.get(id(input))
        # Only there is the axis that is normalised that of the layer's outputs: not in a linear layer's [N, L, K].
        if before is None or input.ndim != before.weight.ndim:
            return self._passed(input, output)
        scale = (running_var + eps).rsqrt() if weight is None else weight * (running_var + eps).rsqrt()
        offset = -running_mean if before.bias is None else before.bias - running_mean
        offset = offset * scale if bias is None else offset * scale + bias
        scaled = before.weight * scale.reshape(-1, *[1] * (before.weight.ndim - 1))
        self._write_affine(
            Affine(
                before.operation,
                before.x,
                scaled,
                offset,
                output,
                before.linear,
                before.nonnegative,
                differentiate=self.differentiate,
            )
        )
        return output

    def _sum(self, used: list[Tensor]) -> Tensor:
        output = torch.add(*used)

        def back(relevances: Relevances) -> Relevances:
            (relevance,) = relevances
            assert relevance is not None
            share = relevance / stabilized(output, self.stabilizer)
            return [norm(contribution, share) for contribution in used]

        self._write(used, [output], back, nonnegative=all(id(tensor) in self._nonnegative for tensor in used))
        return output

    def _routed(
        self,
        func: Callable[..., Any],
        used: list[Tensor],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        *,
        normalized: bool = False,
        nonnegative: bool = True,
    ) -> Any:
        """An operation that is linear where it stands: relevance takes the way of its gradient.

        `normalized` is for averages and sums, where each input gets its share of the output.
        """
        used = list({id(tensor): tensor for tensor in used}.values())
        ends = used if self.differentiate else [tensor.detach().requires_grad_() for tensor in used]
        swap = {id(tensor): end for tensor, end in zip(used, ends, strict=True)}
        with torch.enable_grad():
            made = func(*exchanged(args, swap), **exchanged(kwargs, swap))
        local = [tensor for tensor in tensors_in(made) if tensor.is_floating_point()]
        outputs = local if self.differentiate else [tensor.detach() for tensor in local]

        def back(relevances: Relevances) -> Relevances:
            reached = [(tensor, one) for tensor, one in zip(local, relevances, strict=True) if one is not None]
            if normalized:
                shares = [
                    (t, r / stabilized(t if self.differentiate else t.detach(), self.stabilizer)) for t, r in reached
                ]
            else:
                shares = reached
            gradients: tuple[Tensor | None, ...] = torch.autograd.grad(
                [tensor for tensor, _ in shares],
                ends,
                [share for _, share in shares],
                create_graph=self.differentiate,
                allow_unused=True,
            )
            if not normalized:
                return list(gradients)
            return [None if g is None else tensor * g for tensor, g in zip(used, gradients, strict=True)]

        taken = [tensor for tensor in tensors_in((args, kwargs)) if tensor.is_floating_point()]
        known = nonnegative and all(self._is_nonnegative(tensor) for tensor in taken)
        self._write(used, outputs, back, nonnegative=known)
        return exchanged(made, {id(one): other for one, other in zip(local, outputs, strict=True)})

    def _is_nonnegative(self, tensor: Tensor) -> bool:
        """Known to be, of an activation; looked up, of a constant."""
        if id(tensor) in self._known:
            return id(tensor) in self._nonnegative
        return bool((tensor >= 0).all())

    def _undefined(self, name: str, used: list[Tensor], made: Any) -> Any:
        """Refused only if relevance comes this way."""
        outputs = [t for t in tensors_in(made) if t.is_floating_point() and id(t) not in self._known]
        if outputs:

            def back(_relevances: Relevances) -> Relevances:
                raise InputError(
                    f"relevance is undefined through {name!r} of activations (layers of convolution, linear, "
                    "BatchNorm, activation, pooling and sum carry it): use another attributor, or another network"
                )

            self._write(used, outputs, back)
        return made

    def propagate(self, logits: Tensor, relevance: Tensor, *, rule: Rule, last: Rule) -> Tensor:
        """Relevance [N, 3, H, W] of the images from the `relevance` [N, classes] of `logits`.

        `last` is the rule of the last convolution or linear layer that the logits come from, `rule` of all others.
        The tape is used up.
        """
        found: dict[int, Tensor] = {id(self.current(logits)): relevance}
        # From here on only the steps hold the activations, so that each is freed when it is done with.
        for held in (self._known, self._affine, self._replaced, self._held):
            held.clear()
        next_rule = last
        reached = False
        while self.steps:
            step = self.steps.pop()
            relevances: Relevances = [found.pop(id(output), None) for output in step.outputs]
            if all(one is None for one in relevances):
                continue
            if step.affine is not None:
                (one,) = relevances
                assert one is not None
                made: Relevances = [next_rule(step.affine, one)]
                next_rule, reached = rule, True
            else:
                made = step.back(relevances)
            for tensor, part in zip(step.inputs, made, strict=True):
                if part is not None:
                    before = found.get(id(tensor))
                    found[id(tensor)] = part if before is None else before + part
        if not reached or id(self.images) not in found:
            raise InputError(
                "no relevance reaches the images through a convolution or linear layer: use another attributor, or a "
                "network whose layers torch carries out one by one"
            )
        return found[id(self.images)]


def _out_of_place(func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What an operation in place makes, with what it would change left as it is."""
    target = first_argument(args, kwargs)
    copies = {} if target is None else {id(target): target.clone()}
    return func(*exchanged(args, copies), **exchanged(kwargs, copies))


def _layer_arguments(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *settings: Any,
    **named: Any,
) -> tuple[Tensor, Tensor, Tensor | None, tuple[Any, ...], dict[str, Any]]:
    return input, weight, bias, settings, named


def _times_transposed(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    return F.linear(x, weight, bias)


def _no_rule(_relevances: Relevances) -> Relevances:
    raise RuntimeError("layers take the rule given to propagate")
