"""What a fine-tuning step costs beside what it cannot do without: RMA x GradCAM and Focus x GuidedBackprop.

A step is the trainer's own: it draws and loads the batch, makes maps with a graph, both losses, the parameters'
gradient, clips it and moves the weights. Its unavoidable parts are written out in plain torch on tensors that are there
already, with no attributor, metric, trainer or optimizer:

- teacher forward: the original without a graph on the mosaics (Focus); nothing for RMA, whose plain images the original
  has answered before;
- student forward: with a graph, on what the map explains, and for Focus also on the plain images it stays faithful on;
- double backward: the gradient of the target logits with respect to the feature map (GradCAM) or the input
  (GuidedBackprop, here without its rule) with a graph, a fixed weighting of the map's pixels as a loss, the fidelity
  loss beside it, and the gradient of both with respect to all parameters.

All are timed in turns in one run; a ratio is the median over rounds of step / sum of parts within the round.
Networks have random weights, which changes no time. The goal is 1.2 or less.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

sys.path.insert(0, str(Path(__file__).parents[1]))

from attribution.attributors import ATTRIBUTORS
from attribution.config import NetworkConfig, PreprocessingConfig, TrainingConfig
from attribution.images import Decoded
from attribution.metrics import METRICS
from attribution.networks import Network, load_network
from attribution.split_view import SplitView
from attribution.trainers import Task
from attribution.trainers.fidelity import fidelity_loss, losses
from attribution.trainers.loop import Plan, StepLoss, take_step, trainable
from attribution.trainers.steps import prepare_batch
from benchmarks.table import Row, interleaved, print_table

CASES = (("RMA", "GradCAM"), ("Focus", "GuidedBackprop"))
CLASSES = 5
SPECS: dict[str, tuple[str, dict[str, Any]]] = {
    "resnet18": ("torchvision:resnet18", {}),
    "vgg16": ("torchvision:vgg16", {}),
    "efficientnet-lite0": (
        "import:efficientnet_lite_pytorch:EfficientNet.from_name",
        {"model_name": "efficientnet-lite0"},
    ),
}


def load(name: str, size: int, device: torch.device) -> Network:
    spec, arguments = SPECS[name]
    shape = PreprocessingConfig(size=size, mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25), fit="squash")
    config = NetworkConfig(name=name, spec=spec, arguments=arguments, preprocessing=shape)
    torch.manual_seed(0)
    return load_network(config, "benchmark").to(device)


def make_task(network: Network, metric: str, attributor: str, batch: int, device: torch.device) -> Task:
    """A task on noise: times do not depend on what the images show."""
    size, count = network.preprocessing.size, CLASSES * max(4, batch)
    rng = np.random.default_rng(0)
    masks = np.zeros((count, size, size), dtype=bool)
    masks[:, size // 4 : -size // 4, size // 4 : -size // 4] = True
    images = rng.integers(0, 256, size=(count, size, size, 3), dtype=np.uint8)
    split = SplitView(
        "train",
        tuple(range(count)),
        Decoded(images=images, masks=masks, readable=np.ones(count, bool), unreadable=(), empty_masks=()),
        np.arange(count) % CLASSES,
        tuple(map(str, range(count))),
        network.preprocessing,
        device,
    )
    return Task(
        original=network,
        attributor=ATTRIBUTORS[attributor](),
        metric=METRICS[metric](),
        train=split,
        validation=split,
        logits=torch.randn(count, network.classes, generator=torch.Generator().manual_seed(0)),
        predictions=np.zeros(count, dtype=np.int64),
        config=TrainingConfig(batch=batch),
        seed=0,
        batch=batch,
    )


def functions(task: Task) -> dict[str, Callable[[], object]]:
    """The step and its unavoidable parts. A later part goes on from the graph that an earlier one has left."""
    student = task.original.copy()
    parameters = trainable(student)
    optimizer = torch.optim.Adam(parameters, lr=1e-9, fused=True)

    def loss(network: Network, step: int) -> StepLoss:
        return losses(task, network, prepare_batch(task, step), 0.05)

    plan = Plan(loss=loss, learning_rate=1e-9, steps=1)
    batch = prepare_batch(task, 0)
    inputs, targets = batch.probe.inputs, batch.probe.targets
    to_input = task.attributor.name == "GuidedBackprop"
    weights = torch.randn(1, 1, 1, 1, device=inputs.device).expand(1, 1, *inputs.shape[2:])

    def forward(network: nn.Module) -> tuple[Tensor, Tensor, Tensor | None]:
        kept: list[Tensor] = []
        images = inputs.detach().requires_grad_() if to_input else inputs
        handle = student.feature_layer().register_forward_hook(lambda _m, _i, output: kept.append(output))
        logits: Tensor = network(images)
        handle.remove()
        plain = None if batch.plain is None else network(batch.plain[0])
        return logits, images if to_input else kept[-1], plain

    def backward(made: tuple[Tensor, Tensor, Tensor | None]) -> None:
        logits, explained, plain = made
        (gradient,) = torch.autograd.grad(logits.gather(1, targets[:, None]).sum(), explained, create_graph=True)
        values = gradient if to_input else gradient.mean(dim=(2, 3), keepdim=True) * explained
        total = (values.sum(dim=1, keepdim=True) * F.interpolate(weights, values.shape[2:])).sum()
        total = total + fidelity_loss(batch.wanted, logits)
        if plain is not None and batch.plain is not None:
            total = total + fidelity_loss(batch.plain[1], plain)
        torch.autograd.grad(total, parameters, allow_unused=True)

    def teacher() -> None:
        if batch.probe.items is None:
            with torch.no_grad():
                task.original.logits(inputs)

    state: dict[str, Any] = {}

    def student_forward() -> None:
        state["made"] = forward(student.module)

    def double_backward() -> None:
        backward(state.pop("made"))

    def parts() -> None:
        teacher()
        student_forward()
        double_backward()

    return {"step": lambda: take_step(task, plan, student, parameters, optimizer, 0), "parts": parts}


def rows(
    networks: Sequence[str] = tuple(SPECS),
    *,
    size: int = 224,
    batch: int = 8,
    repetitions: int = 7,
    device: str = "cpu",
) -> list[Row]:
    """A row per network and case: seconds of a step and of the parts, and their ratio."""
    found: list[Row] = []
    on = torch.device(device)
    wait = torch.cuda.synchronize if on.type == "cuda" else None
    for name in networks:
        network = load(name, size, on)
        for metric, attributor in CASES:
            seconds = interleaved(
                functions(make_task(network, metric, attributor, batch, on)), repetitions, synchronise=wait
            )
            found.append(
                {
                    "network": name,
                    "case": f"{metric} x {attributor}",
                    "size": size,
                    "batch": batch,
                    "step [s]": median(seconds["step"]),
                    "unavoidable parts [s]": median(seconds["parts"]),
                    "ratio": median(s / p for s, p in zip(seconds["step"], seconds["parts"], strict=True)),
                    "goal": 1.2,
                }
            )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="+", choices=list(SPECS), default=list(SPECS))
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--repetitions", type=int, default=7)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--out", type=Path, help="append the table to this file (Markdown)")
    options = parser.parse_args()
    table = rows(
        options.networks,
        size=options.size,
        batch=options.batch,
        repetitions=options.repetitions,
        device=options.device,
    )
    print_table("Fine-tuning step against its unavoidable parts", table, out=options.out)


if __name__ == "__main__":
    main()
