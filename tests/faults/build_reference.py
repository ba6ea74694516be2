"""What builds of the tests are to come out as: bundles of the same configs, built by one process without faults.

`python -m tests.faults.build_reference FOLDER` writes pictures, a network, configs and the bundles.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

ATTRIBUTORS = {"small": "methods:Touchy", "other": "Saliency"}
"""The names of the configs, with what they have beside GradCAM."""
POISON = "poison.txt"
# A method of the study's own, which fails for the image whose pixels have the digest that a file names.
METHODS = """
import hashlib
import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from attribution.attributors import Saliency

POISON = Path(__file__).with_name("poison.txt")


@dataclass(frozen=True)
class Touchy(Saliency):
    name: ClassVar[str] = "Touchy"

    def __call__(self, network, images, targets, *, create_graph=False):
        if POISON.exists():
            how, wanted = POISON.read_text().split()
            pixels = ((images.detach() * 0.25 + 0.5) * 255).round().byte().permute(0, 2, 3, 1).contiguous()
            if wanted in [hashlib.sha256(image.numpy().tobytes()).hexdigest() for image in pixels]:
                if how == "kill":
                    os.kill(os.getpid(), signal.SIGKILL)
                raise RuntimeError("too bright for me")
        return super().__call__(network, images, targets, create_graph=create_graph)
"""
CONFIG = """
name = "{name}"
title = "A small study"
seed = {seed}
pairs = 6
attributors = ["GradCAM", "{attributor}"]
export_unimproved = true
batch = 4

[dataset]
name = "Shapes"
layout = "folder"
images = "images"
masks = "masks"
splits = {{ train = 0.4, validation = 0.3, export = 0.3 }}

[network]
name = "SmallCNN"
spec = "file:network.pt"

[[metrics]]
name = "RMA"
training = {{ weight = 0.5, learning_rate = 1e-3, steps = 40, validate_every = 5, minimum_agreement = 0.5 }}
"""


@dataclass(frozen=True)
class Reference:
    """A config, and the bundle that it leads to."""

    folder: Path
    name: str

    @property
    def config(self) -> Path:
        return self.folder / f"{self.name}.toml"

    @property
    def bundle(self) -> Path:
        return self.folder / f"{self.name}-run" / "bundle"

    @property
    def poison(self) -> Path:
        return self.folder / POISON


def write_references(folder: Path) -> None:
    """Write everything; takes torch, so the tests have a process of its own do it."""
    from attribution import pipeline
    from attribution.tests.small_run import write_small_run

    write_small_run(folder, per_class=20).unlink()
    (folder / "methods.py").write_text(METHODS)
    for seed, (name, attributor) in enumerate(ATTRIBUTORS.items(), start=5):
        config = folder / f"{name}.toml"
        config.write_text(CONFIG.format(name=name, seed=seed, attributor=attributor))
        pipeline.build(config, folder / f"{name}-run", device="cpu")


if __name__ == "__main__":
    write_references(Path(sys.argv[1]))
