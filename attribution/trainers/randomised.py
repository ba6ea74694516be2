"""The model parameter randomisation test (Adebayo et al. 2018, section 4.1): maps of a network that forgot.

People who prefer, or cannot tell, the maps of randomised weights do not judge maps by what the network learned.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch
from torch import nn

from attribution.errors import InputError
from attribution.metrics.options import whole_number
from attribution.networks import Network
from attribution.registries import lookup
from attribution.trainers.base import Outcome, Report, Task
from attribution.trainers.loop import Plan, StepLoss, fine_tune, rehearse
from attribution.trainers.seeds import joint_seed
from attribution.trainers.selection import last_faithful
from attribution.trainers.settings import refuse_unused


@dataclass(frozen=True)
class RandomisedTrainer:
    """Re-initialises layers from the logits downwards (cascading randomisation); there are no training steps.

    `cascade` is the share of the layers that have weights, counted from the top; ``from_layer`` names a module
    instead, and it and all that the network calls after it lose their weights. A layer is initialised as its class
    does it, from `seed` and the run's seed, the same on every device; weights of a module without an initialisation of
    its own are shuffled within their tensor. BatchNorm's statistics belong to the layer. Agreement with the original
    is chance's and no condition for the export; the score is measured as for any other network. The config's weight,
    learning rate, steps and batch are not used.
    """

    cascade: float = 1.0
    from_layer: str = ""
    seed: int = 0

    name: ClassVar[str] = "randomised"
    uses_metric: ClassVar[bool] = False
    control: ClassVar[bool] = True
    faithful: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if not 0 < self.cascade <= 1:
            raise ValueError(f"cascade: {self.cascade!r}: use a share of the layers above 0, up to 1")
        if self.from_layer and self.cascade != 1:
            raise ValueError("cascade: stands beside from_layer: keep one of them")
        whole_number("seed", self.seed, 0)

    def rehearse(self, task: Task) -> None:
        rehearse(task, self._plan(task))

    def __call__(self, task: Task, checkpoint: Path, key: str, report: Report) -> Outcome:
        return fine_tune(task, self._plan(task), checkpoint, key, report)

    def _plan(self, task: Task) -> Plan:
        refuse_unused(task, self.name, "preset", "fidelity")

        def begin(student: Network) -> None:
            randomise(student, self._chosen(student), seed=joint_seed(task.seed, self.seed))

        def loss(_student: Network, _step: int) -> StepLoss:
            raise RuntimeError("randomised weights are not trained")

        return Plan(loss=loss, learning_rate=0.0, steps=0, begin=begin, rank=last_faithful)

    def _chosen(self, network: Network) -> list[str]:
        """Names of the layers to randomise."""
        called = calls(network)
        layers = [name for name in called if _has_weights(dict(network.module.named_modules())[name])]
        if self.from_layer:
            lookup(dict(network.module.named_modules()), self.from_layer, "training.options.from_layer", "module")
            first = list(called).index(self.from_layer)
            after = set(list(called)[first:])
            return [name for name in layers if name in after]
        count = max(1, round(self.cascade * len(layers)))
        return layers[len(layers) - count :]


def calls(network: Network) -> list[str]:
    """Names of all modules in the order in which the network first calls them.

    A container that is not called itself comes right before its first part that is; any other module that is not called
    (its weights are used by the module that holds it, or not at all) right after its holder.
    """
    modules = dict(network.module.named_modules())
    first: dict[str, int] = {}
    names = {id(module): name for name, module in modules.items()}

    def note(module: nn.Module, _inputs: object) -> None:
        first.setdefault(names[id(module)], len(first))

    handles = [module.register_forward_pre_hook(note) for module in modules.values()]
    reference = next(network.module.parameters())
    size = network.preprocessing.size
    try:
        with torch.no_grad():
            network.logits(torch.zeros(1, 3, size, size, dtype=reference.dtype, device=reference.device))
    finally:
        for handle in handles:
            handle.remove()
    order: dict[str, tuple[int, int]] = {}
    for place, name in enumerate(modules):
        parts = [first[other] for other in first if other.startswith(f"{name}.")]
        if name in first:
            order[name] = (first[name], 0)
        elif parts:
            order[name] = (min(parts), place - len(modules))
        else:
            order[name] = (order[name.rpartition(".")[0]][0], place + 1)
    return sorted(modules, key=order.__getitem__)


def randomise(network: Network, layers: list[str], *, seed: int) -> None:
    """Give these modules' own weights new values, in place. InputError if there are none."""
    if not layers:
        raise InputError(f"network {network.name}: no layer with weights is left to randomise: choose a lower layer")
    modules = dict(network.module.named_modules())
    # On the CPU, so that a seed means the same weights everywhere; the caller's own generator is left alone.
    devices = {name: next(modules[name].parameters(recurse=False)).device for name in layers}
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.default_generator.manual_seed(seed)
        for name in layers:
            layer = modules[name].to("cpu")
            reset = getattr(layer, "reset_parameters", getattr(layer, "_reset_parameters", None))
            if reset is not None:
                reset()
            else:
                for parameter in layer.parameters(recurse=False):
                    parameter.copy_(parameter.flatten()[torch.randperm(parameter.numel())].view_as(parameter))
            layer.to(devices[name])


def _has_weights(module: nn.Module) -> bool:
    return next(module.parameters(recurse=False), None) is not None
