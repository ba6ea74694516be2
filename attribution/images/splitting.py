"""Training, validation and export parts that never overlap, drawn within each class."""

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from attribution.errors import InputError
from attribution.images.samples import Sample

SPLITS = ("train", "validation", "export")


@dataclass(frozen=True)
class Splits:
    """Indices into the list of samples. Each part runs through the classes in turn, so its beginning is balanced."""

    train: tuple[int, ...]
    validation: tuple[int, ...]
    export: tuple[int, ...]


def split(
    samples: Sequence[Sample],
    *,
    seed: int,
    train: float,
    validation: float,
    export: float,
    min_per_class: Mapping[str, int] | None = None,
    where: str = "dataset",
) -> Splits:
    """Divides every class by the three shares (each 0..1, at most 1 together; what is left over stays unused).

    Depends on the seed and the samples' names and labels alone, not on their order. ``min_per_class`` maps the name
    of a part to the fewest samples each class needs there (1 for every part with a share above 0 if not given); a
    part that rounding leaves short takes from the largest part. Raises InputError naming the class that is too small.
    """
    shares = {"train": train, "validation": validation, "export": export}
    for part, share in shares.items():
        if not 0 <= share <= 1:
            raise InputError(f"{where}.{part}: the share is {share}: give a number from 0 to 1")
    if sum(shares.values()) > 1 + 1e-9:
        raise InputError(f"{where}: the shares add up to {sum(shares.values()):g}: make them at most 1 together")
    fewest = {part: int(share > 0) for part, share in shares.items()} | dict(min_per_class or {})
    if set(fewest) != set(SPLITS):
        raise InputError(f"{where}: unknown part {sorted(set(fewest) - set(SPLITS))}: use {', '.join(SPLITS)}")

    classes: dict[str, list[int]] = defaultdict(list)
    for index, sample in enumerate(samples):
        classes[sample.label].append(index)
    parts: dict[str, list[tuple[int, str, int]]] = {part: [] for part in SPLITS}
    for label, indices in sorted(classes.items()):
        counts = _counts(label, len(indices), shares, fewest, where)
        drawn = sorted((_draw(seed, samples[index].name), index) for index in indices)
        start = 0
        for part in SPLITS:
            chosen = drawn[start : start + counts[part]]
            parts[part].extend((rank, draw, index) for rank, (draw, index) in enumerate(chosen))
            start += counts[part]
    ordered = {part: tuple(index for _, _, index in sorted(entries)) for part, entries in parts.items()}
    return Splits(train=ordered["train"], validation=ordered["validation"], export=ordered["export"])


def _draw(seed: int, name: str) -> str:
    return hashlib.sha256(f"{seed}/{name}".encode()).hexdigest()


def _counts(
    label: str, size: int, shares: Mapping[str, float], fewest: Mapping[str, int], where: str
) -> dict[str, int]:
    needed = sum(fewest.values())
    if size < needed:
        wanted = ", ".join(f"{fewest[part]} {part}" for part in SPLITS if fewest[part])
        raise InputError(
            f'{where}: class "{label}" has {size} images but needs {needed} ({wanted}):'
            " add images, or leave the class out"
        )
    # Rounding the running total keeps the sum right where rounding each share would not.
    ends: list[int] = []
    running = 0.0
    for part in SPLITS:
        running += shares[part]
        ends.append(min(size, int(size * running + 0.5)))
    counts = {part: end - start for part, start, end in zip(SPLITS, [0, *ends], ends, strict=False)}
    for part in SPLITS:
        while counts[part] < fewest[part]:
            counts[part] += 1
            if sum(counts.values()) > size:
                spare = max(SPLITS, key=lambda other: counts[other] - fewest[other])
                counts[spare] -= 1
    return counts
