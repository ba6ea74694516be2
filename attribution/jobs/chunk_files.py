"""What a chunk leaves: scores, answers and pictures of some images in one condition, as a zip archive."""

import io
import json
import zipfile
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch

from attribution.evaluation import Answers
from attribution.scoring import Part

EPOCH = (1980, 1, 1, 0, 0, 0)
ARRAYS = "scores.npz"
REASONS = "reasons.json"


def chunk_file(part: Part, pictures: Iterable[tuple[int, Sequence[bytes]]]) -> bytes:
    """The archive; `pictures` are PNGs of the original and the finetuned map by item. Same content, same bytes."""
    arrays = io.BytesIO()
    np.savez(
        arrays,
        before=part.before,
        after=part.after,
        drawable=part.drawable,
        predictions=part.finetuned.predictions,
        confidences=part.finetuned.confidences,
        first=part.finetuned.first,
    )
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        _put(archive, ARRAYS, arrays.getvalue())
        _put(archive, REASONS, json.dumps(part.reasons, sort_keys=True).encode())
        for item, pair in pictures:
            for slot, picture in enumerate(pair):
                _put(archive, f"{item}-{slot}.png", picture)
    return packed.getvalue()


class ChunkFile:
    """A chunk read from its archive. The finetuned network's logits are not in it."""

    def __init__(self, path: Path) -> None:
        self._archive = zipfile.ZipFile(path)
        self._names = set(self._archive.namelist())

    def part(self) -> Part:
        with np.load(io.BytesIO(self._archive.read(ARRAYS)), allow_pickle=False) as arrays:
            content = {name: arrays[name] for name in arrays.files}
        reasons = json.loads(self._archive.read(REASONS))
        return Part(
            before=content["before"],
            after=content["after"],
            reasons={when: Counter(counted) for when, counted in reasons.items()},
            finetuned=Answers(
                predictions=content["predictions"],
                confidences=content["confidences"],
                first=content["first"],
                logits=torch.empty(len(content["first"]), 0),
            ),
            drawable=content["drawable"],
        )

    def pictures(self, item: int) -> list[bytes] | None:
        """The PNGs of the original and the finetuned map of an image; None if they were not drawn."""
        names = [f"{item}-{slot}.png" for slot in (0, 1)]
        return [self._archive.read(name) for name in names] if self._names.issuperset(names) else None

    def close(self) -> None:
        self._archive.close()


def _put(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, date_time=EPOCH)
    entry.create_system = 3
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, content)
