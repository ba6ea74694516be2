"""The demo's network: trained on pictures with the shortcut, so that it looks at the tag."""

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

from attribution.architectures import ARCHITECTURES
from attribution.errors import InputError
from attribution.images import Preprocessing, list_folder, normalise
from attribution.progress import Progress, silent
from attribution.synthetic.dataset import TEST_STREAM, TRAINING_STREAM, scenes
from attribution.synthetic.scenes import SIDE, Scene, TagShares
from attribution.synthetic.shapes import CLASSES

logger = logging.getLogger(__name__)

# Enough right tags that the network relies on them, enough others that it knows the shapes as well.
TRAINING_TAGS = TagShares(right=0.7, wrong=0.05, none=0.25)
PREPROCESSING = Preprocessing(size=SIDE, mean=(0.45, 0.45, 0.45), std=(0.25, 0.25, 0.25), fit="squash")


@dataclass(frozen=True)
class TrainingSettings:
    """How much the network sees, and how fast it learns."""

    images_per_class: int = 200
    epochs: int = 12
    batch: int = 32
    learning_rate: float = 4e-3
    test_images_per_class: int = 20
    threads: int = 2


@dataclass(frozen=True)
class Accuracy:
    """Share of right answers: on the images of the study, and on new pictures without a tag and with a wrong one."""

    study: float
    without_tag: float
    wrong_tag: float


def train_small_network(
    data: Path,
    out_file: Path,
    *,
    seed: int,
    architecture: str = "small_cnn",
    progress: Progress = silent,
    settings: TrainingSettings | None = None,
) -> Accuracy:
    """Trains a small network on new scenes of a seed (never the images in ``data``) and writes it to ``out_file``.

    The file holds architecture, arguments, state_dict, preprocessing, classes and accuracy, and loads with
    ``weights_only=True``. Raises InputError if ``data`` is not a folder that `synthesize` wrote. The same seed gives
    the same weights on the same machine.
    """
    settings = settings or TrainingSettings()
    with _reproducible(seed, settings.threads):
        study = _study(data)
        network = ARCHITECTURES[architecture](classes=len(CLASSES))
        total = settings.images_per_class * len(CLASSES)
        training = scenes(seed=seed, stream=TRAINING_STREAM, per_class=settings.images_per_class, tags=TRAINING_TAGS)
        images, labels = _arrays(_watched(training, "drawing training images", total, progress))
        _fit(network, images, labels, settings, progress)
        accuracy = Accuracy(
            study=_accuracy(network, *study),
            without_tag=_accuracy(network, *_arrays(_test_scenes(seed, settings, TagShares(0, 0, 1)))),
            wrong_tag=_accuracy(network, *_arrays(_test_scenes(seed, settings, TagShares(0, 1, 0)))),
        )
    logger.info(
        "network accuracy: %.2f on the images of the study, %.2f without a tag, %.2f with a wrong tag",
        accuracy.study,
        accuracy.without_tag,
        accuracy.wrong_tag,
    )
    content = {
        "architecture": architecture,
        "arguments": {"classes": len(CLASSES)},
        "state_dict": network.state_dict(),
        "preprocessing": asdict(PREPROCESSING),
        "classes": list(CLASSES),
        "accuracy": asdict(accuracy),
    }
    beside = out_file.with_name(out_file.name + ".tmp")
    torch.save(content, beside)
    beside.replace(out_file)
    return accuracy


def _fit(network: nn.Module, images: Tensor, labels: Tensor, settings: TrainingSettings, progress: Progress) -> None:
    """AdamW with a one-cycle learning rate; images are mirrored at random."""
    network.train().to(memory_format=torch.channels_last)
    batches = max(1, len(images) // settings.batch)
    steps = settings.epochs * batches
    optimizer = torch.optim.AdamW(network.parameters(), lr=settings.learning_rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, settings.learning_rate, total_steps=steps)
    for step in range(steps):
        if step % batches == 0:
            order = torch.randperm(len(images))
        chosen = order[(step % batches) * settings.batch :][: settings.batch]
        batch = images[chosen]
        if torch.rand(()) < 0.5:
            batch = batch.flip(3)
        loss = functional.cross_entropy(network(batch.contiguous(memory_format=torch.channels_last)), labels[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        progress("training the network", step + 1, steps)
    network.eval().to(memory_format=torch.contiguous_format)


def _arrays(made: Iterable[Scene]) -> tuple[Tensor, Tensor]:
    """Normalised images [N, 3, SIDE, SIDE] and class indices [N]."""
    index = {label: place for place, label in enumerate(CLASSES)}
    images: list[NDArray[np.uint8]] = []
    labels: list[int] = []
    for scene in made:
        images.append(scene.image)
        labels.append(index[scene.label])
    return normalise(np.stack(images), PREPROCESSING), torch.tensor(labels)


def _study(data: Path) -> tuple[Tensor, Tensor]:
    dataset = list_folder(data / "images", name="study", where=str(data))
    if list(dataset.classes.values()) != list(CLASSES) or dataset.unreadable:
        raise InputError(f"{data}: does not hold the images that synthesize wrote: write them again")
    images = np.stack([np.asarray(Image.open(sample.path)) for sample in dataset.samples])
    return normalise(images, PREPROCESSING), torch.tensor([sample.class_index for sample in dataset.samples])


def _test_scenes(seed: int, settings: TrainingSettings, tags: TagShares) -> Iterator[Scene]:
    return scenes(seed=seed, stream=TEST_STREAM, per_class=settings.test_images_per_class, tags=tags)


def _accuracy(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    with torch.no_grad():
        answers = torch.cat([network(part).argmax(dim=1) for part in images.split(64)])
    return float((answers == labels).float().mean())


def _watched(made: Iterator[Scene], what: str, total: int, progress: Progress) -> Iterator[Scene]:
    for done, scene in enumerate(made, start=1):
        progress(what, done, total)
        yield scene


@contextmanager
def _reproducible(seed: int, inside: int) -> Iterator[None]:
    """A fixed seed and number of threads inside the block; both are as before afterwards."""
    before = torch.get_num_threads()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        # The sum over threads depends on how many there are.
        torch.set_num_threads(inside)
        try:
            yield
        finally:
            torch.set_num_threads(before)
