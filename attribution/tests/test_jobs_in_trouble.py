"""Steps that meet a bad image, too little memory, a killed process or a storage that fails."""

import json
import logging
import re
import shutil
import time
import weakref
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from attribution import map_store, pipeline
from attribution.attributors.joint import explain
from attribution.jobs import steps
from attribution.jobs.telling import Teller
from attribution.jobs.workshop import Workshop
from attribution.out_of_memory import bounded, by_halves, forget_bounds
from attribution.scoring import score_members
from attribution.tests.steps import BUILD, SmallBuild, StepError


@pytest.fixture(autouse=True)
def _as_many_images_as_ever() -> Iterator[None]:
    yield
    forget_bounds()


@pytest.fixture
def build(small_run: Path, tmp_path: Path) -> SmallBuild:
    small_run.write_text(small_run.read_text().replace('["GradCAM", "GuidedBackprop"]', '["GradCAM"]'))
    return SmallBuild(small_run, tmp_path)


def test_an_image_that_cannot_be_computed_is_named(small_run: Path, tmp_path: Path) -> None:
    build = SmallBuild(small_run, tmp_path)
    bench = build.bench()
    told = next(build.finetuned(bench, build.plan(bench)))
    shop = bench._shop
    work = shop.bench(next(iter(build.events))["build"], lambda *_: None)
    cell = work.run.conditions[0]
    members = list(work.run.export.members)
    original = score_members

    def touchy(run: Any, condition: Any, network: Any, stores: Any, some: Any, tick: Any) -> Any:
        if members[2] in list(some):
            raise RuntimeError("too dark for me")
        return original(run, condition, network, stores, some, tick)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(steps, "score_members", touchy)
        with pytest.raises(StepError) as failed:
            build.chunk(bench, told["chunks"][0])
    assert failed.value.event["kind"] == "image"
    name = work.run.dataset.samples[members[2]].name
    assert f"{cell.name}: the image {name} cannot be computed: RuntimeError: too dark for me" in str(failed.value)
    assert not build.storage.exists(told["chunks"][0]["output"])


def test_an_error_of_no_single_image_is_a_fault(build: SmallBuild, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = build.bench()
    told = next(build.finetuned(bench, build.plan(bench)))
    original = score_members

    def together(run: Any, condition: Any, network: Any, stores: Any, some: Any, tick: Any) -> Any:
        if len(some) > 1:
            raise ValueError("not together")
        return original(run, condition, network, stores, some, tick)

    monkeypatch.setattr(steps, "score_members", together)
    with pytest.raises(StepError, match="ValueError: not together") as failed:
        build.chunk(bench, told["chunks"][0])
    assert failed.value.event["kind"] == "fault"


def test_where_memory_runs_out_a_batch_is_halved_and_the_maps_are_the_same(
    build: SmallBuild,
    small_run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    single = pipeline.build(small_run, tmp_path / "single", device="cpu")

    def small(network: Any, attributors: Any, images: torch.Tensor, targets: Any) -> Any:
        if len(images) > 3:
            raise torch.OutOfMemoryError("out of memory")
        return explain(network, attributors, images, targets)

    monkeypatch.setattr(map_store, "explain", small)
    bench = build.bench()
    with caplog.at_level(logging.WARNING):
        for told in build.finetuned(bench, build.plan(bench)):
            for chunk in told["chunks"]:
                build.chunk(bench, chunk)
        archive = tmp_path / "bundle.zip"
        build.storage.download(build.merge(bench)["bundle"], archive)
    assert bounded() == {"making maps": 2}
    assert "making maps: out of memory with 8 images at a time, going on with 4" in caplog.text
    with zipfile.ZipFile(archive) as content:
        names = [name for name in content.namelist() if name.endswith(".png")]
        assert sorted(names) == sorted(f"media/{path.name}" for path in (single / "media").iterdir())


def test_what_was_too_much_once_is_not_tried_again() -> None:
    asked: list[int] = []

    def work(items: Any) -> int:
        asked.append(len(items))
        if len(items) > 2:
            raise MemoryError
        return sum(items)

    assert by_halves("a test", work, range(8)) == [1, 5, 9, 13]
    assert asked == [8, 4, 2, 2, 2, 2]
    assert by_halves("a test", work, range(4)) == [1, 5]
    assert asked[6:] == [2, 2]


def test_what_was_too_much_for_one_build_is_tried_again_for_another(
    build: SmallBuild, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = build.bench()
    told = next(build.finetuned(bench, build.plan(bench)))

    def small(network: Any, attributors: Any, images: torch.Tensor, targets: Any) -> Any:
        if len(images) > 3:
            raise torch.OutOfMemoryError("out of memory")
        return explain(network, attributors, images, targets)

    with monkeypatch.context() as patched:
        patched.setattr(map_store, "explain", small)
        build.chunk(bench, told["chunks"][0])
    assert bounded() == {"making maps": 2}
    other = "another-build"
    build.storage.write(f"builds/{other}/job.json", build.storage.read(f"builds/{BUILD}/job.json"))
    bench.carry_out("plan", build=other, attempt=1, step="plan", output=f"builds/{other}/plan-1.json")
    assert bounded() == {}


def test_memory_that_does_not_suffice_for_one_image_is_an_input_error() -> None:
    def work(_items: Any) -> int:
        raise torch.OutOfMemoryError("out of memory")

    with pytest.raises(ValueError, match="does not suffice for a single image"):
        by_halves("a test", work, range(4))


def test_a_fine_tuning_goes_on_from_what_another_machine_has_kept(
    build: SmallBuild, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "KEEP_SECONDS", 0.0)
    first = build.bench("first")
    plan = build.plan(first)
    step = plan["conditions"][0]["finetune"]
    whole = next(build.finetuned(build.bench("whole", HARMONY_WORK_DIR=str(tmp_path / "w")), plan))
    for name in [name for name in build.storage.list("runs") if "/conditions/" in name]:
        build.storage.remove(name)

    def dies(what: str, done: int, total: int) -> None:
        if "fine-tuning" in what and done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        steps.finetune(first._shop, next(iter(build.events))["build"], step["output"], dies, **step["arguments"])
    assert [name.rpartition(".")[0][-8:] for name in build.storage.list("runs") if "/conditions/" in name] == [
        ".partial"
    ]
    seen: list[int] = []

    def watch(what: str, done: int, total: int) -> None:
        if "fine-tuning" in what:
            seen.append(done)

    second = build.bench("second", HARMONY_WORK_DIR=str(tmp_path / "another-machine"))
    build.plan(second)
    second_shop = Workshop(build.storage, tmp_path / "another-machine", datasets="", device="cpu", slot="second")
    steps.finetune(second_shop, next(iter(build.events))["build"], step["output"], watch, **step["arguments"])
    assert seen[0] == 5
    assert build.read(step["output"])["weights"] == whole["weights"]
    assert not any(name.endswith(".partial.pt") for name in build.storage.list("runs"))


def test_a_storage_that_fails_makes_a_step_that_may_be_tried_again(build: SmallBuild) -> None:
    bench = build.bench()
    told = next(build.finetuned(bench, build.plan(bench)))
    # A file where the folder of the chunks is to be.
    chunks = build.folder / "storage" / Path(told["chunks"][0]["output"]).parent
    shutil.rmtree(chunks, ignore_errors=True)
    chunks.write_bytes(b"")
    with pytest.raises(StepError) as failed:
        build.chunk(bench, told["chunks"][0])
    assert failed.value.event["kind"] == "passing"
    chunks.unlink()
    build.chunk(bench, told["chunks"][0])


def test_a_builds_log_and_error_hold_no_password(build: SmallBuild, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = build.bench()
    told = next(build.finetuned(bench, build.plan(bench)))

    def broken(*_: Any, **__: Any) -> Any:
        raise NotImplementedError("http://user:hunter2@storage.example/bucket?Signature=hunter2 says 418")

    monkeypatch.setattr(steps, "chunk_file", broken)
    with pytest.raises(StepError, match=r"http://\*\*\*@storage.example/bucket\?Signature=\*\*\* says 418"):
        build.chunk(bench, told["chunks"][0])
    assert "says 418" in json.dumps(build.events)
    assert "hunter2" not in json.dumps(build.events)


def test_images_that_changed_on_disk_are_not_mixed_with_the_old(build: SmallBuild, small_run: Path) -> None:
    bench = build.bench()
    plan = build.plan(bench)
    picture = next((small_run.parent / "images" / "disc").iterdir())
    Image.fromarray(np.full((32, 32, 3), 40, dtype=np.uint8)).save(picture)
    assert build.do(bench, "plan", "plan", "builds/other/plan-2.json")["state"] == "done"
    assert build.read("builds/other/plan-2.json")["run"] != plan["run"]


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (torch.AcceleratorError, "CUDA error: an illegal memory access was encountered"),
        (RuntimeError, "CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasSgemm( handle )`"),
        (RuntimeError, "cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"),
    ],
)
def test_a_device_that_failed_blames_no_image_and_spoils_the_process(
    build: SmallBuild, monkeypatch: pytest.MonkeyPatch, kind: type[Exception], said: str
) -> None:
    bench = build.bench()
    told = next(build.finetuned(bench, build.plan(bench)))

    def broken(*_: Any, **__: Any) -> Any:
        raise kind(said)

    monkeypatch.setattr(steps, "score_members", broken)
    with pytest.raises(StepError, match=f"^{kind.__name__}: {re.escape(said)} ") as failed:
        build.chunk(bench, told["chunks"][0])
    assert failed.value.event["kind"] == "passing"
    assert bench.is_spoilt


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_signs_of_life_go_on_after_an_error_that_nobody_foresaw() -> None:
    heard: list[Any] = []
    sends = iter([True])

    def send(events: list[Any]) -> None:
        if next(sends, False):
            raise LookupError("unforeseen")
        heard.extend(events)

    teller = Teller(send, "worker", lambda build, attempt: False)
    with teller.step("a", 1, "plan"):
        assert teller._thread is not None
        teller._thread.join(timeout=60)
        assert not teller._thread.is_alive()
    with teller.step("a", 1, "merge"):
        deadline = time.monotonic() + 60
        while not heard and time.monotonic() < deadline:
            time.sleep(0.05)
    teller.close()
    assert [event["step"] for event in heard] == ["merge"]


def test_a_build_in_which_no_condition_improved_fails_with_what_to_do(build: SmallBuild, small_run: Path) -> None:
    text = small_run.read_text().replace("export_unimproved = true", "export_unimproved = false")
    # Of these metrics, this one does not improve in so few steps.
    before, _, after = text.partition('[[metrics]]\nname = "RMA"')
    text = before + after[after.index("[[metrics]]") :]
    build.write_job(text, trusted=True, base=str(small_run.parent))
    bench = build.bench()
    (told,) = build.finetuned(bench, build.plan(bench))
    assert not told["improved"]
    for chunk in told["chunks"]:
        build.chunk(bench, chunk)
    with pytest.raises(StepError, match=r"no condition improved its metric, .* set export_unimproved = true") as failed:
        build.merge(bench)
    assert failed.value.event["kind"] == "input"


def test_a_step_that_found_no_room_is_tried_again_without_what_was_kept_warm(
    build: SmallBuild, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = build.bench()
    plan = build.plan(bench)
    kept = weakref.ref(bench._shop)
    original = pipeline.trained

    def large(*_: Any) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(steps, "trained", large)
    with pytest.raises(StepError, match="CUDA out of memory") as failed:
        next(build.finetuned(bench, plan))
    assert failed.value.event["kind"] == "passing"
    monkeypatch.setattr(steps, "trained", original)
    assert next(build.finetuned(bench, plan))["chunks"]
    assert kept() is None


def test_a_device_without_room_for_one_image_is_tried_again_without_what_was_kept_warm(
    build: SmallBuild, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = build.bench()
    told = next(build.finetuned(bench, build.plan(bench)))
    kept = bench._shop

    def full(*_: Any) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory")

    with monkeypatch.context() as patched:
        patched.setattr(map_store, "explain", full)
        with pytest.raises(StepError, match="does not suffice for a single image") as failed:
            build.chunk(bench, told["chunks"][0])
    assert failed.value.event["kind"] == "passing"
    forget_bounds()
    build.chunk(bench, told["chunks"][0])
    assert bench._shop is not kept


def test_what_a_finished_fine_tuning_leaves_is_its_weights_once(build: SmallBuild, small_run: Path) -> None:
    bench = build.bench()
    told = next(build.finetuned(bench, build.plan(bench)))
    [name] = [name for name in build.storage.list("runs") if name.endswith(".pt")]
    weights = torch.load(small_run.parent / "network.pt", weights_only=True)["state_dict"].values()
    size = sum(value.numel() * value.element_size() for value in weights)
    assert size < len(build.storage.read(name)) < 1.5 * size + 20_000
    another = build.bench("another", HARMONY_WORK_DIR=str(build.folder / "another-machine"))
    build.chunk(another, told["chunks"][0])
