"""ImageNet's folders (Russakovsky 2015) with the masks of ImageNet-S (Gao 2022) -> samples."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from attribution.errors import InputError
from attribution.images.classes import keep_classes, number_classes
from attribution.images.lists import read_list
from attribution.images.masks import NumberedPixels
from attribution.images.samples import Dataset, Sample, make_dataset, need_folder, sample_name, some

_SYNSET = re.compile(r"n\d{8}")
_IMAGENET_CLASSES = 1000
_IMAGENET_S_CLASSES = (50, 300, 919)
_OTHER, _IGNORED = 0, 1000
_SUFFIXES = (".JPEG", ".jpeg", ".jpg", ".png")

# ImageNet-S has one class where ImageNet has two that name the same thing: its synset -> the one it took in.
_TOOK_IN = {
    "n04355933": "n04356056",
    "n02808440": "n04493381",
    "n03832673": "n03642806",
    "n03773504": "n04008634",
    "n15075141": "n03887697",
}


def list_imagenet_s(
    images: Path,
    masks: Path,
    *,
    name: str,
    synsets: Path | None = None,
    categories: Path | None = None,
    ignored_is_object: bool = False,
    classes: Sequence[str] = (),
    class_indices: Mapping[str, int] | None = None,
    where: str,
) -> Dataset:
    """The images that have a mask: ``masks/<synset>/<name>.png`` belongs to ``images/<synset>/<name>.JPEG``.

    ``images`` may be ImageNet's own train or val folder, or one of ImageNet-S such as ImageNetS919/validation; images
    without a mask are no part of the data set. The label is the synset of the image's folder. A mask's pixel is
    red + 256 green: 0 is anything else, 1000 is ignored, k is the k-th synset of ImageNet-S in sorted order. The object
    is the pixels of the image's own class; ignored pixels belong to it only with ``ignored_is_object``.

    ``classes`` keeps the images with these labels. The order of the k is that of ``categories`` (a file with a synset a
    line, as ImageNet-S brings it), or of the folders in ``masks`` if these are all 50, 300 or 919. The class index is
    ``class_indices[synset]``, or the synset's place in ``synsets`` (a file whose lines begin with the network's 1,000
    synsets in order), or in the sorted folders of ``images`` if these are all 1,000.

    Raises InputError for anything missing, ambiguous or of the wrong size.
    """
    need_folder(images, f"{where}.images")
    need_folder(masks, f"{where}.masks")
    folders = _synset_folders(masks)
    if not folders:
        raise InputError(f"{where}.masks: {masks} has no synset folders (such as n01440764): give the folder of masks")
    numbers = _numbers(folders, categories, masks, where)
    files = [(synset, mask) for synset in folders for mask in sorted((masks / synset).glob("*.png"))]
    if not files:
        raise InputError(f"{where}.masks: {masks} has no PNG files in its synset folders: give the folder of masks")
    image_of = {mask: _image(images, synset, mask.stem) for synset, mask in files}
    missing = [f"{synset}/{mask.stem}{_SUFFIXES[0]}" for synset, mask in files if image_of[mask] is None]
    if missing:
        raise InputError(
            f"{where}.images: {len(missing)} of {len(files)} masks have no image below {images} ({some(missing)}): give"
            " the folder of synset folders that the masks belong to"
        )
    label_of = {mask: image.parent.name for mask, image in image_of.items() if image is not None}
    label_of = keep_classes(label_of, classes, where)
    pairs = [(synset, mask, image) for synset, mask in files if mask in label_of and (image := image_of[mask])]
    labels = sorted(set(label_of.values()))
    indices, counted = _indices(labels, images, synsets, class_indices, where)
    known = frozenset({_OTHER, _IGNORED, *numbers.values()})
    also = {_IGNORED} if ignored_is_object else set()
    samples = [
        Sample(
            name=sample_name(image.relative_to(images).as_posix()),
            path=image,
            label=image.parent.name,
            class_index=indices[image.parent.name],
            mask=NumberedPixels(mask, frozenset({numbers[synset], *also}), known, "red_green"),
        )
        for synset, mask, image in pairs
    ]
    return make_dataset(name, samples, (), where=where, mask_field="masks", box_field="masks", counted=counted)


def _synset_folders(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir() if _SYNSET.fullmatch(entry.name) and entry.is_dir())


def _numbers(folders: Sequence[str], categories: Path | None, masks: Path, where: str) -> dict[str, int]:
    """The number that stands for each synset in the masks."""
    if categories is not None:
        # The numbers follow from sorting, whatever the order of the file.
        ordered = sorted(words[0] for _, words in read_list(categories, f"{where}.categories"))
    elif len(folders) in _IMAGENET_S_CLASSES:
        ordered = list(folders)
    else:
        raise InputError(
            f"{where}.categories: missing: {masks} has {len(folders)} of ImageNet-S's 50, 300 or 919 synset folders, so"
            " their order is not known: name ImageNet-S's file ImageNetS_categories_im919.txt (or im300, im50)"
        )
    lacking = sorted(set(folders) - set(ordered))
    if lacking:
        raise InputError(f"{where}.categories: has no {some(lacking)}, which {masks} has: name the file of these masks")
    return {synset: number for number, synset in enumerate(ordered, start=1)}


def _image(images: Path, synset: str, stem: str) -> Path | None:
    for folder in (synset, _TOOK_IN.get(synset, synset)):
        for suffix in _SUFFIXES:
            path = images / folder / f"{stem}{suffix}"
            if path.is_file():
                return path
    return None


def _indices(
    labels: Sequence[str], images: Path, synsets: Path | None, given: Mapping[str, int] | None, where: str
) -> tuple[dict[str, int], int | None]:
    """The class index of each synset, and how many classes were counted for it (None where indices were given)."""
    if given is not None:
        if synsets is not None:
            raise InputError(f"{where}.class_indices: stands beside synsets: keep one of them")
        return number_classes(labels, given, where), None
    if synsets is not None:
        ordered = [words[0] for _, words in read_list(synsets, f"{where}.synsets")]
    else:
        ordered = _synset_folders(images)
        if len(ordered) != _IMAGENET_CLASSES:
            raise InputError(
                f"{where}.synsets: missing: {images} has {len(ordered)} of ImageNet's 1,000 synset folders, so their"
                " order is not the network's: name a file with the 1,000 synsets in order (such as Kaggle's"
                " LOC_synset_mapping.txt), or set class_indices"
            )
    lacking = sorted(set(labels) - set(ordered))
    if lacking:
        raise InputError(f"{where}.synsets: has no {some(lacking)}, which {images} has: name the network's own list")
    return {synset: index for index, synset in enumerate(ordered)}, len(ordered)
