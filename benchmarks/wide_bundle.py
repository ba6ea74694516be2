"""A bundle of very many trials with tiny pictures, written piece by piece, for benchmarks of loading."""

import hashlib
import json
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

SIDE = 16
ATTRIBUTORS = 5
SIGNATURE = b"\x89PNG\r\n\x1a\n"


class WideBundle:
    """Writes `folder`: `images` x `conditions` trials.

    Every finetuned map is a picture of its own; the original maps of an image are the same in all conditions of an
    attributor, of which there are five.
    """

    def __init__(self, folder: Path, slug: str, *, images: int, conditions: int) -> None:
        self.folder = folder
        self.slug = slug
        self.trials = images * conditions
        self.names = [f"image-{number:05}" for number in range(images)]
        self.keys = [
            [slug, "made", f"metric-{number // ATTRIBUTORS}", "made", f"attributor-{number % ATTRIBUTORS}"]
            for number in range(conditions)
        ]
        (folder / "media").mkdir(parents=True)
        with (folder / "study.json").open("w", encoding="utf-8") as file:
            self._objects(file)
        digest = hashlib.sha256()
        with (folder / "study.json").open("rb") as content:
            while piece := content.read(1 << 20):
                digest.update(piece)
        self._manifest(digest.hexdigest())

    def _objects(self, file: IO[str]) -> None:
        separator = "[\n"
        for model, fields in self._listed():
            file.write(separator + json.dumps({"model": f"studies.{model}", "fields": fields}, sort_keys=True))
            separator = ",\n"
        file.write("\n]\n")

    def _listed(self) -> Iterator[tuple[str, dict[str, Any]]]:
        fields: dict[str, Any] = {"slug": self.slug, "title": "Made", "question": "Which map?", "seed": 1}
        fields |= {"annotators_per_trial": 5, "trials_per_annotator": None, "allow_undo": True, "offer_neither": True}
        yield "study", fields
        for number in range(len(self.names) * (1 + ATTRIBUTORS + len(self.keys))):
            yield "picture", {"digest": self._store(number), "width": SIDE, "height": SIDE}
        for _, dataset, metric, network, attributor in self.keys:
            cell = {"dataset": dataset, "metric": metric, "network": network, "attributor": attributor}
            summary = {"export": {"n": len(self.names), "before": 0.3, "after": 0.4}}
            yield (
                "condition",
                {"study": [self.slug], **cell, "direction": "higher", "improved": True, "summary": summary},
            )
        for place, name in enumerate(self.names):
            yield "image", {"study": [self.slug], "name": name, "picture": [_digest(place)], "label": "cat"}
        for condition, key in enumerate(self.keys):
            for place, name in enumerate(self.names):
                yield "pair", self._pair(condition, key, place, name)
        for number in range(self.trials):
            key, name = self.keys[number // len(self.names)], self.names[number % len(self.names)]
            trial = {"study": [self.slug], "key": f"trial-{number:07}", "pair": [*key, name]}
            yield "trial", {**trial, "trial_type": "forced_choice", "kind": "main"}

    def _pair(self, condition: int, key: list[str], place: int, name: str) -> dict[str, Any]:
        images = len(self.names)
        original = images * (1 + condition % ATTRIBUTORS) + place
        finetuned = images * (1 + ATTRIBUTORS + condition) + place
        score = place / images
        return {
            "condition": key,
            "image": [self.slug, name],
            "original": [_digest(original)],
            "finetuned": [_digest(finetuned)],
            "score_original": score / 3,
            "score_finetuned": score / 2,
            "target": "cat",
            "prediction_original": "cat",
            "prediction_finetuned": "cat",
            "confidence_original": 0.8,
            "confidence_finetuned": score,
        }

    def _store(self, number: int) -> str:
        content = _picture(number)
        digest = hashlib.sha256(content).hexdigest()
        (self.folder / "media" / f"{digest}.png").write_bytes(content)
        return digest

    def _manifest(self, fixture: str) -> None:
        with (self.folder / "manifest.json").open("w", encoding="utf-8") as file:
            file.write(f'{{"format": "harmony-bundle/1",\n"study": "{self.slug}",\n"files": {{\n')
            for path in sorted((self.folder / "media").iterdir()):
                file.write(f'"media/{path.name}": "{path.stem}",\n')
            file.write(f'"study.json": "{fixture}"}}}}\n')


def _picture(number: int) -> bytes:
    """A grey PNG of noise that the number decides."""
    noise = hashlib.shake_128(str(number).encode()).digest(SIDE * SIDE)
    rows = b"".join(b"\0" + noise[start : start + SIDE] for start in range(0, SIDE * SIDE, SIDE))
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 0, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 1)), (b"IEND", b""))
    return SIGNATURE + b"".join(_chunk(kind, content) for kind, content in parts)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _digest(number: int) -> str:
    return hashlib.sha256(_picture(number)).hexdigest()
