"""A build in steps, by any number of benches, is the build of a single process."""

import json
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from attribution import pipeline
from attribution.bundle import verify_bundle
from attribution.tests.steps import BUILD, SmallBuild, StepError


@pytest.fixture(scope="module")
def single(tmp_path_factory: pytest.TempPathFactory, _small_run: Path) -> Path:
    """The bundle that a single process builds."""
    folder = tmp_path_factory.mktemp("single")
    shutil.copytree(_small_run, folder / "run")
    return pipeline.build(folder / "run" / "study.toml", folder / "out", device="cpu")


@pytest.fixture
def build(small_run: Path, tmp_path: Path) -> SmallBuild:
    return SmallBuild(small_run, tmp_path)


def unpacked(build: SmallBuild, told: Mapping[str, Any], to: Path) -> Path:
    archive = to / "bundle.zip"
    build.storage.download(told["bundle"], archive)
    with zipfile.ZipFile(archive) as content:
        content.extractall(to / "bundle")
    return to / "bundle"


def files_of(bundle: Path) -> dict[str, str]:
    files: dict[str, str] = verify_bundle(bundle)["files"]
    return files


def untimed(bundle: Path) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads((bundle / "manifest.json").read_text())
    manifest.pop("created")
    for condition in manifest["conditions"]:
        condition.pop("seconds")
    return manifest


def test_two_processes_build_what_one_does_to_the_byte(build: SmallBuild, single: Path, tmp_path: Path) -> None:
    one, two = build.bench("one"), build.bench("two", HARMONY_WORK_DIR=str(tmp_path / "another-machine"))
    plan = build.plan(one)
    assert plan["chunks"] > 1
    chunks = [chunk for told in build.finetuned(two, plan) for chunk in told["chunks"]]
    for number, chunk in enumerate(reversed(chunks)):
        build.chunk((one, two)[number % 2], chunk)
    bundle = unpacked(build, build.merge(one), tmp_path)
    assert files_of(bundle) == files_of(single)
    assert untimed(bundle) == untimed(single)


def test_a_step_whose_output_is_there_is_not_done_again(build: SmallBuild) -> None:
    bench = build.bench()
    plan = build.plan(bench)
    told = next(build.finetuned(bench, plan))
    build.storage.write(told["chunks"][0]["output"], b"somebody else's")
    build.chunk(bench, told["chunks"][0])
    assert build.storage.read(told["chunks"][0]["output"]) == b"somebody else's"


def test_both_of_two_that_do_the_same_chunk_leave_the_same_bytes(build: SmallBuild, tmp_path: Path) -> None:
    one, two = build.bench("one"), build.bench("two", HARMONY_WORK_DIR=str(tmp_path / "another-machine"))
    told = next(build.finetuned(one, build.plan(one)))
    chunk = told["chunks"][0]
    build.chunk(one, chunk)
    first = build.storage.read(chunk["output"])
    build.storage.remove(chunk["output"])
    build.chunk(two, chunk)
    assert build.storage.read(chunk["output"]) == first


def test_pictures_that_no_chunk_has_drawn_are_drawn_at_the_end(
    build: SmallBuild, single: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = build.bench()
    plan = build.plan(bench)
    with monkeypatch.context() as patched:
        from attribution.jobs import steps

        def nothing(_bench: object, _made: object, _condition: object, start: int, stop: int) -> Any:
            import numpy as np

            return np.zeros(stop - start, dtype=bool)

        patched.setattr(steps, "_may_be_shown", nothing)
        for told in build.finetuned(bench, plan):
            for chunk in told["chunks"]:
                build.chunk(bench, chunk)
    assert files_of(unpacked(build, build.merge(bench), tmp_path)) == files_of(single)


def test_a_cancelled_build_goes_no_further(build: SmallBuild) -> None:
    bench = build.bench()
    build.storage.write(f"builds/{BUILD}/cancelled-1", b"")
    with pytest.raises(StepError) as stopped:
        build.plan(bench)
    assert stopped.value.event["state"] == "cancelled"
    assert not build.storage.exists(f"builds/{BUILD}/plan-1.json")


def test_a_config_that_an_earlier_attempt_has_written_late_is_not_taken_for_the_next_ones(
    build: SmallBuild, small_run: Path
) -> None:
    bench, text, base = build.bench(), small_run.read_text(), str(small_run.parent)
    build.write_job(text.replace("pairs = 4", "pairs = 2"), trusted=True, base=base)
    build.attempt = 2
    with pytest.raises(StepError, match=r"job\.json: is that of attempt 1, .* and not of 2") as failed:
        build.plan(bench)
    # So that the web side writes it again, and has the step done again.
    assert failed.value.event["kind"] == "passing"
    build.write_job(text, trusted=True, base=base)
    assert build.plan(bench)["pairs"] == 4


def test_a_step_of_an_attempt_that_is_over_does_nothing_with_the_config_of_the_next(
    build: SmallBuild, small_run: Path
) -> None:
    build.attempt = 2
    build.write_job(small_run.read_text(), trusted=True, base=str(small_run.parent))
    build.attempt = 1
    with pytest.raises(StepError) as stopped:
        build.plan(build.bench())
    assert stopped.value.event["state"] == "cancelled"
    assert not build.storage.exists(f"builds/{BUILD}/plan-1.json")


def test_a_config_of_a_web_side_that_does_not_say_of_which_attempt_it_is_is_taken(build: SmallBuild) -> None:
    job = dict(build.read(f"builds/{BUILD}/job.json"))
    del job["attempt"]
    build.storage.write(f"builds/{BUILD}/job.json", json.dumps(job).encode())
    assert build.plan(build.bench())["pairs"] == 4


def test_a_wrong_config_fails_with_its_text_and_is_not_to_be_tried_again(build: SmallBuild, small_run: Path) -> None:
    build.write_job(small_run.read_text().replace("pairs = 4", "pears = 4"), trusted=True, base=str(small_run.parent))
    with pytest.raises(StepError, match="pears: unknown key: did you mean 'pairs'") as failed:
        build.plan(build.bench())
    assert failed.value.event["kind"] == "input"


def test_progress_and_log_of_a_step_are_told(build: SmallBuild) -> None:
    bench = build.bench()
    list(build.finetuned(bench, build.plan(bench)))
    bench.teller.close()
    lines = [line for event in build.events for line in event.get("lines", [])]
    assert all(len(line) == 3 for line in lines)
    ended = [event for event in build.events if event["state"] == "done"]
    assert [event["step"].split(":")[0] for event in ended] == ["plan"] + ["finetune"] * 4
    assert all(event["worker"].startswith("one/") and event["seconds"] >= 0 for event in ended)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('images = "images"', 'images = "/etc"'), "dataset.images: leads out of the workers' folder"),
        (('masks = "masks"', 'masks = "../masks"'), "dataset.masks: leads out of the workers' folder"),
        (('images = "images"', 'images = "$SECRET"'), "dataset.images: '\\$SECRET' has a variable in it"),
        (('spec = "file:network.pt"', 'spec = "file:/etc/passwd"'), "spec: leads out of the workers' folder"),
        (('spec = "file:network.pt"', 'spec = "import:os:system"'), "spec: 'import:os:system' is code of its own"),
        (('name = "RMA"', 'name = "mine:Metric"'), "metrics\\[0\\].name: 'mine:Metric' is code of its own"),
        (("steps = 6,", 'steps = 6, trainer = "mine:Own",'), "training.trainer: 'mine:Own' is code of its own"),
    ],
)
def test_a_config_of_strangers_reads_nothing_outside_and_runs_no_code(
    small_run: Path, tmp_path: Path, change: tuple[str, str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "hush")
    build = SmallBuild(small_run, tmp_path, trusted=False, base="")
    assert change[0] in small_run.read_text()
    build.write_job(small_run.read_text().replace(*change), trusted=False, base="")
    with pytest.raises(StepError, match=message) as failed:
        build.plan(build.bench(HARMONY_DATASETS=str(small_run.parent)))
    assert failed.value.event["kind"] == "input"
    assert "hush" not in str(failed.value)


def test_a_config_of_strangers_is_built_from_the_folder_of_data_sets(small_run: Path, tmp_path: Path) -> None:
    build = SmallBuild(small_run, tmp_path, trusted=False, base="")
    assert build.plan(build.bench(HARMONY_DATASETS=str(small_run.parent)))["pairs"] == 4


@pytest.mark.parametrize("named", ["../../../secret", "{outside}/secret"])
def test_a_list_outside_is_not_read_for_strangers(named: str, small_run: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("the password is hush\n")
    layout = f'layout = "oxford_pets"\nsubset = "{named.format(outside=tmp_path)}"'
    changed = small_run.read_text().replace('layout = "folder"', layout).replace('masks = "masks"', "")
    (small_run.parent / "images" / "annotations").mkdir()
    build = SmallBuild(small_run, tmp_path, trusted=False, base="")
    build.write_job(changed, trusted=False, base="")
    with pytest.raises(StepError, match=r"dataset\.subset: '.*secret' is a path") as failed:
        build.plan(build.bench(HARMONY_DATASETS=str(small_run.parent)))
    assert "hush" not in str(failed.value)


@pytest.mark.parametrize("named", ["../../secret.png", "{outside}/secret.png"])
def test_a_table_that_names_files_outside_is_refused_to_strangers(named: str, small_run: Path, tmp_path: Path) -> None:
    folder = small_run.parent
    outside = tmp_path / "secret.png"
    shutil.copy(next((folder / "images" / "disc").iterdir()), outside)
    rows = [f"{path.relative_to(folder / 'images')},{path.parent.name}" for path in (folder / "images").rglob("*.png")]
    rows.append(f"{named.format(outside=tmp_path)},disc")
    (folder / "table.csv").write_text("\n".join(["image,label", *rows]))
    changed = small_run.read_text().replace('layout = "folder"', 'layout = "csv"\ntable = "table.csv"')
    changed = changed.replace('masks = "masks"', 'columns = { image = "image", label = "label" }')
    assert "table.csv" in changed
    build = SmallBuild(small_run, tmp_path, trusted=False, base="")
    build.write_job(changed, trusted=False, base="")
    with pytest.raises(StepError, match="lies outside of the workers' folder of data sets"):
        build.plan(build.bench(HARMONY_DATASETS=str(folder)))


def test_a_worker_without_a_folder_of_data_sets_says_so(small_run: Path, tmp_path: Path) -> None:
    build = SmallBuild(small_run, tmp_path, trusted=False, base="")
    with pytest.raises(StepError, match="set HARMONY_DATASETS"):
        build.plan(build.bench())
