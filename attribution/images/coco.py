"""COCO instances (Lin 2014) -> samples."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attribution.errors import InputError
from attribution.images.classes import LeftOut, SeveralClasses, image_class, keep_classes, number_classes
from attribution.images.coco_mask import CocoMask, check_segmentation
from attribution.images.headers import reason
from attribution.images.samples import Dataset, Sample, make_dataset, need_files, need_folder, sample_name

Entry = dict[str, Any]


def list_coco(
    annotations: Path,
    images: Path,
    *,
    name: str,
    several_classes: SeveralClasses = "largest",
    minimum_area: float = 0.01,
    classes: Sequence[str] = (),
    class_indices: Mapping[str, int] | None = None,
    where: str,
) -> Dataset:
    """The images of a JSON such as instances_val2017.json, one sample each; their files lie below ``images``.

    An image stays one sample, with one label: as two it could be trained on as a cat and tested on as a sofa. Which of
    its categories it gets is said by ``several_classes`` and ``minimum_area`` (see ``image_class``), by the areas that
    the annotations state; images that get none are counted in ``unreadable``. The object is the union of all
    annotations of that category in the image, crowds (iscrowd = 1) with them: a map on a crowd of persons lies on
    persons. ``classes`` keeps the images with these labels. The class index is ``class_indices[name]``, or the place of
    the category in the order of their ids.

    Polygons and run lengths are checked here and drawn when images are decoded. Raises InputError for anything missing,
    malformed or of the wrong size, naming image or annotation.
    """
    field = f"{where}.annotations"
    need_folder(images, f"{where}.images")
    content = _read(annotations, field)
    label_of = _labels(content["categories"], field)
    pictures = _pictures(content["images"], field)
    segmentations: dict[int, dict[str, list[object]]] = defaultdict(lambda: defaultdict(list))
    areas: dict[int, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for place, entry in enumerate(content["annotations"]):
        at = _place(entry, "annotations", place, field)
        picture, category = _integer(entry, "image_id", at), _integer(entry, "category_id", at)
        if picture not in pictures:
            raise InputError(f"{at}: its image_id {picture} is none of the images: remove the annotation")
        if category not in label_of:
            raise InputError(f"{at}: its category_id {category} is none of the categories: add the category")
        width, height = _size(pictures[picture])
        segmentation, area = entry.get("segmentation"), entry.get("area")
        if isinstance(area, bool) or not isinstance(area, int | float) or not 0 <= area < float("inf"):
            raise InputError(f"{at}: area is {area!r}: give the number of pixels")
        try:
            check_segmentation(segmentation, width, height)
        except ValueError as error:
            raise InputError(f"{at}: {error}: mend or remove the annotation") from error
        segmentations[picture][label_of[category]].append(segmentation)
        areas[picture][label_of[category]] += area / (width * height)

    left_out = LeftOut()
    chosen: dict[int, str] = {}
    for picture, entry in pictures.items():
        try:
            chosen[picture] = image_class(areas[picture], least=minimum_area, several=several_classes)
        except ValueError as error:
            left_out.add(reason(error), str(entry["file_name"]))
    unreadable = left_out.lines(annotations)
    if not chosen:
        raise InputError(f"{field}: no image is left ({'; '.join(unreadable)}): lower minimum_area")
    chosen = keep_classes(chosen, classes, where)
    files = {picture: images / pictures[picture]["file_name"] for picture in chosen}
    need_files(list(files.values()), f"{where}.images", images)
    labels = list(label_of.values())
    present = sorted(set(chosen.values()))
    indices = number_classes(labels if class_indices is None else present, class_indices, where)
    samples = [
        Sample(
            name=sample_name(pictures[picture]["file_name"]),
            path=files[picture],
            label=label,
            class_index=indices[label],
            mask=CocoMask(annotations, *_size(pictures[picture]), tuple(segmentations[picture][label])),
        )
        for picture, label in chosen.items()
    ]
    return make_dataset(
        name, samples, unreadable, where=where, mask_field="annotations", box_field="annotations", counted=len(labels)
    )


def _read(path: Path, field: str) -> dict[str, list[Any]]:
    if not path.is_file():
        raise InputError(f"{field}: {path} does not exist: give the path of a JSON such as instances_val2017.json")
    try:
        content = json.loads(path.read_bytes())
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{field}: {path} is not JSON ({error}): download it again") from error
    for key in ("images", "annotations", "categories"):
        if not isinstance(content, dict) or not isinstance(content.get(key), list):
            raise InputError(f'{field}: {path} has no list "{key}": give a JSON in the format of COCO instances')
    return {key: content[key] for key in ("images", "annotations", "categories")}


def _labels(categories: list[Any], field: str) -> dict[int, str]:
    """Category id -> name, in the order of the ids."""
    label_of: dict[int, str] = {}
    for place, entry in enumerate(categories):
        at = _place(entry, "categories", place, field)
        number, label = _integer(entry, "id", at), entry.get("name")
        if not isinstance(label, str) or not label:
            raise InputError(f"{at}: name is {label!r}: give the category's name")
        if number in label_of or label in label_of.values():
            raise InputError(f'{at}: its id {number} or its name "{label}" stands twice: give each category its own')
        label_of[number] = label
    return dict(sorted(label_of.items()))


def _pictures(images: list[Any], field: str) -> dict[int, Entry]:
    """Image id -> its entry, with file_name, width and height checked."""
    found: dict[int, Entry] = {}
    for place, entry in enumerate(images):
        at = _place(entry, "images", place, field)
        number = _integer(entry, "id", at)
        if number in found:
            raise InputError(f"{at}: its id {number} stands twice: give each image its own")
        if not isinstance(entry.get("file_name"), str) or not entry["file_name"]:
            raise InputError(f"{at}: file_name is {entry.get('file_name')!r}: give the path of the image's file")
        for side in ("width", "height"):
            if _integer(entry, side, at) < 1:
                raise InputError(f"{at}: {side} is {entry[side]}: give a number of pixels above 0")
        found[number] = entry
    return found


def _size(picture: Entry) -> tuple[int, int]:
    return picture["width"], picture["height"]


def _place(entry: object, kind: str, place: int, field: str) -> str:
    """How an entry is called in errors: by its id, or by its place if it has none."""
    if not isinstance(entry, dict):
        raise InputError(f"{field}: {kind}[{place}] is {entry!r}: give an object")
    return f"{field}: {kind}[{place}] (id {entry['id']})" if "id" in entry else f"{field}: {kind}[{place}]"


def _integer(entry: Entry, key: str, at: str) -> int:
    value = entry.get(key)
    if isinstance(value, bool) or not isinstance(value, int):
        raise InputError(f"{at}: {key} is {value!r}: give a whole number")
    return value
