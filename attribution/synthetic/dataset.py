"""The demo data set on disk: images, exact masks, and a text that says how they were made."""

import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from attribution.errors import InputError
from attribution.progress import Progress, silent
from attribution.synthetic.scenes import SIDE, Scene, TagShares, draw_tag, make_scene
from attribution.synthetic.shapes import CLASSES
from attribution.synthetic.textures import MATERIALS

STUDY_TAGS = TagShares(right=0.9, wrong=0.02, none=0.08)
# Which scenes of a seed belong to whom: the network never sees the images of the study.
STUDY_STREAM, TRAINING_STREAM, TEST_STREAM = 0, 1, 2

_README = """A data set of {count} pictures, {side} x {side} pixels, made by a program; nothing was photographed.

images/<class>/<name>.png  an object of one of {classes_count} classes: {classes}
masks/<class>/<name>.png   its exact mask, 1 bit, true on the object
network.pt                 a small network trained on other pictures of the same kind (if it was made)

The class is the shape alone. Every object has one of {materials_count} materials
({materials})
in a random colour, with its own turn, tilt, size, light and shadow. It lies on 1/f noise in the colours of a landscape,
among up to three distractors that belong to no class.

The shortcut: a coloured tag in a corner. Drawn by chance for each picture, its colour is that of the class with
probability {right:.0%}, that of another class with {wrong:.0%}, and there is no tag with {none:.0%}. The tag is never
part of the mask. A network can answer by the tag without looking at the shape.

Seed {seed}, {per_class} pictures per class. The same seed gives the same pixels.
"""


@dataclass(frozen=True)
class _Order:
    """Which scene to make: a function of these numbers alone."""

    stream: int
    label: str
    number: int


def synthesize(
    out: Path,
    *,
    seed: int,
    images_per_class: int,
    tags: TagShares = STUDY_TAGS,
    progress: Progress = silent,
) -> None:
    """Writes ``out/images/<class>/<name>.png``, ``out/masks/<class>/<name>.png`` (1 bit) and ``out/README.txt``.

    The same seed gives the same pixels. Raises InputError for no images or a folder that holds images already.
    """
    if images_per_class < 1:
        raise InputError(f"images per class: {images_per_class} is too few: give at least 1")
    if (out / "images").exists():
        raise InputError(f"{out / 'images'}: exists already: remove it or choose another folder")
    # The folder appears under its name when it is whole: an interrupted run leaves nothing that looks finished.
    partial_images = out / "images.partial"
    for leftover in (partial_images, out / "masks"):
        shutil.rmtree(leftover, ignore_errors=True)
    for label in CLASSES:
        (partial_images / label).mkdir(parents=True, exist_ok=True)
        (out / "masks" / label).mkdir(parents=True, exist_ok=True)

    def write(order: _Order) -> None:
        scene = _scene(seed, tags, order)
        name = f"{order.label}-{order.number:04d}.png"
        Image.fromarray(scene.image).save(partial_images / order.label / name)
        Image.fromarray(scene.mask).save(out / "masks" / order.label / name)

    orders = _orders(STUDY_STREAM, images_per_class)
    with ThreadPoolExecutor() as pool:
        for done, _ in enumerate(pool.map(write, orders), start=1):
            progress("drawing images", done, len(orders))
    (out / "README.txt").write_text(_readme(seed, images_per_class, tags), encoding="utf-8")
    partial_images.replace(out / "images")


def scenes(*, seed: int, stream: int, per_class: int, tags: TagShares) -> Iterator[Scene]:
    """Scenes that are not written anywhere, class by class in turn; made in threads."""
    with ThreadPoolExecutor() as pool:
        yield from pool.map(partial(_scene, seed, tags), _orders(stream, per_class))


def _orders(stream: int, per_class: int) -> Sequence[_Order]:
    return [_Order(stream, label, number) for number in range(per_class) for label in CLASSES]


def _scene(seed: int, tags: TagShares, order: _Order) -> Scene:
    rng = np.random.default_rng([seed, order.stream, list(CLASSES).index(order.label), order.number])
    return make_scene(rng, order.label, draw_tag(rng, order.label, tags))


def _readme(seed: int, per_class: int, tags: TagShares) -> str:
    return _README.format(
        count=per_class * len(CLASSES),
        side=SIDE,
        classes_count=len(CLASSES),
        classes=", ".join(CLASSES),
        materials_count=len(MATERIALS),
        materials=", ".join(MATERIALS),
        right=tags.right,
        wrong=tags.wrong,
        none=tags.none,
        seed=seed,
        per_class=per_class,
    )
