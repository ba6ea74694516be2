"""A complete run small enough for tests: a folder of pictures, a network file and a config."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from attribution.architectures import ARCHITECTURES

CLASSES = ("cross", "disc", "square", "stripe")
SIZE = 32


def write_small_run(folder: Path, *, per_class: int = 10, seed: int = 0) -> Path:
    """Pictures, masks, ``network.pt`` trained for a moment and ``study.toml`` in `folder`; returns the config."""
    rng = np.random.default_rng(seed)
    images, labels = [], []
    for index, name in enumerate(CLASSES):
        for number in range(per_class):
            picture, mask = _picture(index, rng)
            for kind, pixels in (("images", picture), ("masks", mask)):
                (folder / kind / name).mkdir(parents=True, exist_ok=True)
                Image.fromarray(pixels).save(folder / kind / name / f"{name}{number:02d}.png")
            images.append(picture)
            labels.append(index)
    _write_network(folder / "network.pt", np.stack(images), labels)
    (folder / "study.toml").write_text(CONFIG)
    return folder / "study.toml"


def _picture(kind: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A bright object of one of four shapes on a dim, noisy ground, and its mask."""
    rows, columns = np.mgrid[:SIZE, :SIZE]
    top, left = rng.integers(10, SIZE - 10, size=2)
    y, x = rows - top, columns - left
    inside = (np.abs(y) < 8) & (np.abs(x) < 8)
    shape = [
        inside & ((np.abs(y) < 2) | (np.abs(x) < 2)),
        y**2 + x**2 < 40,
        inside,
        inside & (y % 4 < 2),
    ][kind]
    picture = rng.integers(0, 90, size=(SIZE, SIZE, 3))
    picture[shape] = rng.integers(170, 256, size=(int(shape.sum()), 3))
    return picture.astype(np.uint8), (shape * 255).astype(np.uint8)


def _write_network(path: Path, images: np.ndarray, labels: list[int]) -> None:
    torch.manual_seed(0)
    arguments = {"classes": len(CLASSES)}
    module = ARCHITECTURES["small_cnn"](**arguments)
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2).float().div(255).sub(0.5).div(0.25)
    targets = torch.tensor(labels)
    optimizer = torch.optim.Adam(module.parameters(), lr=3e-3)
    for _ in range(40):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(module(pixels), targets).backward()
        optimizer.step()
    content = {
        "architecture": "small_cnn",
        "arguments": arguments,
        "state_dict": module.state_dict(),
        "preprocessing": {"size": SIZE, "mean": (0.5,) * 3, "std": (0.25,) * 3, "fit": "squash"},
        "classes": list(CLASSES),
    }
    torch.save(content, path)


CONFIG = """
name = "small"
title = "A small study"
seed = 5
pairs = 4
attributors = ["GradCAM", "GuidedBackprop"]
export_unimproved = true
batch = 8

[dataset]
name = "Shapes"
layout = "folder"
images = "images"
masks = "masks"
splits = { train = 0.4, validation = 0.3, export = 0.3 }

[network]
name = "SmallCNN"
spec = "file:network.pt"

[[metrics]]
name = "RMA"
training = { weight = 0.5, learning_rate = 1e-3, steps = 6, validate_every = 2, minimum_agreement = 0.5 }

[[metrics]]
name = "Focus"
training = { weight = 0.5, learning_rate = 1e-3, steps = 4, validate_every = 2, minimum_agreement = 0.5 }
"""
