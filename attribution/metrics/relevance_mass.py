"""Mass of relevance inside a region: the quantity behind RMA and Focus."""

import torch
from torch import Tensor


def relevance_mass(maps: Tensor, regions: Tensor) -> Tensor:
    """Share of the positive mass of each map that lies in its region.

    Args:
        maps: attribution maps [N, H, W]; negative values count as zero.
        regions: bool [N, H, W].

    Returns:
        [N] in [0, 1]; NaN where the map has no positive mass or the region is empty, where the share is undefined.
        The gradient is zero there.
    """
    positive = maps.clamp(min=0)
    total = positive.sum(dim=(1, 2))
    inside = (positive * regions).sum(dim=(1, 2))
    defined = (total > 0) & regions.flatten(1).any(dim=1)
    share = inside / torch.where(defined, total, torch.ones_like(total))
    return torch.where(defined, share, torch.full_like(share, torch.nan))


def mass_loss(maps: Tensor, regions: Tensor) -> Tensor:
    """1 - mean relevance mass over the maps where it is defined; 0 where there is none."""
    share = relevance_mass(maps, regions)
    defined = ~share.isnan()
    if not bool(defined.any()):
        return (maps * 0).sum()
    return 1 - share[defined].mean()
