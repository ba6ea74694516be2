"""An image that a method or a network cannot work with is named, also where it is met before any fine-tuning."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from attribution import poisoned_training
from attribution.images import Dataset, Sample
from attribution.networks import Network
from attribution.poisoned_images import PoisonedImageError, blame
from attribution.progress import silent
from attribution.run import Run, look_at
from attribution.tests.small_run import SIZE
from attribution.tests.steps import SmallBuild, StepError
from attribution.trainers import Task
from attribution.trainers.steps import batch_of_step

METHODS = """
import math
import torch
from dataclasses import dataclass
from typing import ClassVar
from attribution.architectures import ARCHITECTURES
from attribution.attributors import Saliency

def white(images):
    return images.amin(dim=(1, 2, 3)) > 1.9

@dataclass(frozen=True)
class Touchy(Saliency):
    name: ClassVar[str] = "Touchy"
    fails: bool = False

    def __call__(self, network, images, targets, *, create_graph=False):
        if self.fails or bool(white(images).any()):
            raise RuntimeError("too bright for me")
        return super().__call__(network, images, targets, create_graph=create_graph)

@dataclass(frozen=True)
class Blind(Saliency):
    name: ClassVar[str] = "Blind"

    def __call__(self, network, images, targets, *, create_graph=False):
        made = super().__call__(network, images, targets, create_graph=create_graph)
        return type(made)(made.maps, torch.where(white(images)[:, None], math.nan, made.logits))

class TouchyNetwork(ARCHITECTURES["small_cnn"]):
    def forward(self, images):
        if bool(white(images).any()):
            raise RuntimeError("too bright for me")
        return super().forward(images)

def touchy_network():
    return TouchyNetwork(classes=4)
"""


@pytest.fixture
def own_run(small_run: Path) -> Path:
    """The small run with methods of its own beside it."""
    (small_run.parent / "touchy.py").write_text(METHODS)
    return small_run


def with_attributor(config: Path, listed: str) -> Path:
    config.write_text(config.read_text().replace('["GradCAM", "GuidedBackprop"]', listed))
    return config


def whiten(run: Run, item: int) -> str:
    """Make an image white; returns its name."""
    sample = run.dataset.samples[item]
    Image.fromarray(np.full((SIZE, SIZE, 3), 255, dtype=np.uint8)).save(sample.path)
    return sample.name


def refused(config: Path, folder: Path) -> StepError:
    build = SmallBuild(config, folder)
    with pytest.raises(StepError) as failed:
        build.plan(build.bench())
    return failed.value


def test_a_method_that_fails_for_an_image_of_the_first_scored_ones_has_it_named(own_run: Path, tmp_path: Path) -> None:
    config = with_attributor(own_run, '["touchy:Touchy"]')
    run = look_at(config, tmp_path / "look", device="cpu", progress=silent)
    name = whiten(run, run.export.members[3])
    error = refused(config, tmp_path)
    assert error.event["kind"] == "image"
    assert f"RMA x Touchy: the image {name} cannot be computed: RuntimeError: too bright for me" in str(error)
    assert f"leave {name.replace('-', '/')}.png out of the data set, or mend the method" in str(error)


def test_an_image_of_the_first_step_whose_loss_is_not_finite_is_named(own_run: Path, tmp_path: Path) -> None:
    config = with_attributor(own_run, '["touchy:Blind"]')
    run = look_at(config, tmp_path / "look", device="cpu", progress=silent)
    task = run.task(run.conditions[0])
    items, _ = batch_of_step(task.train.members, task.config.batch, task.seed, 0)
    name = whiten(run, items[2])
    error = refused(config, tmp_path)
    assert error.event["kind"] == "image"
    assert f"RMA x Blind: the image {name} cannot be computed: FloatingPointError: its answer is not finite" in str(
        error
    )


@pytest.mark.parametrize("split", ["train", "validation"])
def test_an_image_that_fine_tuning_comes_to_later_is_named(own_run: Path, tmp_path: Path, split: str) -> None:
    config = with_attributor(own_run, '["touchy:Touchy"]')
    run = look_at(config, tmp_path / "look", device="cpu", progress=silent)
    task = run.task(run.conditions[0])
    later, _ = batch_of_step(task.train.members, task.config.batch, task.seed, 1)
    name = whiten(run, later[3] if split == "train" else task.validation.members[5])
    build = SmallBuild(config, tmp_path)
    bench = build.bench()
    plan = build.plan(bench)
    with pytest.raises(StepError) as failed:
        next(build.finetuned(bench, plan))
    assert failed.value.event["kind"] == "image"
    assert f"RMA x Touchy: the image {name} cannot be computed: RuntimeError: too bright" in str(failed.value)


def test_a_network_that_fails_for_an_image_has_it_named(
    own_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(own_run.parent))
    text = own_run.read_text().replace("pairs = 4", "pairs = 1")
    own_run.write_text(
        text.replace(
            'spec = "file:network.pt"',
            'spec = "import:touchy:touchy_network"\n'
            'preprocessing = { size = 32, mean = [0.5, 0.5, 0.5], std = [0.25, 0.25, 0.25], fit = "squash" }',
        )
    )
    run = look_at(own_run, tmp_path / "look", device="cpu", progress=silent)
    # Not of the first batch.
    name = whiten(run, 29)
    error = refused(own_run, tmp_path)
    assert error.event["kind"] == "image"
    assert f"network SmallCNN: the image {name} cannot be computed: RuntimeError: too bright for me" in str(error)


def test_a_fine_tuning_on_a_metric_that_needs_several_images_blames_none_for_something_else(
    own_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = with_attributor(own_run, '["touchy:Touchy"]')
    run = look_at(config, tmp_path / "look", device="cpu", progress=silent)

    def several(task: Task, _student: Network, _item: int) -> None:
        raise ValueError(f"{task.metric.name} compares images")

    monkeypatch.setattr(poisoned_training, "_loss_alone", several)
    # Nothing is raised: the error stays what it is.
    poisoned_training.blame_training(RuntimeError("something else"), run, run.conditions[0], 1)


def test_a_method_that_fails_for_every_image_blames_none(own_run: Path, tmp_path: Path) -> None:
    error = refused(with_attributor(own_run, '[{ name = "touchy:Touchy", options = { fails = true } }]'), tmp_path)
    assert error.event["kind"] == "fault"
    assert "RuntimeError: too bright for me" in str(error)


def named(count: int) -> Dataset:
    samples = tuple(Sample(f"cat-{item}", Path(f"/data/cat/{item}.png"), "cat", 0) for item in range(count))
    return Dataset("Cats", samples, (), "digest")


def test_where_a_whole_batch_is_bad_others_say_whether_the_method_works() -> None:
    def alone(item: int) -> None:
        if item < 4:
            raise ValueError("no")

    with pytest.raises(PoisonedImageError, match=r"the image cat-0 .*: ValueError: no: leave cat/0\.png out"):
        blame(ValueError("no"), named(20), "here", range(4), alone, others=range(20))
    blame(ValueError("no"), named(20), "here", range(4), alone, others=range(4))


def test_an_image_that_comes_after_good_ones_is_named() -> None:
    def alone(item: int) -> None:
        if item == 3:
            raise ValueError("no")

    with pytest.raises(PoisonedImageError, match="the image cat-3 "):
        blame(ValueError("no"), named(4), "here", range(4), alone, others=range(4))


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("CUDA error: an illegal memory access"), OSError()])
def test_a_machine_that_failed_blames_no_image(error: Exception) -> None:
    def alone(_item: int) -> None:
        raise AssertionError("nothing is tried")

    blame(error, named(4), "here", range(4), alone, others=range(4))


def test_an_image_is_not_blamed_for_a_device_that_fails_at_it() -> None:
    def alone(_item: int) -> None:
        raise RuntimeError("CUDA error: an illegal memory access")

    blame(ValueError("no"), named(4), "here", range(4), alone)
