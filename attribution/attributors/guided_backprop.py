"""GuidedBackprop (Springenberg et al. 2015): the gradient where every ReLU passes positive gradients only."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from attribution.attributors.base import Attribution
from attribution.attributors.gradients import twice_differentiable
from attribution.attributors.grouped_convolution import conv2d
from attribution.errors import InputError
from attribution.networks import Network

RELUS: frozenset[Callable[..., Any]] = frozenset(
    {F.relu, F.relu_, F.relu6, torch.relu, torch.relu_, Tensor.relu, Tensor.relu_}
)


class GuidedReLU(TorchFunctionMode):
    """Inside the block every ReLU and ReLU6, module or function, in place or not, also clamps its gradient at zero.

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
        output = func(*args, **(kwargs or {}))
        if func in RELUS or _is_relu6(func, args, kwargs or {}):
            self.reached += 1
            if output.requires_grad:
                output.register_hook(self._clamp)
        return output

    def _clamp(self, gradient: Tensor) -> Tensor:
        return gradient.clamp(min=0) if self.active else gradient


def _is_relu6(func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """hardtanh from 0 upwards is what ReLU6 comes down to in older networks."""
    if func not in (F.hardtanh, F.hardtanh_):
        return False
    return float(args[1] if len(args) > 1 else kwargs.get("min_val", -1.0)) == 0.0


@dataclass(frozen=True)
class GuidedBackprop:
    """Guided gradient with respect to the input, summed over colour channels (the published study's reduction)."""

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
