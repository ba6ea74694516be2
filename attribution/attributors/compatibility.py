"""Which attributors work on a network, found by trying each."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

import torch

from attribution.attributors.base import Attributor
from attribution.errors import InputError
from attribution.networks import Network, frozen, refuse_batch_statistics

# What these options repeat works once or not at all.
_REPEATED = ("steps", "samples")


def check(network: Network, attributors: Mapping[str, Attributor] | None = None) -> dict[str, str | None]:
    """For every attributor by its name: None if it makes maps on this network, else the reason why not.

    Each is tried on one random image of the network's size. Without `attributors` every registered one is tried, with
    its default options. Only an InputError is a reason; anything else is a mistake in the network or in the attributor,
    and is raised.
    """
    if attributors is None:
        # Only here: the package's registry is what imports this module.
        from attribution.attributors import ATTRIBUTORS

        attributors = {name: kind() for name, kind in ATTRIBUTORS.items()}
    return {name: _reason(network, attributor) for name, attributor in attributors.items()}


def _reason(network: Network, attributor: Attributor) -> str | None:
    example = next(network.module.parameters(), torch.empty(0))
    size = network.preprocessing.size
    images = torch.randn((1, 3, size, size), generator=torch.Generator().manual_seed(0)).to(example)
    targets = torch.zeros(1, dtype=torch.int64, device=example.device)
    try:
        refuse_batch_statistics(network.module, f"network {network.name}")
        with frozen(network):
            _briefly(attributor)(network, images, targets)
    except InputError as error:
        return str(error)
    return None


def _briefly(attributor: Any) -> Attributor:
    """The same method, asking the network once; a method of the user's own may be no dataclass."""
    names = {field.name for field in fields(attributor)} if is_dataclass(attributor) else set()
    repeated = names.intersection(_REPEATED)
    brief: Attributor = replace(attributor, **dict.fromkeys(repeated, 1)) if repeated else attributor
    return brief
