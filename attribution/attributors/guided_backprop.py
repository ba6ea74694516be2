"""GuidedBackprop (Springenberg et al. 2015): the gradient where every ReLU passes positive gradients only."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from attribution.attributors.base import Attribution
from attribution.attributors.call_arguments import exchanged
from attribution.attributors.gradients import twice_differentiable
from attribution.attributors.grouped_convolution import conv2d
from attribution.attributors.relu_calls import relu_call
from attribution.errors import InputError
from attribution.networks import Network


class GuidedReLU(TorchFunctionMode):
    """Inside the block every ReLU and ReLU6, module or function, in place or not, also clamps its gradient at zero.

    `relu_call` says which calls are one; ReLUs written in another way keep their plain gradient.
    The clamp sits on the ReLU's output as a tensor hook: it acts while `active`, so the graph can be walked a second
    time (``loss.backward()`` after ``create_graph``) as the plain network's. Nothing is registered on the network.
    With `differentiate`, grouped convolutions are made such that their gradient is cheap to differentiate.
    """

    def __init__(self, *, differentiate: bool = False) -> None:
        super().__init__()
        self.differentiate = differentiate
        self.active = True
        self.reached = 0

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func is F.conv2d and self.differentiate:
            return conv2d(*args, **{"x" if key == "input" else key: value for key, value in (kwargs or {}).items()})
        kwargs = kwargs or {}
        call = relu_call(func, args, kwargs)
        if call is None:
            return func(*args, **kwargs)
        x = call.input
        if not (call.in_place and x._is_view() and x.requires_grad):
            return self._guided(func(*args, **kwargs))
        # A hook on a view does not see the gradients that come by way of the tensor it is a view of.
        copy = {id(x): x.clone()}
        return x.copy_(self._guided(func(*exchanged(args, copy), **exchanged(kwargs, copy))))

    def _guided(self, output: Tensor) -> Tensor:
        if output.requires_grad:
            self.reached += 1
            output.register_hook(self._clamp)
        return output

    def _clamp(self, gradient: Tensor) -> Tensor:
        return gradient.clamp(min=0) if self.active else gradient


@dataclass(frozen=True)
class GuidedBackprop:
    """Guided gradient with respect to the input, summed over colour channels (the published study's reduction).

    ReLU and ReLU6 are guided as modules, as functions, and as a clamp, threshold or maximum at zero; a ReLU put
    together from other operations (``x * (x > 0)``, where) is not, and its plain gradient comes out.
    """

    name: ClassVar[str] = "GuidedBackprop"
    differentiable: ClassVar[bool] = True

    def __call__(self, network: Network, images: Tensor, targets: Tensor, *, create_graph: bool = False) -> Attribution:
        refuse_compiled(network, self.name)
        inputs = images.detach().requires_grad_()
        rule = GuidedReLU(differentiate=create_graph)
        with torch.enable_grad():
            with rule, twice_differentiable(create_graph):
                logits = network.logits(inputs)
            refuse_unreached(network, rule, self.name)
            score = logits.gather(1, targets[:, None]).sum()
            try:
                (gradient,) = torch.autograd.grad(score, inputs, create_graph=create_graph)
            finally:
                rule.active = False
        maps = gradient.sum(dim=1)
        return Attribution(maps, logits) if create_graph else Attribution(maps.detach(), logits.detach())


def refuse_unreached(network: Network, rule: GuidedReLU, method: str) -> None:
    """InputError if the rule met no ReLU in the forward pass: the plain gradient would come out unnoticed."""
    if rule.reached == 0:
        raise InputError(
            f"network {network.name}: {method} reaches no ReLU in it: "
            "use another attributor, or a network with ReLU or ReLU6"
        )


def refuse_compiled(network: Network, method: str) -> None:
    """InputError for scripted code: its ReLUs cannot be reached, and the plain gradient would come out unnoticed."""
    for name, child in network.module.named_modules():
        if isinstance(child, torch.jit.ScriptModule):
            raise InputError(
                f"network {network.name}: {method} cannot reach the ReLUs inside the scripted module "
                f"{name or 'itself'!r}: use the network before scripting"
            )
