"""Explained probes of tiny networks, and attributors whose maps one can tell by heart."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from attribution.attributors import Attribution, Attributor
from attribution.metrics import Explained, Probe
from attribution.networks import Network


@dataclass(frozen=True)
class FirstChannel:
    """The map is the input's first channel, whatever the network says."""

    name: ClassVar[str] = "FirstChannel"
    differentiable: ClassVar[bool] = False

    def __call__(self, network: Network, images: Tensor, targets: Tensor, *, create_graph: bool = False) -> Attribution:
        return Attribution(images[:, 0], network.logits(images).detach())


@dataclass(frozen=True)
class Gradient:
    """The gradient summed over channels, times the input where `times_input`."""

    times_input: bool = False

    name: ClassVar[str] = "Gradient"
    differentiable: ClassVar[bool] = False

    def __call__(self, network: Network, images: Tensor, targets: Tensor, *, create_graph: bool = False) -> Attribution:
        inputs = images.detach().requires_grad_()
        with torch.enable_grad():
            logits = network.logits(inputs)
            (gradient,) = torch.autograd.grad(logits.gather(1, targets[:, None]).sum(), inputs)
        maps = (gradient * inputs.detach() if self.times_input else gradient).sum(dim=1)
        return Attribution(maps, logits.detach())


class Linear(nn.Module):
    """Logits that are weighted sums of all input values."""

    def __init__(self, size: int, classes: int = 5) -> None:
        super().__init__()
        self.head = nn.Linear(3 * size * size, classes)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(images.flatten(1))  # type: ignore[no-any-return]


def explained(
    network: Network,
    attributor: Attributor,
    images: Tensor,
    *,
    seeds: tuple[int, ...] | None = None,
    create_graph: bool = False,
) -> Explained:
    """The images explained for the classes 0, 1, 2, ... of the network's five, with the seeds 100, 101, ..."""
    targets = torch.arange(len(images)) % network.classes
    probe = Probe(images, targets, None, None, seeds or tuple(100 + place for place in range(len(images))))
    made = attributor(network, images, targets, create_graph=create_graph)
    return Explained(network, attributor, probe, made.maps, made.logits)


def part(whole: Explained, places: list[int]) -> Explained:
    """Some images of an explained probe, with their own seeds and targets."""
    probe = whole.probe
    some = Probe(probe.inputs[places], probe.targets[places], None, None, tuple(probe.seeds[place] for place in places))
    made = whole.attributor(whole.network, some.inputs, some.targets)
    return Explained(whole.network, whole.attributor, some, made.maps, made.logits)
