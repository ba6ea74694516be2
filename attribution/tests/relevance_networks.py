"""Networks that relevance propagation is compared on: as zennit wants them, and the same ones as people write them."""

import torch
import torchvision
from efficientnet_lite_pytorch import EfficientNet
from torch import Tensor, nn
from torch.nn import functional as F
from zennit.layer import Sum

from attribution.networks import Network
from attribution.tests.small_networks import network


class Modules(nn.Module):
    """Residual sum, BatchNorm, max and average pooling, a hidden linear layer: every operation a module."""

    def __init__(self, classes: int = 5) -> None:
        super().__init__()
        self.first, self.norm, self.act = nn.Conv2d(3, 6, 3, padding=1, bias=False), nn.BatchNorm2d(6), nn.ReLU()
        self.pool = nn.MaxPool2d(2)
        self.second, self.second_norm, self.second_act = nn.Conv2d(6, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU()
        self.third, self.third_norm, self.total = nn.Conv2d(6, 6, 3, padding=1), nn.BatchNorm2d(6), Sum()
        self.last_act = nn.ReLU()
        self.average, self.mean, self.flat = nn.AvgPool2d(2), nn.AdaptiveAvgPool2d(1), nn.Flatten()
        self.hidden, self.hidden_act = nn.Linear(6, 7), nn.Tanh()
        self.head = nn.Linear(7, classes)

    def forward(self, images: Tensor) -> Tensor:
        x = self.pool(self.act(self.norm(self.first(images))))
        y = self.third_norm(self.third(self.second_act(self.second_norm(self.second(x)))))
        z = self.last_act(self.total(torch.stack([x, y], dim=-1)))
        return self.head(self.hidden_act(self.hidden(self.flat(self.mean(self.average(z))))))  # type: ignore[no-any-return]


class Functions(Modules):
    """The same with functions, one ReLU module for all, operations in place, += and a spatial mean."""

    def forward(self, images: Tensor) -> Tensor:
        x = F.max_pool2d(self.act(self.norm(self.first(images))), 2)
        y = self.second_norm(self.second(x))
        y.relu_()
        y = self.third_norm(self.third(y))
        y += x
        z = F.avg_pool2d(F.relu(y, inplace=True), 2).mean(dim=(2, 3))
        hidden = F.linear(z, self.hidden.weight, self.hidden.bias).tanh_()
        return F.linear(hidden, self.head.weight, self.head.bias)


def modules() -> Network:
    return network(Modules(), "last_act")


def functions() -> Network:
    return network(Functions(), "last_act")


def resnet18() -> Network:
    return _known(torchvision.models.resnet18(num_classes=5), 64)


def vgg16() -> Network:
    """The classifier narrowed, which leaves all its operations."""
    module = torchvision.models.vgg16(init_weights=False)
    module.classifier[0] = nn.Linear(512 * 7 * 7, 32)
    module.classifier[3] = nn.Linear(32, 32)
    module.classifier[6] = nn.Linear(32, 5)
    return _known(module, 64)


def efficientnet_lite() -> Network:
    return _known(EfficientNet.from_name("efficientnet-lite0", num_classes=5, image_size=64), 64)


def _known(module: nn.Module, size: int) -> Network:
    """In float64 and eval mode, its weights seeded, of a size that keeps activations alive."""
    made = network(module, "", size=size)
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for child in module.modules():
            if isinstance(child, nn.Conv2d | nn.Linear):
                spread = (2 / child.weight[0].numel()) ** 0.5
                child.weight.copy_(torch.randn(child.weight.shape, generator=generator) * spread)
    return made
