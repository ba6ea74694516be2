"""What attributors by relevance propagation share: from the relevance of the logits to a map (Bach et al. 2015)."""

import math

import torch
from torch import Tensor

from attribution.attributors.base import Attribution
from attribution.attributors.relevance_rules import Rule
from attribution.attributors.relevance_tape import RelevanceTape
from attribution.errors import InputError
from attribution.networks import Network


def propagated(
    network: Network,
    images: Tensor,
    targets: Tensor,
    *,
    method: str,
    rule: Rule,
    last: Rule,
    others: bool,
    stabilizer: float,
    create_graph: bool,
) -> Attribution:
    """Maps [N, H, W]: the relevance of `images` [N, 3, H, W] summed over channels.

    The logits' relevance is 1 at the target, and 0 elsewhere or, with `others`, -1 / (classes - 1). `last` is the rule
    of the last convolution or linear layer, `rule` that of all others. Raises InputError, which names network and
    `method`, where relevance is undefined.
    """
    for name, child in network.module.named_modules():
        if isinstance(child, torch.jit.ScriptModule):
            raise InputError(
                f"network {network.name}: {method} cannot reach the layers inside the scripted module "
                f"{name or 'itself'!r}: use the network before scripting"
            )
    with torch.set_grad_enabled(create_graph):
        tape = RelevanceTape(images, stabilizer=stabilizer, differentiate=create_graph)
        try:
            with tape:
                logits = network.logits(tape.images)
            logits = tape.current(logits)
            relevance = tape.propagate(logits, _start(logits, targets, others=others), rule=rule, last=last)
        except InputError as error:
            raise InputError(f"network {network.name}: {method}: {error}") from error
        maps = relevance.sum(dim=1)
    return Attribution(maps, logits)


def _start(logits: Tensor, targets: Tensor, *, others: bool) -> Tensor:
    classes = logits.shape[1]
    if others and classes < 2:
        raise InputError("a contrastive map needs a network of at least two classes: set contrastive = false")
    start = torch.full_like(logits, -1 / (classes - 1) if others else 0.0, requires_grad=False)
    return start.scatter(1, targets[:, None], 1.0)


def check_positive(name: str, value: float) -> None:
    """Raises ValueError unless `value` is a positive finite number."""
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f"{name} must be a positive number, not {value!r}")
