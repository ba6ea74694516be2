"""A bundle of any size with made-up maps, for benchmarks of the web side."""

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

SIDE = 224
ATTRIBUTORS = ("GradCAM", "GuidedBackprop")


class MadeBundle:
    """Writes `folder`: `images` x `conditions` pairs, each with smooth random maps of 224 x 224 pixels."""

    def __init__(self, folder: Path, slug: str, *, images: int, conditions: int) -> None:
        self.folder = folder
        self.slug = slug
        self.random = np.random.default_rng(1)
        self.files: dict[str, str] = {}
        self.objects: list[dict[str, Any]] = []
        (folder / "media").mkdir(parents=True)
        self._write(images, conditions)

    def _write(self, images: int, conditions: int) -> None:
        names = [f"image-{number:04}" for number in range(images)]
        photos = {name: self._picture("RGB") for name in names}
        originals = {(attributor, name): self._picture("L") for attributor in ATTRIBUTORS for name in names}
        keys = [
            (self.slug, "made", f"metric-{number // len(ATTRIBUTORS)}", "made", ATTRIBUTORS[number % len(ATTRIBUTORS)])
            for number in range(conditions)
        ]
        finetuned = {(key, name): self._picture("L") for key in keys for name in names}
        study = {"slug": self.slug, "title": "Made", "question": "Which map?", "seed": 1, "annotators_per_trial": 5}
        study |= {"trials_per_annotator": None, "allow_undo": True, "offer_neither": True}
        self._add("study", **study)
        for digest in [*photos.values(), *originals.values(), *finetuned.values()]:
            self._add("picture", digest=digest, width=SIDE, height=SIDE)
        for key in keys:
            fields = dict(zip(("dataset", "metric", "network", "attributor"), key[1:], strict=True))
            self._add("condition", study=[self.slug], **fields, direction="higher", improved=True, summary={})
        for name in names:
            self._add("image", study=[self.slug], name=name, picture=[photos[name]], label="cat")
        pairs = [(key, name) for key in keys for name in names]
        for key, name in pairs:
            self._add(
                "pair",
                condition=list(key),
                image=[self.slug, name],
                original=[originals[key[4], name]],
                finetuned=[finetuned[key, name]],
                score_original=0.3,
                score_finetuned=0.4,
                target="cat",
                prediction_original="cat",
                prediction_finetuned="cat",
                confidence_original=0.8,
                confidence_finetuned=0.9,
            )
        for number, (key, name) in enumerate(pairs):
            trial = {"study": [self.slug], "key": f"trial-{number:06}", "trial_type": "forced_choice", "kind": "main"}
            self._add("trial", **trial, pair=[*key, name])
        self._close()

    def _add(self, model: str, **fields: Any) -> None:
        self.objects.append({"model": f"studies.{model}", "fields": fields})

    def _picture(self, mode: str) -> str:
        shape = (14, 14, 3) if mode == "RGB" else (14, 14)
        coarse = Image.fromarray(self.random.integers(0, 256, shape, dtype=np.uint8))
        buffer = io.BytesIO()
        coarse.resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(buffer, "PNG", compress_level=1)
        return self._store(buffer.getvalue())

    def _store(self, content: bytes) -> str:
        digest = hashlib.sha256(content).hexdigest()
        name = f"media/{digest}.png"
        (self.folder / name).write_bytes(content)
        self.files[name] = digest
        return digest

    def _close(self) -> None:
        fixture = json.dumps(self.objects).encode()
        (self.folder / "study.json").write_bytes(fixture)
        self.files["study.json"] = hashlib.sha256(fixture).hexdigest()
        manifest = {"format": "harmony-bundle/1", "study": self.slug, "files": self.files}
        (self.folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
