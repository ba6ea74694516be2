"""A method, a network or an image that ends the process of the step `plan` is named by the tries after it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from attribution.progress import silent
from attribution.run import look_at
from attribution.tests.test_poisoned_images import whiten, with_attributor
from attribution.tests.workers import ROOT

METHODS = """
import os
from dataclasses import dataclass
from typing import ClassVar
from attribution.attributors import Saliency

def is_white(images):
    return bool((images.amin(dim=(1, 2, 3)) > 1.9).any())

@dataclass(frozen=True)
class Deadly(Saliency):
    name: ClassVar[str] = "Deadly"
    differentiable: ClassVar[bool] = True
    always: bool = False
    trained: bool = True

    def __call__(self, network, images, targets, *, create_graph=False):
        if (self.trained or not create_graph) and (self.always or is_white(images)):
            os._exit(7)
        return super().__call__(network, images, targets, create_graph=create_graph)
"""
# Several tries in one process each, without loading torch for each of them.
TRIES = """
import os, sys
from pathlib import Path
from attribution.tests.steps import SmallBuild
from attribution.jobs import steps, workshop
from attribution.last_words import LastWords
from attribution.tests.steps import BUILD
config, folder = map(Path, sys.argv[1:3])
for _ in range(int(sys.argv[3])):
    child = os.fork()
    if not child:
        build = SmallBuild(config, folder)
        build.plan(build.bench())
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
    print(LastWords(folder / "work").read(BUILD, 1, "plan"), flush=True)
"""


@pytest.fixture
def own_run(small_run: Path) -> Path:
    """The small run with methods of its own beside it."""
    (small_run.parent / "deadly.py").write_text(METHODS)
    return small_run


def tried(config: Path, folder: Path, *, times: int) -> list[str]:
    """What so many tries of `plan` leave, each in a process that it ends."""
    done = subprocess.run(
        [sys.executable, "-c", TRIES, config, folder, str(times)],
        env=os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{config.parent}"},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    lines = done.stdout.splitlines()
    assert lines[::2] == ["7"] * times, done.stderr
    return lines[1::2]


def test_a_method_that_ends_every_process_is_named_with_its_network_and_layer(own_run: Path, tmp_path: Path) -> None:
    config = with_attributor(own_run, '[{ name = "deadly:Deadly", options = { always = true } }]')
    first, second = tried(config, tmp_path, times=2)
    where = "RMA x Deadly on SmallCNN (layer features): fine-tuning by fidelity: "
    maps = "maps by Deadly, with a graph with the images "
    assert first.startswith(f"{where}step 1 of fine-tuning: {maps}")
    assert "(leave Deadly out of attributors, or try a smaller batch or preprocessing.size)" in first
    assert second.startswith(f"{where}its map by Deadly alone with the image ")
    # No image is blamed where the first that is tried alone ends the process.
    assert "out of the data set" not in second
    assert "(leave Deadly out of attributors" in second


def test_an_image_that_ends_the_process_in_scoring_is_named(own_run: Path, tmp_path: Path) -> None:
    config = with_attributor(own_run, '[{ name = "deadly:Deadly", options = { trained = false } }]')
    run = look_at(config, tmp_path / "look", device="cpu", progress=silent)
    # The first one is to blame as well, once others are known to go well.
    name = whiten(run, run.export.members[0])
    first, second, third = tried(config, tmp_path, times=3)
    assert "RMA x Deadly on SmallCNN (layer features): scoring by RMA: maps by Deadly with the images " in first
    assert f"alone: maps by Deadly with the image {name} (leave Deadly out of attributors" in second
    assert f"others went well before): maps by Deadly with the image {name} (leave the image {name} out" in third
