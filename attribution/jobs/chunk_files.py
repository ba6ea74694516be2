"""What a chunk leaves: scores, answers and pictures of some images in one condition, as a zip archive."""

import io
import json
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
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


DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, KeyError, ValueError, RuntimeError)
"""What an archive of arrays raises that is damaged; the last of them where it seems encrypted or of a newer form."""


class DamagedChunkError(RuntimeError):
    """An archive that cannot be read, at `path`."""

    def __init__(self, path: Path, reason: Exception) -> None:
        super().__init__(f"{path.name}: {reason}")
        self.path = path


class ChunkFiles:
    """The chunks of a condition, read from their archives. The finetuned network's logits are not in them.

    One archive is open at a time, however many chunks there are. Every method, and making one, raises DamagedChunkError
    for an archive that cannot be read.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = list(paths)
        self._open: tuple[Path, zipfile.ZipFile] | None = None
        self._drawn = {}
        for path in self._paths:
            with _damage_told(path):
                self._drawn.update(dict.fromkeys(self._archive(path).namelist(), path))

    def parts(self) -> list[Part]:
        """What the chunks hold besides pictures, in their order."""
        parts = []
        for path in self._paths:
            with _damage_told(path):
                parts.append(_part(self._archive(path)))
        return parts

    def pictures(self, item: int) -> list[bytes] | None:
        """The PNGs of the original and the finetuned map of an image; None if they were not drawn."""
        names = [f"{item}-{slot}.png" for slot in (0, 1)]
        if not self._drawn.keys() >= set(names):
            return None
        pictures = []
        for name in names:
            with _damage_told(self._drawn[name]):
                pictures.append(self._archive(self._drawn[name]).read(name))
        return pictures

    def close(self) -> None:
        if self._open is not None:
            self._open[1].close()
            self._open = None

    def _archive(self, path: Path) -> zipfile.ZipFile:
        if self._open is None or self._open[0] != path:
            self.close()
            self._open = path, zipfile.ZipFile(path)
        return self._open[1]


@contextmanager
def _damage_told(path: Path) -> Iterator[None]:
    try:
        yield
    except DAMAGED as error:
        raise DamagedChunkError(path, error) from error


def _part(archive: zipfile.ZipFile) -> Part:
    with np.load(io.BytesIO(archive.read(ARRAYS)), allow_pickle=False) as arrays:
        content = {name: arrays[name] for name in arrays.files}
    reasons = json.loads(archive.read(REASONS))
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


def _put(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, date_time=EPOCH)
    entry.create_system = 3
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, content)
