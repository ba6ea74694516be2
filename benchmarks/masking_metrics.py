"""ROAD's imputation and IROF beside Quantus', on the same images, maps and masks.

python benchmarks/masking_metrics.py [--size 224] [--images 16] [--quantus-images 2] [--irof-images 4] [--rounds 3]

Ours is timed on more images than Quantus' and both are given per image; `200 images` is what that comes to.
"""

import argparse
import sys
import warnings
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from table import Row, interleaved, medians, print_table, ratios
from torch import Tensor
from torch.nn import functional as F

# Run as a script, only this folder is on the path.
sys.path.insert(0, str(Path(__file__).parents[1]))

from attribution.attributors import Attribution
from attribution.metrics import Explained, Probe, superpixels
from attribution.metrics.imputation import linear_imputation
from attribution.metrics.irof import IROF
from attribution.metrics.masking import places
from attribution.metrics.road import PERCENTAGES
from attribution.networks import IMAGENET, Network
from attribution.prepared import prepared

STUDY = 200


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=224, help="pixels along a side")
    parser.add_argument("--images", type=int, default=16, help="images that our imputation is timed on")
    parser.add_argument("--quantus-images", type=int, default=2, help="images that Quantus' imputation is timed on")
    parser.add_argument("--irof-images", type=int, default=4, help="images that IROF is timed on; 0 leaves it out")
    parser.add_argument("--rounds", type=int, default=3)
    print_table("Masking metrics", rows(**vars(parser.parse_args())))


def rows(
    size: int = 224, images: int = 16, quantus_images: int = 2, irof_images: int = 4, rounds: int = 3
) -> list[Row]:
    """One row per comparison; `speed-up` is the median over rounds of Quantus' time by ours."""
    warnings.simplefilter("ignore")
    found = [
        imputation_row(kind, maps(kind, images, size), pictures(images, size), quantus_images, rounds)
        for kind in ("blobs", "grains")
    ]
    if irof_images:
        found.append(irof_row(irof_images, size, rounds))
    return found


def imputation_row(kind: str, relevance: Tensor, inputs: Tensor, quantus_images: int, rounds: int) -> Row:
    """All ten percentages of each image, without noise."""
    from quantus.functions.perturb_func import noisy_linear_imputation

    pixels = relevance[0].numel()
    place = places(relevance.flatten(1))
    counts = [int(pixels * percentage / 100) for percentage in PERCENTAGES]
    removed = torch.stack([place < count for count in counts], dim=1).view(len(inputs), -1, *relevance.shape[1:])

    def quantus() -> list[np.ndarray]:
        return [
            noisy_linear_imputation(picture, np.flatnonzero(mask), noise=0.0)
            for picture, masks in zip(
                inputs[:quantus_images].double().numpy(), removed.flatten(2).numpy(), strict=False
            )
            for mask in masks
        ]

    ours = partial(linear_imputation, inputs, removed)
    largest = float((torch.from_numpy(np.stack(quantus())) - ours()[:quantus_images].flatten(0, 1)).abs().max())
    seconds = interleaved({"Quantus": quantus, "Harmony": ours}, rounds, warmup=0)
    each = {
        "Quantus": [value / quantus_images for value in seconds["Quantus"]],
        "Harmony": [value / len(inputs) for value in seconds["Harmony"]],
    }
    return _row(f"ROAD imputation, {len(counts)} percentages, {kind}", each) | {"largest difference": largest}


def irof_row(count: int, size: int, rounds: int) -> Row:
    """All superpixels of each image through ResNet-18 with random weights."""
    from quantus import IROF as QuantusIROF  # noqa: N811
    from quantus.functions.perturb_func import baseline_replacement_by_mask
    from torchvision.models import resnet18

    torch.manual_seed(0)
    network = Network("ResNet18", "benchmark", resnet18(weights=None).eval(), IMAGENET, "layer4", 1000)
    inputs, relevance = pictures(count, size), maps("blobs", count, size)
    with torch.no_grad():
        logits = network.logits(inputs)
    targets = logits.argmax(dim=1)
    # Scoring asks a network that was prepared for it; Quantus has the network as it is.
    probe = Probe(inputs, targets, None, None, tuple(range(count)))
    explained = Explained(prepared(network), Given(), probe, relevance, logits)

    if "trapz" not in dir(np):  # Quantus 0.6.0 calls trapezoid() by its older name.
        setattr(np, "trapz", np.trapezoid)  # noqa: B010

    def replaced(arr: np.ndarray, mask: np.ndarray, **options: object) -> np.ndarray:
        # Quantus 0.6.0 gives masks of one channel to a function that refuses them for images of three.
        return baseline_replacement_by_mask(arr=arr, mask=np.broadcast_to(mask, arr.shape), **options)

    quantus = QuantusIROF(perturb_func=replaced, return_aggregate=False, normalise=False, disable_warnings=True)

    def theirs() -> object:
        return quantus(
            model=network.module,
            x_batch=inputs.numpy(),
            y_batch=targets.numpy(),
            a_batch=relevance[:, None].numpy(),
            device="cpu",
            batch_size=count,
        )

    def ours() -> Tensor:
        superpixels.forget()
        return IROF().scores(explained)

    seconds = interleaved({"Quantus": theirs, "Harmony": ours}, rounds, warmup=0)
    each = {name: [value / count for value in values] for name, values in seconds.items()}
    return _row(f"IROF, ResNet-18, {count} images", each)


class Given:
    """Stands in for an attributor where maps are given."""

    name = "Given"
    differentiable = False

    def __call__(self, network: Network, images: Tensor, targets: Tensor, *, create_graph: bool = False) -> Attribution:
        raise AssertionError("nobody asks for maps: they are given")


def maps(kind: str, count: int, size: int) -> Tensor:
    """Relevance [count, size, size]: ``"blobs"`` as of GradCAM, ``"grains"`` as of guided methods."""
    generator = torch.Generator().manual_seed(0)
    blobs = F.interpolate(torch.rand(count, 1, 7, 7, generator=generator), size=(size, size), mode="bilinear")
    if kind == "blobs":
        return blobs[:, 0]
    noise = torch.randn(count, 1, size, size, generator=generator)
    return (F.avg_pool2d(noise, 3, stride=1, padding=1) * blobs.square())[:, 0]


def pictures(count: int, size: int) -> Tensor:
    """Normalised images [count, 3, size, size] with detail at every scale."""
    generator = torch.Generator().manual_seed(1)
    layers = [torch.randn(count, 3, cells, cells, generator=generator) for cells in (7, 28, 112)]
    return sum((F.interpolate(layer, size=(size, size), mode="bilinear") for layer in layers), torch.zeros(())) / 2


def _row(what: str, each: dict[str, Sequence[float]]) -> Row:
    seconds = {name: list(values) for name, values in each.items()}
    median = medians(seconds)
    return {
        "what": what,
        "Quantus s/image": median["Quantus"],
        "Harmony s/image": median["Harmony"],
        "speed-up": ratios(seconds, "Harmony")["Quantus"],
        f"Quantus {STUDY} images s": median["Quantus"] * STUDY,
        f"Harmony {STUDY} images s": median["Harmony"] * STUDY,
    }


if __name__ == "__main__":
    main()
