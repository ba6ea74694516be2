"""A score that is undefined is counted, with its reason, in the manifest and in the table."""

import json
from pathlib import Path

import numpy as np
from PIL import Image

from attribution import pipeline


def test_an_empty_mask_is_named_as_the_reason(small_run: Path, tmp_path: Path) -> None:
    for mask in (small_run.parent / "masks" / "disc").iterdir():
        Image.fromarray(np.zeros((32, 32), dtype=np.uint8)).save(mask)
    bundle = pipeline.build(small_run, tmp_path / "out", device="cpu")
    conditions = json.loads((bundle / "manifest.json").read_text())["conditions"]
    rma, focus = (
        next(each for each in conditions if (each["metric"], each["attributor"]) == (name, "GuidedBackprop"))
        for name in ("RMA", "Focus")
    )
    assert rma["export"]["undefined"] == {
        "before": 3,
        "after": 3,
        "reasons": {"before": {"empty mask": 3}, "after": {"empty mask": 3}},
    }
    assert focus["export"]["undefined"]["reasons"] == {"before": {}, "after": {}}
    assert "undefined on 3 -> 3 images (empty mask)" in pipeline.table_of(bundle)
    pairs = [
        entry["fields"] for entry in json.loads((bundle / "study.json").read_text()) if entry["model"] == "studies.pair"
    ]
    guided = [pair for pair in pairs if {"RMA", "GuidedBackprop"} <= set(pair["condition"])]
    unscored = {pair["image"][1] for pair in guided if pair["score_original"] is None}
    assert unscored == {pair["image"][1] for pair in guided if pair["target"] == "disc"}


def test_a_mosaic_that_explains_another_class_is_named(small_run: Path, tmp_path: Path) -> None:
    text = small_run.read_text().replace('name = "Focus"', 'name = "Focus"\noptions = { variant = "published" }')
    small_run.write_text(text)
    bundle = pipeline.build(small_run, tmp_path / "out", device="cpu")
    conditions = json.loads((bundle / "manifest.json").read_text())["conditions"]
    focus = next(each for each in conditions if (each["metric"], each["attributor"]) == ("Focus", "GuidedBackprop"))
    assert set(focus["export"]["undefined"]["reasons"]["before"]) == {"another image's class was explained"}
