"""Workers that have seen other data, other versions or other storages than the one that planned a build."""

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from attribution import map_store
from attribution.attributors.joint import explain
from attribution.jobs import steps
from attribution.shared_folder import SharedFolder
from attribution.tests.steps import SmallBuild, StepError


@pytest.fixture
def build(small_run: Path, tmp_path: Path) -> SmallBuild:
    small_run.write_text(small_run.read_text().replace('["GradCAM", "GuidedBackprop"]', '["GradCAM"]'))
    return SmallBuild(small_run, tmp_path)


def darken(small_run: Path) -> None:
    """Change one image of the data set."""
    picture = sorted((small_run.parent / "images" / "disc").iterdir())[0]
    Image.fromarray(np.asarray(Image.open(picture)) // 2).save(picture)


def whole(build: SmallBuild, planner: Any, worker: Any) -> dict[str, Any]:
    """A build that one bench plans and another one does; returns the manifest."""
    plan = build.plan(planner)
    for told in build.finetuned(worker, plan):
        for chunk in told["chunks"]:
            build.chunk(worker, chunk)
    manifest: dict[str, Any] = dict(build.merge(worker)["manifest"])
    manifest.pop("created")
    for condition in manifest["conditions"]:
        condition.pop("seconds")
    return manifest


def test_a_worker_that_has_a_run_from_before_the_images_changed_reads_it_again(
    build: SmallBuild, small_run: Path, tmp_path: Path
) -> None:
    planner, worker = build.bench("one"), build.bench("two")
    whole(build, planner, worker)
    darken(small_run)
    build.storage.remove_all("builds")
    build.write_job(small_run.read_text(), trusted=True, base=str(small_run.parent))
    again = whole(build, planner, worker)
    anew = SmallBuild(small_run, tmp_path / "anew")
    assert again == whole(anew, anew.bench(), anew.bench("other"))


def test_the_last_step_does_not_put_a_bundle_of_old_images_together(build: SmallBuild, small_run: Path) -> None:
    planner, worker, late = build.bench("one"), build.bench("two"), build.bench("late")
    before = whole(build, planner, late)
    darken(small_run)
    build.storage.remove_all("builds")
    build.write_job(small_run.read_text(), trusted=True, base=str(small_run.parent))
    for told in build.finetuned(worker, build.plan(planner)):
        for chunk in told["chunks"]:
            build.chunk(worker, chunk)
    assert build.merge(late)["manifest"]["dataset"]["digest"] != before["dataset"]["digest"]


@pytest.mark.parametrize("kind", ["finetune", "chunk", "merge"])
def test_a_worker_with_another_version_of_torch_refuses_and_says_why(
    kind: str, build: SmallBuild, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = build.bench()
    plan = build.plan(bench)
    told = next(build.finetuned(bench, plan))
    for chunk in told["chunks"][1:] if kind == "chunk" else told["chunks"]:
        build.chunk(bench, chunk)
    step = plan["conditions"][0]["finetune"]
    if kind == "finetune":
        build.storage.remove(step["output"])
    monkeypatch.setattr(torch, "__version__", "0.0.1")
    other = build.bench("two")
    do: Callable[[], object] = {
        "finetune": lambda: next(build.finetuned(other, plan)),
        "chunk": lambda: build.chunk(other, told["chunks"][0]),
        "merge": lambda: build.merge(other),
    }[kind]
    with pytest.raises(StepError, match="another version of torch") as failed:
        do()
    assert failed.value.event["kind"] == "input"
    assert kind != "finetune" or not build.storage.exists(step["output"])


def test_maps_of_another_version_of_torch_are_not_taken_for_the_own(
    build: SmallBuild, small_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = build.plan(build.bench())
    monkeypatch.setattr(torch, "__version__", "0.0.1")
    build.storage.remove_all("builds")
    build.write_job(small_run.read_text(), trusted=True, base=str(small_run.parent))
    other = build.plan(build.bench("two"))
    assert own["conditions"] != other["conditions"]
    caches = {path.name for path in (build.folder / "work" / "cache").iterdir()}
    assert len(caches) == 2
    assert "torch-0.0.1" in caches


def test_of_a_batch_that_cannot_be_computed_the_image_behind_it_is_named(
    build: SmallBuild, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = build.bench()
    told = next(build.finetuned(bench, build.plan(bench)))
    run = bench._shop.bench(next(iter(build.events))["build"], lambda *_: None).run
    bad = run.export.members[3]
    (unlucky,) = run.export.images([bad])

    def touchy(network: Any, attributors: Any, images: Any, targets: Any) -> Any:
        if any(bool((image == unlucky).all()) for image in images):
            raise RuntimeError("too bright for me")
        return explain(network, attributors, images, targets)

    monkeypatch.setattr(map_store, "explain", touchy)
    with pytest.raises(StepError) as failed:
        build.chunk(build.bench("two"), told["chunks"][0])
    assert failed.value.event["kind"] == "image"
    assert f"the image {run.dataset.samples[bad].name} cannot be computed" in str(failed.value)


def test_a_fine_tuning_outlives_a_storage_that_cannot_keep_how_far_it_is(
    build: SmallBuild, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(steps, "KEEP_SECONDS", 0.0)
    upload = SharedFolder.upload

    def away(storage: SharedFolder, path: Path, name: str) -> None:
        if ".partial" in name:
            raise OSError("the storage is away")
        upload(storage, path, name)

    monkeypatch.setattr(SharedFolder, "upload", away)
    bench = build.bench()
    told = next(build.finetuned(bench, build.plan(bench)))
    assert told["chunks"]
    assert "the storage cannot be written, going on without: the storage is away" in caplog.text


def test_the_last_step_has_one_chunk_open_at_a_time(build: SmallBuild, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[zipfile.ZipFile] = []
    most = 0

    class Counted(zipfile.ZipFile):
        def __init__(self, file: Any, *rest: Any, **options: Any) -> None:
            nonlocal most
            super().__init__(file, *rest, **options)
            # numpy opens archives within a chunk.
            if isinstance(file, Path):
                opened.append(self)
            most = max(most, sum(each.fp is not None for each in opened))

    bench = build.bench()
    for told in build.finetuned(bench, build.plan(bench)):
        for chunk in told["chunks"]:
            build.chunk(bench, chunk)
    monkeypatch.setattr(zipfile, "ZipFile", Counted)
    # The bundle's own archive is made last, when no chunk is open any more.
    assert json.dumps(build.merge(bench)["manifest"])
    assert len(opened) > 2
    assert most == 1


def test_machines_may_have_the_data_sets_in_folders_of_different_names(small_run: Path, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere" / "data"
    shutil.copytree(small_run.parent, other)
    build = SmallBuild(small_run, tmp_path, trusted=False, base="")
    planner = build.bench("one", HARMONY_DATASETS=str(small_run.parent))
    worker = build.bench("two", HARMONY_DATASETS=str(other), HARMONY_WORK_DIR=str(tmp_path / "work-elsewhere"))
    assert next(build.finetuned(worker, build.plan(planner)))["chunks"]
