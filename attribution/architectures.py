"""Architectures by name, for network files that hold weights only."""

from collections.abc import Callable

from torch import Tensor, nn

# Of each layer: channels as a multiple of the width, kernel, stride. No dilation: it leaves a grid in the maps.
_SMALL_CNN_LAYERS = ((1, 5, 2), (2, 3, 2), (4, 3, 2), (4, 3, 1), (6, 3, 1))


class SmallCNN(nn.Module):
    """Five convolutions with BatchNorm and ReLU, global average pooling, a linear head.

    At width 16 it has 118 thousand parameters. ``features`` puts out a map of an eighth of the image's side, each
    place of which sees 49 x 49 pixels.
    """

    def __init__(self, classes: int, width: int = 16) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for factor, kernel, stride in _SMALL_CNN_LAYERS:
            out = width * factor
            layers += [
                nn.Conv2d(channels, out, kernel, stride=stride, padding=kernel // 2, bias=False),
                nn.BatchNorm2d(out),
                nn.ReLU(),
            ]
            channels = out
        self.features = nn.Sequential(*layers)
        self.head = nn.Linear(channels, classes)

    def forward(self, images: Tensor) -> Tensor:
        """Logits [N, classes] of images [N, 3, H, W]."""
        logits: Tensor = self.head(self.features(images).mean(dim=(2, 3)))
        return logits


class SmallResNet(nn.Module):
    """A strided convolution, three residual stages with BatchNorm and in-place ReLU, global pooling, a linear head.

    At width 24 it has 127 thousand parameters. ``stages`` puts out a map of an eighth of the image's side.
    """

    def __init__(self, classes: int, width: int = 24) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, width, 5, stride=2, padding=2, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True)
        )
        self.stages = nn.Sequential(
            Residual(width, width, stride=1),
            Residual(width, 2 * width, stride=2),
            Residual(2 * width, 3 * width, stride=2),
        )
        self.head = nn.Linear(3 * width, classes)

    def forward(self, images: Tensor) -> Tensor:
        """Logits [N, classes] of images [N, 3, H, W]."""
        logits: Tensor = self.head(self.stages(self.stem(images)).mean(dim=(2, 3)))
        return logits


class Residual(nn.Module):
    """Two 3 x 3 convolutions beside the identity, or beside a 1 x 1 convolution where the shape changes (He 2016)."""

    def __init__(self, channels: int, out: int, *, stride: int) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(
            nn.Conv2d(channels, out, 3, stride=stride, padding=1, bias=False),
            nn.BatchNorm2d(out),
            nn.ReLU(inplace=True),
            nn.Conv2d(out, out, 3, padding=1, bias=False),
            nn.BatchNorm2d(out),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or channels != out:
            self.shortcut = nn.Sequential(nn.Conv2d(channels, out, 1, stride=stride, bias=False), nn.BatchNorm2d(out))
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.relu(self.convolutions(x) + self.shortcut(x))
        return made


ARCHITECTURES: dict[str, Callable[..., nn.Module]] = {"small_cnn": SmallCNN, "small_resnet": SmallResNet}
