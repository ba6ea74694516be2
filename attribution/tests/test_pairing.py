"""Which images a study shows, and what its manifest says of the others."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from attribution import pipeline
from attribution.config import DatasetConfig
from attribution.errors import InputError
from attribution.pairing import _within, choose_images
from attribution.run import Run
from attribution.scoring import Scored


def run_of(images: int, **dataset: Path) -> Run:
    """A run whose images 10, 11, ... are all of class 0, as the original says."""
    answers = SimpleNamespace(predictions=np.zeros(10 + images, dtype=int))
    export = SimpleNamespace(members=tuple(range(10, 10 + images)), targets=np.zeros(10 + images, dtype=int))
    settings = DatasetConfig(name="set", layout="voc", images=Path("/far/VOC2012"), **dataset)  # type: ignore[arg-type]
    config = SimpleNamespace(pairs=2, dataset=settings)
    originals = {"network": SimpleNamespace(answers=answers)}
    return cast(Run, SimpleNamespace(where="study.toml", export=export, originals=originals, config=config))


def scored(name: str, drawable: list[bool], faithful: bool = True) -> Scored:
    condition = SimpleNamespace(name=name, trainer=SimpleNamespace(faithful=faithful))
    finetuned = SimpleNamespace(predictions=np.zeros(len(drawable), dtype=int))
    return cast(Scored, SimpleNamespace(condition=condition, finetuned=finetuned, drawable=np.array(drawable)))


def test_an_image_whose_map_is_not_finite_is_left_out_of_all_conditions_and_counted() -> None:
    chosen = choose_images(run_of(4), [scored("a", [True] * 4), scored("b", [False, True, True, True], faithful=False)])
    assert chosen.items == (11, 12)
    assert chosen.dropped == {
        "original network wrong": 0,
        "a wrong": 0,
        "b map not finite": 1,
        "more than wanted": 1,
    }


def test_a_condition_that_leaves_no_image_is_named() -> None:
    with pytest.raises(InputError, match=r"study\.toml: b: no image is left whose maps are finite"):
        choose_images(run_of(2), [scored("a", [True, True]), scored("b", [False, False])])


def test_what_was_left_out_is_named_without_the_folders_of_this_machine() -> None:
    run = run_of(2, annotations=Path("/far/coco/instances.json"), masks=Path("/far/VOC2012/masks"))
    assert _within(run, "/far/VOC2012: 5 images left out") == "VOC2012: 5 images left out"
    assert _within(run, "/far/coco/instances.json: 2 images left out") == "instances.json: 2 images left out"
    assert _within(run, "/far/VOC2012/masks/a.png: cut off") == "a.png: cut off"
    assert _within(run, "/far/VOC2012/images/a.png: cut off") == "images/a.png: cut off"


OWN_ATTRIBUTOR = """
from dataclasses import dataclass
from typing import ClassVar

import torch

from attribution.attributors import Attribution


@dataclass(frozen=True)
class Holes:
    name: ClassVar[str] = "Holes"
    differentiable: ClassVar[bool] = False

    def __call__(self, network, images, targets, *, create_graph=False):
        broken = targets >= FIRST
        maps = torch.where(broken[:, None, None], torch.nan, images[:, 0])
        return Attribution(maps, network.logits(images).detach())
"""


@pytest.mark.parametrize(("first", "lost"), [("3", "some"), ("0", "all")])
def test_maps_with_holes_do_not_end_a_build(small_run: Path, tmp_path: Path, first: str, lost: str) -> None:
    (small_run.parent / f"holes_{lost}.py").write_text(OWN_ATTRIBUTOR.replace("FIRST", first))
    text = small_run.read_text().replace('["GradCAM", "GuidedBackprop"]', f'["holes_{lost}:Holes"]')
    text = text.replace("pairs = 4", "pairs = 2")
    small_run.write_text(
        text[: text.index("[[metrics]]")] + '[[metrics]]\nname = "RMA"\ntraining = { trainer = "ent", steps = 1 }\n'
    )
    if lost == "all":
        with pytest.raises(InputError, match=r"study\.toml: RMA x Holes: no image is left whose maps are finite"):
            pipeline.build(small_run, tmp_path / "out", device="cpu")
        return
    manifest = json.loads((pipeline.build(small_run, tmp_path / "out", device="cpu") / "manifest.json").read_text())
    (condition,) = manifest["conditions"]
    assert condition["export"]["undefined"]["reasons"]["before"] == {"NaN or infinite values in the map": 3}
    assert 0 < manifest["pairs"]["dropped"]["RMA x Holes map not finite"] <= 3
    assert manifest["pairs"]["exported"] == 2
