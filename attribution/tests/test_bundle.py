"""The bundle: writing it and checking it."""

import hashlib
import itertools
import json
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from attribution.bundle import (
    MANIFEST_KEYS,
    BundleWriter,
    ConditionKey,
    ConditionRecord,
    ImageRecord,
    PairRecord,
    StudyRecord,
    trial_order,
    verify_bundle,
)
from attribution.errors import InputError
from attribution.rendering import encode_png

STUDY = StudyRecord("demo", "Demo", "Which map is better?", 7, 5, None, allow_undo=True, offer_neither=True)
METRICS = ("RMA", "Focus")


def png(shade: int, size: tuple[int, int] = (4, 3)) -> bytes:
    return encode_png(Image.new("RGB", size, (shade, shade, shade)))


def condition(metric: str, **changes: Any) -> ConditionRecord:
    summary = {"validation": {"before": 0.1 + 0.2, "after": np.float64(0.5)}, "seconds": 12.3}
    return replace(ConditionRecord("shapes", metric, "SmallCNN", "GradCAM", "higher", True, summary), **changes)


def pair(metric: str, image: str, original: str, finetuned: str, **changes: Any) -> PairRecord:
    record = PairRecord(
        condition(metric).key, image, original, finetuned, 1 / 3, None, "star", "star", "ring", 0.9, 0.8
    )
    return replace(record, **changes)


def filled(out: Path, *, backwards: bool = False) -> BundleWriter:
    """Two conditions on three images; the original map of an image is the same in both."""
    writer = BundleWriter(out, STUDY)
    step = -1 if backwards else 1
    for metric in METRICS[::step]:
        writer.add_condition(condition(metric))
    for number in range(3)[::step]:
        writer.add_image(ImageRecord(f"image-{number}", writer.add_picture(png(number)), "star"))
    for place, metric in list(enumerate(METRICS))[::step]:
        for number in range(3)[::step]:
            original, finetuned = png(100 + number), png(150 + 10 * place + number)
            writer.add_pair(
                pair(metric, f"image-{number}", writer.add_picture(original), writer.add_picture(finetuned))
            )
    return writer


def manifest(**changes: Any) -> dict[str, Any]:
    return {key: {} for key in MANIFEST_KEYS} | {"seed": 7, "created": "2024-01-01T00:00:00+00:00"} | changes


def fixture(bundle: Path) -> list[dict[str, Any]]:
    objects: list[dict[str, Any]] = json.loads((bundle / "study.json").read_text())
    return objects


def of_model(bundle: Path, model: str) -> list[dict[str, Any]]:
    return [entry["fields"] for entry in fixture(bundle) if entry["model"] == f"studies.{model}"]


def test_the_fixture_has_every_object_in_the_order_of_reference(tmp_path: Path) -> None:
    bundle = filled(tmp_path / "bundle").finish(manifest())
    models = [entry["model"].removeprefix("studies.") for entry in fixture(bundle)]
    expected = ["study"] + ["picture"] * 12 + ["condition"] * 2 + ["image"] * 3 + ["pair"] * 6 + ["trial"] * 6
    assert models == expected
    assert not any("pk" in entry for entry in fixture(bundle))


def test_objects_refer_to_each_other_by_natural_keys(tmp_path: Path) -> None:
    bundle = filled(tmp_path / "bundle").finish(manifest())
    key = ["demo", "shapes", "Focus", "SmallCNN", "GradCAM"]
    assert of_model(bundle, "study") == [
        {
            "slug": "demo",
            "title": "Demo",
            "question": "Which map is better?",
            "seed": 7,
            "annotators_per_trial": 5,
            "trials_per_annotator": None,
            "allow_undo": True,
            "offer_neither": True,
        }
    ]
    assert of_model(bundle, "condition")[0] == {
        "study": ["demo"],
        "dataset": "shapes",
        "metric": "Focus",
        "network": "SmallCNN",
        "attributor": "GradCAM",
        "direction": "higher",
        "improved": True,
        "summary": {"validation": {"before": 0.3, "after": 0.5}},
    }
    digest = hashlib.sha256(png(0)).hexdigest()
    assert of_model(bundle, "image")[0] == {
        "study": ["demo"],
        "name": "image-0",
        "picture": [digest],
        "label": "star",
    }
    assert of_model(bundle, "pair")[0] == {
        "condition": key,
        "image": ["demo", "image-0"],
        "original": [hashlib.sha256(png(100)).hexdigest()],
        "finetuned": [hashlib.sha256(png(160)).hexdigest()],
        "score_original": 0.333333333,
        "score_finetuned": None,
        "target": "star",
        "prediction_original": "star",
        "prediction_finetuned": "ring",
        "confidence_original": 0.9,
        "confidence_finetuned": 0.8,
    }
    trials = of_model(bundle, "trial")
    assert [trial["key"] for trial in trials] == ["t0001", "t0002", "t0003", "t0004", "t0005", "t0006"]
    assert [*key, "image-0"] in [trial["pair"] for trial in trials]
    assert {(trial["trial_type"], trial["kind"], *trial["study"]) for trial in trials} == {
        ("forced_choice", "main", "demo")
    }


def test_pictures_are_named_by_their_digest_and_described(tmp_path: Path) -> None:
    bundle = filled(tmp_path / "bundle").finish(manifest())
    files = sorted((bundle / "media").iterdir())
    assert [path.stem for path in files] == [hashlib.sha256(path.read_bytes()).hexdigest() for path in files]
    assert of_model(bundle, "picture") == [{"digest": path.stem, "width": 4, "height": 3} for path in files]


def test_the_order_of_adding_changes_no_byte(tmp_path: Path) -> None:
    one = filled(tmp_path / "one").finish(manifest())
    two = filled(tmp_path / "two", backwards=True).finish(manifest())
    assert (one / "study.json").read_bytes() == (two / "study.json").read_bytes()
    assert (one / "manifest.json").read_bytes() == (two / "manifest.json").read_bytes()


def test_the_manifest_lists_every_file_with_its_digest(tmp_path: Path) -> None:
    bundle = filled(tmp_path / "bundle").finish(manifest(config={"size": 0.1 + 0.2}))
    written = json.loads((bundle / "manifest.json").read_text())
    assert written["format"] == "harmony-bundle/1"
    assert written["study"] == "demo"
    assert written["config"] == {"size": 0.3}
    files = [path for path in bundle.rglob("*") if path.is_file() and path.name != "manifest.json"]
    assert written["files"] == {
        path.relative_to(bundle).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
    }
    assert verify_bundle(bundle) == written


def test_nothing_stands_at_the_target_before_the_end(tmp_path: Path) -> None:
    writer = filled(tmp_path / "bundle")
    assert [path.name for path in tmp_path.iterdir()] == ["bundle.partial"]
    writer.finish(manifest())
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


def test_a_partial_folder_is_taken_over_without_its_leftovers(tmp_path: Path) -> None:
    partial = tmp_path / "bundle.partial" / "media"
    interrupted = filled(tmp_path / "bundle")
    interrupted.add_picture(png(250))
    (partial / "half.tmp").write_bytes(b"half")
    kept = partial / f"{hashlib.sha256(png(0)).hexdigest()}.png"
    before = kept.stat().st_ino
    bundle = filled(tmp_path / "bundle").finish(manifest())
    verify_bundle(bundle)
    assert (bundle / "media" / kept.name).stat().st_ino == before
    assert len(list((bundle / "media").iterdir())) == 12


def test_a_damaged_picture_in_a_partial_folder_is_written_again(tmp_path: Path) -> None:
    filled(tmp_path / "bundle")
    (tmp_path / "bundle.partial" / "media" / f"{hashlib.sha256(png(0)).hexdigest()}.png").write_bytes(b"half")
    verify_bundle(filled(tmp_path / "bundle").finish(manifest()))


def test_a_finished_bundle_is_replaced_by_the_next(tmp_path: Path) -> None:
    filled(tmp_path / "bundle").finish(manifest(seed=1))
    writer = filled(tmp_path / "bundle")
    assert verify_bundle(tmp_path / "bundle")["seed"] == 1
    writer.finish(manifest(seed=2))
    assert verify_bundle(tmp_path / "bundle")["seed"] == 2
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


def test_a_folder_that_is_no_bundle_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    with pytest.raises(InputError, match="photos: exists and is not a bundle: choose another folder"):
        BundleWriter(tmp_path / "photos", STUDY)


def test_a_picture_with_metadata_is_refused(tmp_path: Path) -> None:
    info = PngInfo()
    info.add_text("Comment", "finetuned")
    buffer = BytesIO()
    Image.new("RGB", (4, 3)).save(buffer, "PNG", pnginfo=info)
    with pytest.raises(ValueError, match=r"carries metadata \(tEXt\)"):
        BundleWriter(tmp_path / "bundle", STUDY).add_picture(buffer.getvalue())


def test_records_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    writer = filled(tmp_path / "bundle")
    one, two, large = (writer.add_picture(png(shade)) for shade in (1, 2, 3)), png(9), png(9, (5, 5))
    first, second, _ = one
    big = writer.add_picture(large)
    writer.add_picture(two)
    with pytest.raises(ValueError, match=r"image-0 is given twice"):
        writer.add_pair(pair("RMA", "image-0", first, second))
    with pytest.raises(ValueError, match="the condition was not added"):
        writer.add_pair(pair("ROAD", "image-0", first, second))
    with pytest.raises(ValueError, match="the image was not added"):
        writer.add_pair(pair("RMA", "image-9", first, second))
    writer.add_image(ImageRecord("image-9", first, "star"))
    with pytest.raises(ValueError, match="the picture abc was not added"):
        writer.add_pair(pair("RMA", "image-9", first, "abc"))
    with pytest.raises(ValueError, match=r"the maps differ in size \(\(4, 3\) and \(5, 5\)\)"):
        writer.add_pair(pair("RMA", "image-9", first, big))
    with pytest.raises(ValueError, match="image image-9 is given twice"):
        writer.add_image(ImageRecord("image-9", first, "star"))
    with pytest.raises(ValueError, match="the picture abc was not added"):
        writer.add_image(ImageRecord("image-8", "abc", "star"))
    with pytest.raises(ValueError, match="is given twice"):
        writer.add_condition(condition("RMA"))
    with pytest.raises(ValueError, match='direction is "up"'):
        writer.add_condition(condition("ROAD", direction="up"))


def test_a_score_that_is_not_finite_is_refused(tmp_path: Path) -> None:
    writer = filled(tmp_path / "bundle")
    writer.add_image(ImageRecord("image-9", writer.add_picture(png(1)), "star"))
    writer.add_pair(pair("RMA", "image-9", *[writer.add_picture(png(1))] * 2, score_original=float("nan")))
    with pytest.raises(ValueError, match="nan has no place in JSON"):
        writer.finish(manifest())
    assert not (tmp_path / "bundle").exists()


def test_a_manifest_with_other_keys_is_refused(tmp_path: Path) -> None:
    writer = filled(tmp_path / "bundle")
    with pytest.raises(ValueError, match="too many of the keys: extra"):
        writer.finish(manifest(extra=1))


def test_a_study_without_pairs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no pairs"):
        BundleWriter(tmp_path / "bundle", STUDY).finish(manifest())


def pairs_of(conditions: int, images: int) -> list[tuple[ConditionKey, str]]:
    return [(("shapes", f"m{c}", "net", "cam"), f"i{i:03}") for c in range(conditions) for i in range(images)]


def test_trials_take_one_pair_of_each_condition_per_round() -> None:
    order = trial_order(pairs_of(4, 20), seed=3)
    assert sorted(order) == pairs_of(4, 20)
    rounds = [order[start : start + 4] for start in range(0, 80, 4)]
    assert all(len({key for key, _ in entries}) == 4 for entries in rounds)
    assert all(len({name for _, name in entries}) == 4 for entries in rounds)
    assert len({tuple(key for key, _ in entries) for entries in rounds}) > 5


def test_an_image_returns_no_sooner_than_its_share_of_rounds() -> None:
    order = trial_order(pairs_of(4, 20), seed=3)
    places: dict[str, list[int]] = {}
    for place, (_, name) in enumerate(order):
        places.setdefault(name, []).append(place // 4)
    assert all(later - sooner == 5 for rounds in places.values() for sooner, later in itertools.pairwise(rounds))


def test_the_order_of_trials_follows_from_the_seed() -> None:
    pairs = pairs_of(3, 10)
    assert trial_order(pairs, seed=1) == trial_order(reversed(pairs), seed=1)
    assert trial_order(pairs, seed=1) != trial_order(pairs, seed=2)


def test_conditions_with_fewer_images_lose_none() -> None:
    pairs = [*pairs_of(2, 5), (("shapes", "small", "net", "cam"), "i000")]
    assert sorted(trial_order(pairs, seed=1)) == sorted(pairs)


def test_verify_names_a_changed_a_missing_and_an_unlisted_file(tmp_path: Path) -> None:
    bundle = filled(tmp_path / "bundle").finish(manifest())
    picture = next((bundle / "media").iterdir())
    good = picture.read_bytes()
    picture.write_bytes(png(255))
    with pytest.raises(InputError, match=f"{picture.name}: has other contents"):
        verify_bundle(bundle)
    picture.unlink()
    with pytest.raises(InputError, match=f"{picture.name}: is missing"):
        verify_bundle(bundle)
    picture.write_bytes(good)
    verify_bundle(bundle)
    (bundle / "media" / "more.png").write_bytes(good)
    with pytest.raises(InputError, match=r"more\.png: is not listed in the manifest"):
        verify_bundle(bundle)


def test_verify_refuses_what_is_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"has no manifest\.json"):
        verify_bundle(tmp_path)
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(InputError, match="is not JSON"):
        verify_bundle(tmp_path)
    (tmp_path / "manifest.json").write_text('{"format": "harmony-bundle/9"}')
    with pytest.raises(InputError, match='format is "harmony-bundle/9": this program reads harmony-bundle/1'):
        verify_bundle(tmp_path)


@pytest.mark.parametrize("name", ["../study.json", "media/../../secret.png", "/etc/passwd", "media/x.png"])
def test_verify_never_leaves_the_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps({"format": "harmony-bundle/1", "files": {name: "0" * 64}}))
    with pytest.raises(InputError, match="is not a file of a bundle"):
        verify_bundle(tmp_path)
