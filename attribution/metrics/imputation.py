"""Linear imputation of removed pixels (Rong et al. 2022, section 4.2, without the noise), many masks at a time.

A removed pixel is the weighted mean of its eight neighbours, direct ones with weight 1/6 and diagonal ones with 1/12,
where removed neighbours are unknown as well; at the border of the image the weights of the neighbours that exist are
divided by their sum. That is a sparse, symmetric, positive definite system per mask, the same for all channels.

It is solved by conjugate gradients, with one V-cycle of multigrid as preconditioner: a step takes time in proportion
to the pixels, and a few steps do whatever the size of the holes. Grids are 2^k m + 1 nodes wide, so that each second
node makes the next grid. All weights are multiplied by 12, so that float32 holds them exactly.
"""

from collections.abc import Iterator
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional as F

# Energy norm of what is left of the error when the solver stops, in the units of the images; the largest error of a
# pixel is of that order (tests measure it against a direct solver).
TOLERANCE = 3e-5
STEPS = 200
# How much of the weight of known pixels a coarser grid keeps. 1 would keep all that a hole resists a shift of the
# coarse node with, but the solution bends around it; measured, .5 to 1 take alike few steps.
TIE = 0.7
COARSEST = 9  # nodes along the shorter side of the grid that is solved directly
SYSTEMS = {"cpu": 8, "cuda": 128}  # solved at once: measured at 224 px on the CPU

_NEIGHBOURS = ((1.0, 2.0, 1.0), (2.0, 0.0, 2.0), (1.0, 2.0, 1.0))
_LAPLACE = ((-1.0, -2.0, -1.0), (-2.0, 12.0, -2.0), (-1.0, -2.0, -1.0))
_TRANSFER = ((0.25, 0.5, 0.25), (0.5, 1.0, 0.5), (0.25, 0.5, 0.25))


def linear_imputation(images: Tensor, removed: Tensor) -> Tensor:
    """Images whose removed pixels follow from the others.

    What an image gets depends on nothing but itself and its mask.

    Args:
        images: [N, C, H, W], float32 or float64.
        removed: bool [N, H, W] or, for several masks of each image, [N, K, H, W]. A mask that removes every pixel
            leaves nothing to follow from: ValueError.

    Returns:
        [N, C, H, W] or [N, K, C, H, W]; pixels that are not removed are unchanged. Within 1e-4 of the exact solution
        for images of the size of normalised ones (values up to about 3).
    """
    if (
        images.ndim != 4
        or removed.ndim not in (3, 4)
        or removed.shape[-2:] != images.shape[-2:]
        or min(images.shape[-2:]) < 2
    ):
        raise ValueError(
            f"images {tuple(images.shape)} and removed {tuple(removed.shape)}: "
            "use [N, C, H, W] with [N, H, W] or [N, K, H, W], from 2 x 2 pixels up"
        )
    masks = removed if removed.ndim == 4 else removed[:, None]
    if bool(masks.flatten(2).all(dim=2).any()):
        raise ValueError("removed: a mask removes the whole image: leave at least one pixel")
    if not bool(images.isfinite().all()):
        raise ValueError("images: NaN or infinite values: an imputation spreads them")
    count = masks.shape[1]
    flat = masks.flatten(0, 1)
    filled = images.new_empty(len(flat), *images.shape[1:])
    for chunk in _chunks(flat):
        filled[chunk] = _solve(images[chunk // count], flat[chunk])
    return filled.unflatten(0, (len(images), count)) if removed.ndim == 4 else filled


def neighbour_mean(images: Tensor) -> Tensor:
    """Each pixel [N, C, H, W] as the imputation would fill it if it alone were removed."""
    weighted = _convolved(images, _NEIGHBOURS)
    weights = _convolved(torch.ones_like(images[:1, :1]), _NEIGHBOURS)
    return weighted / weights


def _chunks(masks: Tensor) -> Iterator[Tensor]:
    """Masks that are solved at once: those that remove similar numbers of pixels take similar numbers of steps."""
    order = masks.flatten(1).sum(dim=1).argsort(stable=True)
    yield from order.split(SYSTEMS.get(masks.device.type, SYSTEMS["cpu"]))


def _solve(images: Tensor, removed: Tensor) -> Tensor:
    """Systems with masks [S, H, W] and images [S, C, H, W], side by side as the channels of one image."""
    systems, channels, height, width = images.shape
    padding = (0, _grid_size(width) - width, 0, _grid_size(height) - height)
    unknown = F.pad(removed, padding)
    known = (images * ~removed[:, None]).flatten(0, 1)
    known = F.pad(known, padding)[None].contiguous(memory_format=torch.channels_last)
    cycle = _Cycle(unknown, images.dtype, channels, height, width)
    residual = _convolved(known, _NEIGHBOURS).mul_(cycle.weights[0])
    found = _conjugate_gradients(cycle, residual)
    filled = (known + found)[0, :, :height, :width].unflatten(0, (systems, channels))
    return torch.where(removed[:, None], filled, images)


def _conjugate_gradients(cycle: "_Cycle", residual: Tensor) -> Tensor:
    found, products = torch.zeros_like(residual), torch.empty_like(residual)
    direction = step = cycle(residual)
    energy = _dot(residual, step, products)
    for _ in range(STEPS):
        # A system that has arrived stands still: the number of its steps does not depend on the others.
        going = energy > TOLERANCE**2
        if not bool(going.any()):
            return found
        moved = cycle.operator(direction)
        length = torch.where(going, energy / _dot(direction, moved, products), 0.0)
        found.addcmul_(direction, length)
        residual.addcmul_(moved, -length)
        step = cycle(residual)
        before, energy = energy, _dot(residual, step, products)
        torch.addcmul(step, direction, torch.where(going, energy / before, 0.0), out=direction)
    raise ArithmeticError(f"the imputation has not converged in {STEPS} steps: are values of the order of 1?")


class _Cycle:
    """The operator of S systems on C channels each, and one symmetric V-cycle that nearly inverts it.

    Images are [1, S * C, h, w] with channels last; everything is divided by the diagonal of the operator, 12. With N
    for the sum over neighbours, the operator is 1 - f N f / 12, where f is 1 for unknown and 0 for known pixels. On
    coarser grids f lies between: f^2 = 1 - k, where k, from 1 for known pixels, is what the known pixels around a node
    weigh there. A node near known pixels is tied down in part, as it is on the finest grid.
    """

    def __init__(self, unknown: Tensor, dtype: torch.dtype, channels: int, height: int, width: int) -> None:
        """`unknown` is bool [S, h, w]; the image fills the first `height` rows and `width` columns of the grid."""
        self.sizes = [(height, width)]
        grids = [unknown.to(dtype)[None].contiguous(memory_format=torch.channels_last)]
        known = 1 - grids[0]
        # Beyond the image nothing is known: a coarse node at the border moves what lies inside.
        known[:, :, height:] = 0
        known[:, :, :, width:] = 0
        while min(known.shape[2:]) > COARSEST:
            known = _convolved(known, _TRANSFER, stride=2).mul_(TIE).clamp_(max=1)
            grids.append((1 - known).sqrt())
            self.sizes.append((known.shape[2], known.shape[3]))
        self.free = [_each_channel(grid, channels) for grid in grids]
        self.weights = [free / 12 for free in self.free]
        self.inverse = _inverse(grids[-1], self.sizes[-1]).repeat_interleave(channels, dim=0)

    def operator(self, images: Tensor) -> Tensor:
        """The system's matrix applied to images that are zero where pixels are known."""
        return self._border(_convolved(images, _LAPLACE), images, 0, -1).mul_(self.weights[0])

    def __call__(self, residual: Tensor, level: int = 0) -> Tensor:
        """Roughly the solution for this right-hand side; on the finest grid both are zero where pixels are known."""
        free, weights = self.free[level], self.weights[level]
        if level == len(self.weights) - 1:
            solved = torch.bmm(self.inverse, residual.flatten(2)[0, :, :, None])
            return solved.view(residual.shape).contiguous(memory_format=torch.channels_last)
        # One Jacobi step from zero gives the right-hand side itself; this is what it leaves.
        left = self._neighbours(residual if level == 0 else residual * free, level).mul_(weights)
        coarse = _convolved(left if level == 0 else left.mul_(free), _TRANSFER, stride=2)
        improved = F.interpolate(self(coarse, level + 1), size=free.shape[2:], mode="bilinear", align_corners=True)
        # In place throughout: new memory would cost more than the arithmetic.
        torch.addcmul(residual, improved, free, out=improved)
        around = self._neighbours(improved if level == 0 else improved.mul_(free), level)
        return torch.addcmul(residual, around, weights, out=around)

    def _neighbours(self, images: Tensor, level: int) -> Tensor:
        return self._border(_convolved(images, _NEIGHBOURS), images, level, 1)

    def _border(self, applied: Tensor, images: Tensor, level: int, sign: int) -> Tensor:
        """Neighbours beyond the border have no weight: 4 of 12 are missing at an edge, 7 at a corner."""
        height, width = self.sizes[level]
        return _add_border(applied, images, height, width, sign)


def _add_border(applied: Tensor, images: Tensor, height: int, width: int, sign: int) -> Tensor:
    for row in (0, height - 1):
        applied[:, :, row].add_(images[:, :, row], alpha=4 * sign)
        for column in (0, width - 1):
            applied[:, :, row, column].sub_(images[:, :, row, column], alpha=sign)
    for column in (0, width - 1):
        applied[:, :, :, column].add_(images[:, :, :, column], alpha=4 * sign)
    return applied


def _inverse(free: Tensor, size: tuple[int, int]) -> Tensor:
    """Inverses [S, h * w, h * w] of the operator on the coarsest grids, where `free` [1, S, h, w] is what f is there.

    The first `size` rows and columns of the grid belong to the image.
    """
    ties = free[0].flatten(1)
    unit = torch.eye(ties.shape[1], dtype=free.dtype, device=free.device)
    apart = unit.view(1, -1, *free.shape[2:])
    around = _add_border(_convolved(apart, _NEIGHBOURS), apart, *size, 1).view(unit.shape) / 12
    matrix = unit - around * ties[:, :, None] * ties[:, None, :]
    return torch.cholesky_inverse(torch.linalg.cholesky(matrix))


def _each_channel(grids: Tensor, channels: int) -> Tensor:
    """[1, S, h, w] -> [1, S * channels, h, w], each system's grid for each of its channels, with channels last."""
    _, systems, height, width = grids.shape
    last = grids.permute(0, 2, 3, 1)[..., None].expand(-1, -1, -1, -1, channels)
    return last.reshape(1, height, width, systems * channels).permute(0, 3, 1, 2)


def _grid_size(length: int) -> int:
    """The smallest 2^k m + 1 from `length` up whose k-th halving is at most the coarsest grid."""
    step = 1
    while (length - 2) // step + 2 > COARSEST:
        step *= 2
    return -(-(length - 1) // step) * step + 1


def _convolved(images: Tensor, weights: tuple[tuple[float, ...], ...], stride: int = 1) -> Tensor:
    """Each channel of [N, C, H, W] convolved with the same 3 x 3 weights, zero beyond the border."""
    channels = images.shape[1]
    kernel = _kernel(weights, channels, images.dtype, images.device)
    return F.conv2d(images, kernel, stride=stride, padding=1, groups=channels)


@cache
def _kernel(weights: tuple[tuple[float, ...], ...], channels: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    return torch.tensor(weights, dtype=dtype, device=device).repeat(channels, 1, 1, 1)


def _dot(one: Tensor, other: Tensor, products: Tensor) -> Tensor:
    """Inner product of each channel, [1, C, 1, 1]; overwrites `products`."""
    return torch.mul(one, other, out=products).sum(dim=(2, 3), keepdim=True)
