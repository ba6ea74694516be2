"""Tiny networks for tests, each with something that attributors and trainers have stumbled over elsewhere."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from attribution.images import Preprocessing
from attribution.networks import Network

SIZE = 16


class PlainReLU(nn.Module):
    """Convolutions and ReLU modules: the network captum's guided hooks understand."""

    def __init__(self, classes: int = 5) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 8, 3, padding=1), nn.ReLU()
        )
        self.head = nn.Linear(8, classes)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.features(images).mean(dim=(2, 3)))  # type: ignore[no-any-return]


class SmoothAfterReLU(nn.Module):
    """BatchNorm with real statistics, an in-place ReLU, a reused ReLU module, functional ReLU and ReLU6, and smooth
    functions after ReLUs, which show a rule that is still on in the second backward pass."""

    def __init__(self, classes: int = 5) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 6, 3, padding=1)
        self.norm = nn.BatchNorm2d(6)
        self.in_place = nn.ReLU(inplace=True)
        self.second = nn.Conv2d(6, 6, 3, padding=1)
        self.reused = nn.ReLU()
        self.third = nn.Conv2d(6, 8, 3, padding=1)
        self.hidden = nn.Linear(8, 8)
        self.head = nn.Linear(8, classes)

    def forward(self, images: Tensor) -> Tensor:
        x = self.in_place(self.norm(self.first(images)))
        x = F.relu(self.second(torch.tanh(x)))
        x = F.avg_pool2d(self.reused(x), 2)
        x = self.third(F.softplus(x))
        pooled = F.relu6(x).mean(dim=(2, 3))
        return self.head(torch.tanh(self.reused(self.hidden(pooled))))  # type: ignore[no-any-return]


class FunctionalReLU(nn.Module):
    """No ReLU module at all; every way to call one."""

    def __init__(self, classes: int = 5) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList([nn.Conv2d(3 if not i else 4, 4, 3, padding=1) for i in range(6)])
        self.head = nn.Linear(4, classes)

    def forward(self, images: Tensor) -> Tensor:
        ways: list[Callable[[Tensor], Tensor]]
        ways = [F.relu, torch.relu, lambda x: x.relu(), Tensor.relu_, F.relu_, torch.relu_]
        x = images
        for convolution, relu in zip(self.convolutions, ways, strict=True):
            x = relu(convolution(x))
        return self.head(x.mean(dim=(2, 3)))  # type: ignore[no-any-return]


class NoReLU(nn.Module):
    """Tanh only: the guided rule has nothing to act on."""

    def __init__(self, classes: int = 5) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.head = nn.Linear(4, classes)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(torch.tanh(self.conv(images)).mean(dim=(2, 3)))  # type: ignore[no-any-return]


def network(module: nn.Module, layer: str, *, classes: int = 5, seed: int = 0, size: int = SIZE) -> Network:
    """The module in eval mode and float64 with seeded weights and real BatchNorm statistics."""
    generator = torch.Generator().manual_seed(seed)
    module = module.double().eval()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator, dtype=torch.float64) * 0.4)
        for child in module.modules():
            if isinstance(child, nn.BatchNorm2d):
                assert child.running_mean is not None
                assert child.running_var is not None
                child.running_mean.copy_(torch.randn(child.num_features, generator=generator))
                child.running_var.copy_(torch.rand(child.num_features, generator=generator) + 0.5)
    preprocessing = Preprocessing(size=size, mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25), fit="squash")
    return Network(type(module).__name__, "test", module, preprocessing, layer, classes)


def some_images(count: int = 4, *, seed: int = 1, size: int = SIZE) -> Tensor:
    """Normalised images, float64 [count, 3, size, size]."""
    return torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
