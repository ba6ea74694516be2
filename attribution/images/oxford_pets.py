"""The Oxford-IIIT Pet data set (Parkhi 2012) -> samples."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from attribution.errors import InputError
from attribution.images.classes import keep_classes, number_classes
from attribution.images.lists import read_list
from attribution.images.masks import NumberedPixels
from attribution.images.samples import (
    Dataset,
    Sample,
    check_classes,
    make_dataset,
    need_files,
    need_folder,
    sample_name,
)

_PET, _BACKGROUND, _BORDER = 1, 2, 3
_KNOWN = frozenset({_PET, _BACKGROUND, _BORDER})


def list_oxford_pets(
    root: Path,
    *,
    name: str,
    subset: str = "list",
    border_is_object: bool = False,
    classes: Sequence[str] = (),
    class_indices: Mapping[str, int] | None = None,
    where: str,
) -> Dataset:
    """The images that ``root/annotations/<subset>.txt`` names (list, trainval or test), one sample each.

    A line is ``Abyssinian_100 1 1 1``: a file of ``root/images`` without its suffix, then the class's number from 1
    (species and breed, which follow, are not read). The label is the file's name up to its last underscore. The object
    is the pet (1) of ``annotations/trimaps``; the border (3), some pixels around every pet that annotators left open,
    belongs to it only with ``border_is_object``. ``classes`` keeps the images with these labels. The class index is
    ``class_indices[label]``, or the list's number - 1.

    Raises InputError for anything missing, empty or of the wrong size, and lines of another form.
    """
    need_folder(root, f"{where}.images")
    listing = root / "annotations" / f"{subset}.txt"
    number_of: dict[str, int] = {}
    for line, words in read_list(listing, f"{where}.subset"):
        if len(words) < 2 or not words[1].isdecimal() or int(words[1]) < 1 or "_" not in words[0]:
            raise InputError(
                f'{where}.subset: {listing.name} line {line} is "{" ".join(words)}": write file and class number, such'
                ' as "Abyssinian_100 1 1 1"'
            )
        number_of[words[0]] = int(words[1])
    label_of = {stem: stem.rpartition("_")[0] for stem in number_of}
    listed = {label_of[stem]: number - 1 for stem, number in number_of.items()}
    check_classes(
        ((label_of[stem], number - 1) for stem, number in number_of.items()), where=f"{where}.subset: {listing.name}"
    )
    label_of = keep_classes(label_of, classes, where)
    present = sorted(set(label_of.values()))
    indices = listed if class_indices is None else number_classes(present, class_indices, where)

    images = {stem: root / "images" / f"{stem}.jpg" for stem in label_of}
    trimaps = {stem: root / "annotations" / "trimaps" / f"{stem}.png" for stem in label_of}
    need_files(list(images.values()), f"{where}.images", root)
    need_files(list(trimaps.values()), f"{where}.images", root)
    values = frozenset({_PET, _BORDER} if border_is_object else {_PET})
    samples = [
        Sample(
            name=sample_name(images[stem].name),
            path=images[stem],
            label=label,
            class_index=indices[label],
            mask=NumberedPixels(trimaps[stem], values, _KNOWN),
        )
        for stem, label in label_of.items()
    ]
    counted = max(listed.values()) + 1
    return make_dataset(name, samples, (), where=where, mask_field="images", box_field="images", counted=counted)
