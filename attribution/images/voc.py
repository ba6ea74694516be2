"""The segmentation part of Pascal VOC (Everingham 2010) -> samples."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from attribution.errors import InputError
from attribution.images.classes import LeftOut, SeveralClasses, image_class, keep_classes, number_classes
from attribution.images.headers import UNREADABLE_ERRORS, raise_if_passing, reason
from attribution.images.lists import read_list
from attribution.images.masks import NumberedPixels, read_numbers
from attribution.images.samples import (
    Dataset,
    Sample,
    in_threads,
    make_dataset,
    need_files,
    need_folder,
    sample_name,
)

# In the order of their numbers in the masks, which start at 1.
VOC_CLASSES = (
    "aeroplane",
    "bicycle",
    "bird",
    "boat",
    "bottle",
    "bus",
    "car",
    "cat",
    "chair",
    "cow",
    "diningtable",
    "dog",
    "horse",
    "motorbike",
    "person",
    "pottedplant",
    "sheep",
    "sofa",
    "train",
    "tvmonitor",
)
_VOID = 255
_KNOWN = frozenset({*range(len(VOC_CLASSES) + 1), _VOID})


def list_voc(
    root: Path,
    *,
    name: str,
    subset: str = "trainval",
    several_classes: SeveralClasses = "largest",
    minimum_area: float = 0.01,
    void_is_object: bool = False,
    classes: Sequence[str] = (),
    class_indices: Mapping[str, int] | None = None,
    where: str,
) -> Dataset:
    """The images of ``root/ImageSets/Segmentation/<subset>.txt``, one sample each; a root is VOCdevkit/VOC2012.

    An image stays one sample, with one label: as two it could be trained on as a cat and tested on as a sofa. Which of
    its classes it gets is said by ``several_classes`` and ``minimum_area`` (see ``image_class``); images that get none
    are counted in ``unreadable``. The object is all pixels of that class in ``SegmentationClass`` (instances are not
    told apart); the void pixels (255), which surround every object, belong to it only with ``void_is_object``, and then
    those around objects of other classes too. ``classes`` keeps the images with these labels. The class index is
    ``class_indices[label]``, or the class's place in ``VOC_CLASSES``.

    Raises InputError for anything missing, empty or of the wrong size.
    """
    need_folder(root, f"{where}.images")
    listing = root / "ImageSets" / "Segmentation" / f"{subset}.txt"
    stems = [words[0] for _, words in read_list(listing, f"{where}.subset")]
    images = {stem: root / "JPEGImages" / f"{stem}.jpg" for stem in stems}
    masks = {stem: root / "SegmentationClass" / f"{stem}.png" for stem in stems}
    need_files(list(images.values()), f"{where}.images", root)
    need_files(list(masks.values()), f"{where}.images", root)

    left_out = LeftOut()
    unreadable: list[str] = []
    label_of: dict[str, str] = {}
    for stem, shares in zip(stems, in_threads(_shares, list(masks.values())), strict=True):
        if isinstance(shares, str):
            unreadable.append(shares)
            continue
        try:
            label_of[stem] = image_class(shares, least=minimum_area, several=several_classes)
        except ValueError as error:
            left_out.add(reason(error), stem)
    unreadable.extend(left_out.lines(root))
    if not label_of:
        raise InputError(
            f"{where}.images: no image of {listing} is left ({'; '.join(unreadable[:3])}): replace the files, or lower"
            " minimum_area"
        )
    label_of = keep_classes(label_of, classes, where)
    present = [label for label in VOC_CLASSES if label in set(label_of.values())]
    indices = number_classes(VOC_CLASSES if class_indices is None else present, class_indices, where)
    source = partial(NumberedPixels, known=_KNOWN)
    samples = [
        Sample(
            name=sample_name(images[stem].name),
            path=images[stem],
            label=label,
            class_index=indices[label],
            mask=source(masks[stem], frozenset({VOC_CLASSES.index(label) + 1, *([_VOID] if void_is_object else [])})),
        )
        for stem, label in label_of.items()
    ]
    return make_dataset(
        name, samples, unreadable, where=where, mask_field="images", box_field="images", counted=len(VOC_CLASSES)
    )


def _shares(mask: Path) -> dict[str, float] | str:
    """The share of its pixels that every class covers, or ``file: reason`` if the mask is damaged."""
    try:
        numbers = read_numbers(mask, _KNOWN, "index")
    except UNREADABLE_ERRORS as error:
        raise_if_passing(error)
        return f"{mask}: {reason(error)}"
    counts = np.bincount(numbers.ravel(), minlength=_VOID + 1)
    return {
        label: float(counts[number]) / numbers.size
        for number, label in enumerate(VOC_CLASSES, start=1)
        if counts[number]
    }
