"""Small bundles written by hand, for tests."""

import hashlib
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

METRICS = ("RMA", "Focus")
ATTRIBUTORS = ("GradCAM", "GuidedBackprop")
DATASET, NETWORK = "shapes", "TinyNet"


def write_bundle(
    folder: Path,
    *,
    slug: str,
    images: int = 3,
    metrics: Sequence[str] = METRICS,
    attributors: Sequence[str] = ATTRIBUTORS,
    size: int = 24,
    seed: int = 5,
    **study: Any,
) -> Path:
    """Write a bundle into an empty folder and return the folder.

    Every condition shows the same images. The original map of an image is one picture in all conditions with the
    same attributor, as fine-tuning on another metric does not change it. `study` replaces fields of the study.
    """
    (folder / "media").mkdir(parents=True)
    pixels = np.random.default_rng(seed)
    files: dict[str, str] = {}
    pictures: list[dict[str, Any]] = []

    def picture() -> list[str]:
        content = io.BytesIO()
        Image.fromarray(pixels.integers(0, 256, (size, size, 3), dtype=np.uint8)).save(content, "PNG")
        digest = hashlib.sha256(content.getvalue()).hexdigest()
        (folder / "media" / f"{digest}.png").write_bytes(content.getvalue())
        files[f"media/{digest}.png"] = digest
        pictures.append(_object("picture", digest=digest, width=size, height=size))
        return [digest]

    names = [f"image-{number:04}" for number in range(images)]
    shown = [
        _object("image", study=[slug], name=name, picture=picture(), label=f"class {number % 3}")
        for number, name in enumerate(names)
    ]
    originals = {(attributor, name): picture() for attributor in attributors for name in names}
    cells = [(DATASET, metric, NETWORK, attributor) for metric in metrics for attributor in attributors]
    conditions = [_condition(slug, *cell) for cell in cells]
    pairs: list[dict[str, Any]] = []
    trials: list[dict[str, Any]] = []
    for cell in cells:
        for number, name in enumerate(names):
            original = originals[cell[3], name]
            pairs.append(_pair([slug, *cell], [slug, name], original, picture(), f"class {number % 3}"))
            key = f"{len(trials):05}"
            pair = [slug, *cell, name]
            trials.append(_object("trial", study=[slug], key=key, pair=pair, trial_type="forced_choice", kind="main"))
    fields = {
        "slug": slug,
        "title": f"Study {slug}",
        "question": "Which map explains the answer better?",
        "seed": seed,
        "annotators_per_trial": 2,
        "trials_per_annotator": None,
        "allow_undo": True,
        "offer_neither": True,
        **study,
    }
    write_fixture(folder, [_object("study", **fields), *pictures, *conditions, *shown, *pairs, *trials], files)
    return folder


def write_fixture(folder: Path, objects: Sequence[dict[str, Any]], files: dict[str, str]) -> None:
    """Write study.json, and a manifest of it and the other files (name -> digest)."""
    content = json.dumps(list(objects)).encode()
    (folder / "study.json").write_bytes(content)
    manifest = {
        "format": "harmony-bundle/1",
        "study": objects[0]["fields"]["slug"],
        "created": "2026-01-01T00:00:00+00:00",
        "files": {**files, "study.json": hashlib.sha256(content).hexdigest()},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))


def read_fixture_text(folder: Path) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Return the objects of a bundle and its manifest's files, to be changed and written again."""
    objects = json.loads((folder / "study.json").read_text())
    files = json.loads((folder / "manifest.json").read_text())["files"]
    return objects, files


def _object(model: str, **fields: Any) -> dict[str, Any]:
    return {"model": f"studies.{model}", "fields": fields}


def _condition(slug: str, dataset: str, metric: str, network: str, attributor: str) -> dict[str, Any]:
    return _object(
        "condition",
        study=[slug],
        dataset=dataset,
        metric=metric,
        network=network,
        attributor=attributor,
        direction="higher",
        improved=True,
        summary={"export": {"n": 3, "before": 0.3, "after": 0.5}},
    )


def _pair(
    condition: list[str], image: list[str], original: list[str], finetuned: list[str], label: str
) -> dict[str, Any]:
    return _object(
        "pair",
        condition=condition,
        image=image,
        original=original,
        finetuned=finetuned,
        score_original=0.25,
        score_finetuned=0.5,
        target=label,
        prediction_original=label,
        prediction_finetuned=label,
        confidence_original=0.9,
        confidence_finetuned=0.8,
    )
