"""Tiny networks of torchvision whose features are tokens, or maps with the channels last."""

from torch import Tensor, nn
from torchvision.models.swin_transformer import SwinTransformer
from torchvision.models.vision_transformer import VisionTransformer

from attribution.networks import Network
from attribution.tests.small_networks import SIZE, network

CLASSES = 5


def vit(layer: str = "encoder.layers.encoder_layer_1.ln_1") -> Network:
    """Two blocks on a class token and 4 x 4 patches."""
    module = VisionTransformer(
        image_size=SIZE, patch_size=4, num_layers=2, num_heads=2, hidden_dim=8, mlp_dim=16, num_classes=CLASSES
    )
    return network(module, layer)


def vit_of_relus() -> Network:
    """The same with ReLUs between its linear layers, which guided methods reach."""
    tested = vit()
    for block in tested.module.encoder.layers:  # type: ignore[union-attr]
        block.mlp[1] = nn.ReLU()
    return tested


def swin(layer: str = "permute", *, seed: int = 0) -> Network:
    """Two stages; the last puts out 4 x 4 places of 16 channels, which come last until `permute`."""
    module = SwinTransformer([2, 2], 8, [1, 1], [1, 2], [2, 2], stochastic_depth_prob=0.0, num_classes=CLASSES)
    return network(module, layer, seed=seed)


class PooledTokens(nn.Module):
    """Patches as tokens [N, 16, 6] without a class token, after `leading` constant ones, averaged at the end."""

    def __init__(self, leading: int = 0) -> None:
        super().__init__()
        self.leading = leading
        self.patches = nn.Conv2d(3, 6, 4, stride=4)
        self.tokens = nn.Tanh()
        self.head = nn.Linear(6, CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        x = self.patches(images).flatten(2).transpose(1, 2)
        x = self.tokens(nn.functional.pad(x, (0, 0, self.leading, 0)))
        return self.head(x[:, self.leading :].mean(dim=1))  # type: ignore[no-any-return]


class PooledMaps(PooledTokens):
    """The same function of images with maps in the place of tokens."""

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.tokens(self.patches(images)).mean(dim=(2, 3)))  # type: ignore[no-any-return]
