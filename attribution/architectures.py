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


ARCHITECTURES: dict[str, Callable[..., nn.Module]] = {"small_cnn": SmallCNN}
