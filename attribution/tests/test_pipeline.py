import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from attribution import pipeline
from attribution.bundle import verify_bundle
from attribution.errors import InputError


def files_of(bundle: Path) -> dict[str, bytes]:
    """Everything in a bundle that must not depend on the clock."""
    return {
        str(path.relative_to(bundle)): path.read_bytes()
        for path in sorted(bundle.rglob("*"))
        if path.is_file() and path.name != "manifest.json"
    }


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from attribution.tests.small_run import write_small_run

    folder = tmp_path_factory.mktemp("built")
    return pipeline.build(write_small_run(folder), folder / "out", device="cpu")


def manifest_of(bundle: Path) -> dict[str, object]:
    content: dict[str, object] = json.loads((bundle / "manifest.json").read_text())
    return content


def fixture_of(bundle: Path, model: str) -> list[dict[str, object]]:
    entries = json.loads((bundle / "study.json").read_text())
    return [entry["fields"] for entry in entries if entry["model"] == f"studies.{model}"]


def test_the_bundle_is_whole(built: Path) -> None:
    verify_bundle(built)
    assert len(fixture_of(built, "condition")) == 4
    assert len(fixture_of(built, "pair")) == len(fixture_of(built, "trial")) == 16


def test_every_condition_shows_the_same_images(built: Path) -> None:
    shown: dict[str, set[str]] = {}
    for pair in fixture_of(built, "pair"):
        shown.setdefault(str(pair["condition"]), set()).add(str(pair["image"]))
    assert len(shown) == 4
    assert len({frozenset(images) for images in shown.values()}) == 1


def test_the_original_map_of_an_image_is_one_picture_in_all_conditions_of_an_attributor(built: Path) -> None:
    originals: dict[tuple[str, str], set[str]] = {}
    for pair in fixture_of(built, "pair"):
        condition = pair["condition"]
        assert isinstance(condition, list)
        originals.setdefault((str(condition[-1]), str(pair["image"])), set()).add(str(pair["original"]))
    assert len(originals) == 8
    assert all(len(digests) == 1 for digests in originals.values())


def test_exported_images_are_classified_correctly_by_both_networks(built: Path) -> None:
    for pair in fixture_of(built, "pair"):
        assert pair["prediction_original"] == pair["prediction_finetuned"] == pair["target"]


def test_scores_of_the_pairs_are_those_of_the_pictures_maps(built: Path) -> None:
    """RMA from the white-to-red picture (1 - green is the positive part) is the score beside it, but for 8 bits."""
    masks = {path.stem: np.asarray(Image.open(path)) > 0 for path in built.parent.parent.glob("masks/*/*.png")}
    checked = 0
    for pair in fixture_of(built, "pair"):
        condition = pair["condition"]
        assert isinstance(condition, list)
        if condition[2] != "RMA":
            continue
        image, digests = pair["image"], {role: pair[role] for role in ("original", "finetuned")}
        assert isinstance(image, list)
        mask = masks[image[1].split("-")[1]]
        for role, digest in digests.items():
            assert isinstance(digest, list)
            red = 255.0 - np.asarray(Image.open(built / "media" / f"{digest[0]}.png").convert("RGB"))[..., 1]
            assert red[mask].sum() / red.sum() == pytest.approx(pair[f"score_{role}"], abs=0.02)
            checked += 1
    assert checked == 16


def test_splits_never_overlap_and_are_counted(built: Path) -> None:
    dataset = manifest_of(built)["dataset"]
    assert isinstance(dataset, dict)
    assert dataset["splits"] == {"train": 16, "validation": 12, "export": 12}
    assert dataset["images"] == 40


def test_unimproved_conditions_are_marked_where_they_are_exported_on_request(built: Path) -> None:
    conditions = manifest_of(built)["conditions"]
    assert isinstance(conditions, list)
    in_fixture = {(entry["metric"], entry["attributor"]): entry["improved"] for entry in fixture_of(built, "condition")}
    assert len(in_fixture) == 4
    for entry in conditions:
        gained = entry["validation"]["after"] > entry["validation"]["before"] and entry["agreement"] >= 0.5
        assert entry["improved"] is in_fixture[entry["metric"], entry["attributor"]]
        assert gained or not entry["improved"]


def test_the_same_config_and_seed_give_the_same_bytes(small_run: Path, tmp_path: Path) -> None:
    first = pipeline.build(small_run, tmp_path / "one", device="cpu")
    second = pipeline.build(small_run, tmp_path / "two", device="cpu")
    assert files_of(first) == files_of(second)


def test_another_seed_gives_another_study(small_run: Path, tmp_path: Path) -> None:
    first = pipeline.build(small_run, tmp_path / "one", device="cpu")
    small_run.write_text(small_run.read_text().replace("seed = 5", "seed = 6"))
    assert files_of(first) != files_of(pipeline.build(small_run, tmp_path / "two", device="cpu"))


class Stop(BaseException):
    """Like Ctrl-C, but sure to come from the test."""


@pytest.mark.parametrize(
    "where", ["answers of the original", "RMA x GradCAM: fine-tuning", "Focus x GradCAM: scoring", "pairs"]
)
def test_an_interrupted_build_resumes_to_the_same_bundle(
    built: Path, small_run: Path, tmp_path: Path, where: str
) -> None:
    def interrupt(what: str, done: int, total: int) -> None:
        if where in what and done >= total // 2:
            raise Stop

    with pytest.raises(Stop):
        pipeline.build(small_run, tmp_path / "out", device="cpu", progress=interrupt)
    assert not (tmp_path / "out" / "bundle").exists()
    bundle = pipeline.build(small_run, tmp_path / "out", resume=True, device="cpu")
    assert files_of(bundle) == files_of(built)


def test_a_killed_process_leaves_a_state_that_resumes_to_the_same_bundle(
    built: Path, small_run: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    command = [sys.executable, "-m", "attribution", "build", str(small_run), "--out", str(out), "--device", "cpu"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not list(out.glob("conditions/*.pt*")) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    process.kill()
    process.wait()
    assert list(out.glob("conditions/*.pt*"))
    finished = subprocess.run([*command, "--resume"], capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    assert files_of(out / "bundle") == files_of(built)
    assert "RMA x GradCAM" in finished.stdout


def test_the_steps_of_the_path_end_in_the_same_bundle(built: Path, small_run: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    pipeline.finetune(small_run, out, device="cpu")
    assert not (out / "bundle").exists()
    table = pipeline.score(small_run, out, device="cpu")
    assert table.count("GradCAM") == 2
    assert "->" in table
    assert files_of(pipeline.export(small_run, out, device="cpu")) == files_of(built)


def test_a_folder_that_holds_a_run_is_not_overwritten_unasked(small_run: Path, tmp_path: Path) -> None:
    pipeline.finetune(small_run, tmp_path / "out", device="cpu")
    with pytest.raises(InputError, match="add --resume"):
        pipeline.build(small_run, tmp_path / "out", device="cpu")
    small_run.write_text(small_run.read_text().replace("seed = 5", "seed = 6"))
    with pytest.raises(InputError, match="holds another run"):
        pipeline.build(small_run, tmp_path / "out", resume=True, device="cpu")


def test_another_number_of_pairs_needs_no_new_fine_tuning(
    small_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.finetune(small_run, tmp_path / "out", device="cpu")
    text = small_run.read_text().replace("pairs = 4", "pairs = 2").replace("A small study", "A smaller study")
    small_run.write_text(text)

    def refuse(*_arguments: object) -> None:
        raise AssertionError("fine-tuned again")

    monkeypatch.setattr("attribution.trainers.loop.take_step", refuse)
    assert len(fixture_of(pipeline.build(small_run, tmp_path / "out", resume=True, device="cpu"), "trial")) == 8


def test_a_condition_with_other_settings_is_fine_tuned_anew_and_the_others_are_kept(
    small_run: Path, tmp_path: Path
) -> None:
    pipeline.finetune(small_run, tmp_path / "out", device="cpu")
    small_run.write_text(small_run.read_text().replace("steps = 4", "steps = 2"))
    pipeline.finetune(small_run, tmp_path / "out", resume=True, device="cpu")
    kept = sorted(path.name for path in (tmp_path / "out" / "conditions").iterdir())
    assert [sum(name.startswith(metric) for name in kept) for metric in ("rma", "focus")] == [2, 4]


def test_without_an_improved_condition_nothing_is_exported(small_run: Path, tmp_path: Path) -> None:
    text = (
        small_run.read_text()
        .replace("export_unimproved = true", "")
        .replace("learning_rate = 1e-3", "learning_rate = 1e-12")
    )
    small_run.write_text(text.replace("minimum_agreement = 0.5", "minimum_agreement = 1.0").replace("1e-12", "0.9"))
    with pytest.raises(InputError, match="no condition improved"):
        pipeline.build(small_run, tmp_path / "out", device="cpu")
    assert not (tmp_path / "out" / "bundle").exists()


def test_a_damaged_image_is_named_counted_and_left_out(small_run: Path, tmp_path: Path) -> None:
    victim = small_run.parent / "images" / "disc" / "disc03.png"
    victim.write_bytes(victim.read_bytes()[:200])
    bundle = pipeline.build(small_run, tmp_path / "out", device="cpu")
    dataset = manifest_of(bundle)["dataset"]
    assert isinstance(dataset, dict)
    assert [entry.split(":")[0] for entry in dataset["unreadable"]] == ["disc/disc03.png"]
    assert sum(dataset["splits"].values()) == 39
