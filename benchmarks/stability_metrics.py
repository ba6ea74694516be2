"""MaxSensitivity of a network's maps against Quantus' and captum's: the same images, samples and radius.

    .venv/bin/python benchmarks/stability_metrics.py [--images 8] [--samples 10] [--size 224] [--repetitions 5]

Everyone starts from images and a network with random weights, makes the maps of the images and of their perturbed
copies, and gives a score per image. Quantus and captum explain with captum; Quantus explains as many copies at once as
it is given images, the others at least 16. `maps alone` is what the copies' maps cost without any metric around them:
the rest of the time is the metric's own, and a ratio is limited by how fast maps can be made. `preparing` is done once
for a split, however many images it has, and is in no other row.
"""

import argparse
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from attribution.attributors import Attributor
from attribution.attributors.gradcam import GradCAM
from attribution.attributors.joint import explain
from attribution.attributors.saliency import Saliency
from attribution.config import NetworkConfig
from attribution.metrics import Explained, Probe
from attribution.metrics.max_sensitivity import MaxSensitivity
from attribution.metrics.perturbation import COPIES, passes
from attribution.networks import Network, frozen, load_network
from attribution.prepared import prepared
from benchmarks.table import Row, interleaved, medians, print_table, ratios

RADIUS = 0.02
ATTRIBUTORS: dict[str, Attributor] = {"GradCAM": GradCAM(), "Saliency": Saliency(signed=True)}


def rows(
    networks: Sequence[str] = ("resnet18",),
    *,
    images: int = 8,
    samples: int = 10,
    size: int = 224,
    repetitions: int = 5,
    device: str = "cpu",
) -> list[Row]:
    """A row per network, attributor and implementation: seconds (median), how many times Harmony's, mean score."""
    made: list[Row] = []
    for name in networks:
        torch.manual_seed(0)
        network = load_network(NetworkConfig(name=name, spec=f"torchvision:{name}"), "benchmark").to(
            torch.device(device)
        )
        inputs = torch.randn(images, 3, size, size).to(device)
        with torch.no_grad():
            targets = network.logits(inputs).argmax(dim=1)
        for attributor_name, attributor in ATTRIBUTORS.items():
            scores: dict[str, Tensor] = {}
            tried = {
                "Harmony": _harmony(prepared(network), attributor, inputs, targets, samples),
                "Quantus": _quantus(_captum(network, attributor_name), network, inputs, targets, samples),
                "captum": _captum_metric(_captum(network, attributor_name), inputs, targets, samples),
                "maps alone (Harmony)": _maps_alone(_own(prepared(network), attributor), inputs, targets, samples),
                "maps alone (captum)": _maps_alone(_captum(network, attributor_name), inputs, targets, samples),
                "preparing (Harmony)": _preparing(network),
            }
            seconds = interleaved(
                {each: _remembering(each, function, scores) for each, function in tried.items()},
                repetitions,
                synchronise=torch.cuda.synchronize if device == "cuda" else None,
            )
            middle, ratio = medians(seconds), ratios(seconds, "Harmony")
            made += [
                {
                    "network": name,
                    "attributor": attributor_name,
                    "implementation": each,
                    "seconds": middle[each],
                    "times Harmony": ratio[each],
                    "mean score": f"{float(scores[each].nanmean()):.3f}" if scores[each].numel() else "",
                }
                for each in tried
            ]
    return made


Maps = Callable[[Tensor, Tensor], Tensor]
Scores = Callable[[], Tensor]


def _remembering(name: str, function: Scores, scores: dict[str, Tensor]) -> Callable[[], None]:
    def run() -> None:
        scores[name] = function()

    return run


def _harmony(network: Network, attributor: Attributor, inputs: Tensor, targets: Tensor, samples: int) -> Scores:
    probe = Probe(inputs, targets, None, None, tuple(range(len(inputs))))

    def score() -> Tensor:
        with frozen(network):
            (made,) = explain(network, [attributor], inputs, targets)
            whole = Explained(network, attributor, probe, made.maps, made.logits)
            return MaxSensitivity(radius=RADIUS, samples=samples).scores(whole)

    return score


def _preparing(network: Network) -> Scores:
    def prepare() -> Tensor:
        prepared(network)
        return torch.empty(0)

    return prepare


def _own(network: Network, attributor: Attributor) -> Maps:
    def maps(images: Tensor, targets: Tensor) -> Tensor:
        with frozen(network):
            return explain(network, [attributor], images, targets)[0].maps

    return maps


def _captum(network: Network, attributor: str) -> Maps:
    """The same maps [N, H, W] with captum, gradients of parameters off."""
    from captum.attr import LayerAttribution, LayerGradCam
    from captum.attr import Saliency as CaptumSaliency

    module: nn.Module = network.module
    gradcam, saliency = LayerGradCam(module, network.feature_layer()), CaptumSaliency(module)

    def maps(images: Tensor, targets: Tensor) -> Tensor:
        with warnings.catch_warnings(), torch.enable_grad():
            warnings.simplefilter("ignore")
            if attributor == "GradCAM":
                coarse = gradcam.attribute(images, target=targets, relu_attributions=True)
                full: Tensor = LayerAttribution.interpolate(coarse, images.shape[2:], "bilinear")
                return full[:, 0].detach()
            signed: Tensor = saliency.attribute(images.clone(), target=targets, abs=False)
            return signed.sum(dim=1)

    return maps


def _quantus(explained: Maps, network: Network, inputs: Tensor, targets: Tensor, samples: int) -> Scores:
    from quantus.metrics.robustness.max_sensitivity import MaxSensitivity as QuantusMaxSensitivity

    def explain_func(model: nn.Module, inputs: np.ndarray, targets: np.ndarray, **_options: object) -> np.ndarray:
        images = torch.from_numpy(np.asarray(inputs, dtype=np.float32)).to(device)
        return explained(images, torch.from_numpy(targets).to(device)).cpu().numpy()[:, None]

    device = inputs.device
    images, classes = inputs.cpu().numpy(), targets.cpu().numpy()
    metric = QuantusMaxSensitivity(nr_samples=samples, lower_bound=RADIUS, disable_warnings=True)

    def score() -> Tensor:
        # Quantus divides by the norm of a zero map.
        with frozen(network), np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = metric(
                model=network.module,
                x_batch=images,
                y_batch=classes,
                explain_func=explain_func,
                batch_size=len(images),
                device=str(device),
            )
        return torch.tensor(np.asarray(found, dtype=float))

    return score


def _captum_metric(explained: Maps, inputs: Tensor, targets: Tensor, samples: int) -> Scores:
    from captum.metrics import sensitivity_max

    def explain_func(images: Tensor | tuple[Tensor, ...], target: Tensor) -> tuple[Tensor]:
        return (explained(images if isinstance(images, Tensor) else images[0], target),)

    def score() -> Tensor:
        found: Tensor = sensitivity_max(
            explain_func,
            inputs,
            perturb_radius=RADIUS,
            n_perturb_samples=samples,
            max_examples_per_batch=min(max(len(inputs), COPIES), len(inputs) * samples),
            target=targets,
        )
        return found

    return score


def _maps_alone(explained: Maps, inputs: Tensor, targets: Tensor, samples: int) -> Scores:
    def score() -> Tensor:
        for places, _ in passes(len(inputs), samples):
            explained(inputs[places], targets[places])
        return torch.empty(0)

    return score


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--networks", nargs="+", default=["resnet18"], help="names of torchvision")
    parser.add_argument("--images", type=int, default=8)
    parser.add_argument("--samples", type=int, default=10)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--out", type=Path, help="append the table to this file")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    table = rows(
        given.networks,
        images=given.images,
        samples=given.samples,
        size=given.size,
        repetitions=given.repetitions,
        device=given.device,
    )
    title = f"MaxSensitivity: {given.images} images of {given.size} px, {given.samples} samples, {given.device}"
    print_table(title, table, out=given.out)


if __name__ == "__main__":
    main()
