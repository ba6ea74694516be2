"""Which class index of the network each label of a data set has."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Literal, TypeVar

from attribution.errors import InputError
from attribution.images.samples import check_classes, some
from attribution.registries import lookup

Key = TypeVar("Key")
SeveralClasses = Literal["largest", "skip"]


def number_classes(labels: Sequence[str], given: Mapping[str, int] | None, where: str) -> dict[str, int]:
    """The class index of each label: ``given[label]``, or its place among ``labels`` if None is given.

    Raises InputError for a label without an index, and for an index that two labels share.
    """
    if given is None:
        return {label: index for index, label in enumerate(labels)}
    missing = [label for label in labels if label not in given]
    if missing:
        raise InputError(
            f"{where}.class_indices: no index for class {some(missing)}: add it, or leave the class out of the data"
        )
    indices = {label: given[label] for label in labels}
    check_classes(indices.items(), where=f"{where}.class_indices")
    return indices


def image_class(shares: Mapping[str, float], *, least: float, several: SeveralClasses) -> str:
    """The label that an image with objects of several classes gets. ``shares`` are the classes' shares of its pixels.

    Classes below ``least`` do not count. ``largest`` takes the class with the largest share (the first in sorted order
    if two are equal), ``skip`` takes images of one class only. Raises ValueError with the reason why there is none.
    """
    counting = {label: share for label, share in sorted(shares.items()) if share >= least and share > 0}
    if not counting:
        raise ValueError("no object is large enough")
    if several == "skip" and len(counting) > 1:
        raise ValueError("objects of several classes")
    return max(counting, key=lambda label: counting[label])


def keep_classes(label_of: Mapping[Key, str], classes: Sequence[str], where: str) -> dict[Key, str]:
    """The entries whose label is one of ``classes``; all if none is named. InputError for a label that none has.

    A layout drops the others before it needs their class indices: a network need not know all classes of a data set.
    """
    known = dict.fromkeys(sorted(set(label_of.values())), True)
    for label in classes:
        lookup(known, label, f"{where}.classes", "class")
    return {key: label for key, label in label_of.items() if not classes or label in classes}


class LeftOut:
    """Images that a layout leaves out by its rules, counted by reason."""

    def __init__(self) -> None:
        self._by_reason: dict[str, list[str]] = defaultdict(list)

    def add(self, reason: str, image: str) -> None:
        """Notes one image."""
        self._by_reason[reason].append(image)

    def lines(self, folder: object) -> list[str]:
        """One line per reason: where thousands are left out, naming each would hide the files that are damaged."""
        return [
            f"{folder}: {len(images)} images left out: {reason} ({some(sorted(images))})"
            for reason, images in sorted(self._by_reason.items())
        ]
