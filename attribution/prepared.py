"""A network made ready for many maps: the same function, in fewer and faster operations."""

import logging
from dataclasses import dataclass, fields, replace
from typing import Literal

import torch
from torch import Tensor, nn

from attribution.device_errors import device_error, is_of_memory
from attribution.errors import InputError
from attribution.folding import fold, foldable
from attribution.networks import COPYING_FAILED, Network, copied, modules_by_name

logger = logging.getLogger(__name__)

Precision = Literal["float32", "bfloat16"]
# Largest difference of logits and features to the plain network's, as a share of their largest value.
TOLERANCES = {torch.float64: 1e-10, torch.float32: 1e-5}


@dataclass(frozen=True)
class PreparedNetwork(Network):
    """A copy of a network that makes maps and answers, and is never trained.

    Parameters that stay as they are share their memory with the network's: prepare again after a change of weights.
    Takes and gives the network's own number format, whatever it computes in.
    """

    computes_in: torch.dtype = torch.float32
    channels_last: bool = False

    def logits(self, images: Tensor) -> Tensor:
        """Logits [N, classes] of normalised images [N, 3, H, W]."""
        inputs = images.to(self.computes_in)
        if self.channels_last:
            inputs = inputs.contiguous(memory_format=torch.channels_last)
        logits: Tensor = self.module(inputs)
        return logits.to(images.dtype)


def prepared(network: Network, precision: Precision = "float32") -> Network:
    """`network` for maps: BatchNorm folded into convolutions, a fast memory layout, no gradients of parameters.

    Named modules stay where they are, and the feature layer puts out what it did. The result answers like the network
    up to rounding (`TOLERANCES`), or is the network itself: if it can't be watched; or, with a warning that says why,
    if it can't be copied, if its forward reads what is gone, or if a trial shows a larger difference. Which of them it
    is follows from the network alone: InputError if memory doesn't suffice, and errors of the device are passed on.
    The trial compares logits and features, not gradients. Maps agree as far with the plain network's as those do with
    maps in float64: a ReLU whose input is 0 up to rounding may let a gradient through or not, which moves single places
    of a gradient map. Measured on ResNet-18 in float32, GuidedBackprop differs at .2 % of the pixels, by up to 2 % of
    the map's largest value.
    ``bfloat16`` computes with 8 bits of precision; ranks of places stay nearly the same, single values do not.
    Raises ValueError for another precision.
    """
    if precision not in ("float32", "bfloat16"):
        raise ValueError(f'unknown precision "{precision}": use float32 or bfloat16')
    if isinstance(network, PreparedNetwork):
        return network
    if any(isinstance(module, torch.jit.ScriptModule) for module in network.module.modules()):
        return network
    own = next((parameter.dtype for parameter in network.module.parameters()), None)
    if own not in TOLERANCES or network.module.training:
        return network
    try:
        made, difference = _made(network, precision, own)
    except _NOT_PREPARED as error:
        if is_of_memory(error):
            raise InputError(
                f"{network.name}: the memory does not suffice to prepare it for maps: take a smaller network or image "
                "size, or a machine with more memory"
            ) from error
        if device_error(error) is not None:
            raise
        logger.warning(
            "%s: maps are made with the plain network, because it cannot be made faster: %s: %s",
            network.name,
            type(error).__name__,
            error,
        )
        return network
    if not difference <= TOLERANCES[own]:
        logger.warning(
            "%s: maps are made with the plain network: prepared it differs by %.1e", network.name, difference
        )
        return network
    return made


# What copying a network, watching it and asking the copy can raise: its forward may read what is gone.
_NOT_PREPARED = (*COPYING_FAILED, LookupError, AssertionError, MemoryError)


def _made(network: Network, precision: Precision, own: torch.dtype) -> tuple[PreparedNetwork, float]:
    """The prepared network, and how much it differs before its precision is lowered."""
    trial = _trial(network, own)
    module = _sharing_copy(network.module)
    pairs = foldable(module, trial[:1], modules_by_name(module)[network.layer])
    fold(module, pairs)
    computes_in = torch.bfloat16 if precision == "bfloat16" else own
    channels_last = _prefers_channels_last(computes_in, trial.device)
    if channels_last:
        module.to(memory_format=torch.channels_last)
    kept = {each.name: getattr(network, each.name) for each in fields(Network)} | {"module": module}
    made = PreparedNetwork(**kept, computes_in=own, channels_last=channels_last)
    difference = largest_difference(network, made, trial)
    if computes_in != own and difference <= TOLERANCES[own]:
        made = replace(made, module=module.to(computes_in), computes_in=computes_in)
    return made, difference


@torch.no_grad()
def largest_difference(network: Network, other: Network, images: Tensor) -> float:
    """Largest difference of the two networks' logits and feature maps, each as a share of the largest value."""
    differences = [
        float((ours.double() - theirs.double()).abs().max() / theirs.double().abs().max().clamp(min=1e-300))
        for ours, theirs in zip(_answers(other, images), _answers(network, images), strict=True)
    ]
    # A comparison with NaN is false, and max() would pass over it.
    return float(torch.tensor(differences).max())


def _answers(network: Network, images: Tensor) -> list[Tensor]:
    outputs: list[Tensor] = []

    def keep(_module: nn.Module, _inputs: object, output: object) -> None:
        outputs.extend([output.clone()] if isinstance(output, Tensor) else [])

    handle = network.feature_layer().register_forward_hook(keep)
    try:
        return [network.logits(images), *outputs[-1:]]
    finally:
        handle.remove()


def _trial(network: Network, dtype: torch.dtype) -> Tensor:
    """Two images of normal noise."""
    size = network.preprocessing.size
    images = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(0))
    return images.to(next(network.module.parameters()).device, dtype)


def _sharing_copy(module: nn.Module) -> nn.Module:
    """A copy with parameters of its own that need no gradients, in the same memory."""
    known = {id(parameter): nn.Parameter(parameter.detach(), requires_grad=False) for parameter in module.parameters()}
    return copied(module, known)


def _prefers_channels_last(computes_in: torch.dtype, device: torch.device) -> bool:
    """oneDNN and tensor cores do; convolutions in float64, and float32 on a GPU, are no faster or slower."""
    return computes_in == torch.bfloat16 or (computes_in == torch.float32 and device.type == "cpu")
