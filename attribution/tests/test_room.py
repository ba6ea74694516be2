"""A run is held against disks and memory before anything is decoded; what it takes is estimated from its numbers."""

import shutil
from math import inf
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from torch import Tensor, nn

from attribution import pipeline, room
from attribution.config import parse_config
from attribution.config_values import LARGEST_SIDE
from attribution.errors import InputError
from attribution.images import Preprocessing
from attribution.jobs.enough_room import check_storage
from attribution.networks import Network
from attribution.progress import silent
from attribution.room import Room, check_disk, memory_of_one_image, room_of, taken, told
from attribution.run import Run, look_at
from attribution.shared_storage import SharedStorage
from attribution.tests.small_run import CONFIG
from attribution.tests.steps import SmallBuild, StepError

FILL = Preprocessing(size=8, mean=(0.5,) * 3, std=(0.25,) * 3, fit="squash")


class Usage(NamedTuple):
    total: int
    used: int
    free: int


@pytest.fixture
def run(small_run: Path, tmp_path: Path) -> Run:
    return look_at(small_run, tmp_path / "look", device="cpu", progress=silent)


def estimated(run: Run) -> Room:
    return room_of(run.config, run.dataset, [each.network for each in run.originals.values()], run.conditions)


def room_for(*, answers: int, networks: int = 0) -> Room:
    nothing = dict.fromkeys(("images", "maps", "finetuned_maps", "training", "chunks", "bundle"), 0)
    return Room(**nothing, answers=answers, networks=networks)


def test_what_a_run_takes_follows_from_its_numbers(run: Run) -> None:
    weights = sum(value.nbytes for value in run.originals["SmallCNN"].network.module.state_dict().values())
    found = estimated(run)
    # 40 images of 32 x 32 pixels with masks, 12 in export and in validation; 2 attributors, 4 conditions, 4 classes.
    assert found.images == 40 * 32 * 32 * 4
    assert found.maps == 4 * 24 * (2 * 32 * 32 + 4)
    assert found.finetuned_maps == 4 * 4 * 12 * 32 * 32
    assert found.networks == 4 * weights
    assert found.training == 4 * weights
    # All 12 of the export split may be drawn, original and finetuned; 4 pairs are shown.
    picture = 3 * 1024 * 0.3 + 512
    assert found.chunks == int(12 * 2 * 4 * picture) + 2 * 4 * 12 * (2 * 1 + 2 * 1 + 2 * 4 + 2 * 4)
    assert found.bundle == int(4 * ((2 + 4) * picture + 3 * 1024 * 0.9 + 512 + 4 * 1024))
    assert found.answers == 40 * (3 * 8 + 4 * 4)


def test_decoded_images_and_maps_are_as_large_as_estimated(run: Run, small_run: Path, tmp_path: Path) -> None:
    build = SmallBuild(small_run, tmp_path)
    bench = build.bench()
    for told_of in build.finetuned(bench, build.plan(bench)):
        for chunk in told_of["chunks"]:
            build.chunk(bench, chunk)
    cache = tmp_path / "work" / "cache"
    images = sum(path.stat().st_size for path in cache.rglob("decoded-*/*s.npy"))
    maps = sum(path.stat().st_size for path in cache.rglob("maps-*.npy"))
    found = estimated(run)
    # Beside the numbers there are headers.
    assert found.images <= images < found.images + 2_000
    assert found.maps <= maps < found.maps + 2_000


def test_originals_that_are_drawn_to_their_pairs_scale_count_in_every_condition(
    small_run: Path, tmp_path: Path
) -> None:
    small_run.write_text(f'{small_run.read_text()}\n[rendering]\nscale = "pair"\n')
    run = look_at(small_run, tmp_path / "look", device="cpu", progress=silent)
    # 4 pairs in 4 conditions: no picture of an original is that of another condition.
    assert estimated(run).bundle == int(4 * ((4 + 4) * (3 * 1024 * 0.3 + 512) + 3 * 1024 * 0.9 + 512 + 4 * 1024))


def test_the_storage_has_at_most_what_was_estimated_when_a_build_of_small_pictures_ends(
    run: Run, small_run: Path, tmp_path: Path
) -> None:
    build = SmallBuild(small_run, tmp_path)
    bench = build.bench()
    for told_of in build.finetuned(bench, build.plan(bench)):
        for chunk in told_of["chunks"]:
            build.chunk(bench, chunk)
    build.merge(bench)

    def size(pattern: str) -> int:
        return sum(path.stat().st_size for path in (tmp_path / "storage").glob(pattern))

    found = estimated(run)
    assert size("runs/*/chunks/*.zip") <= found.chunks
    assert size("builds/*/bundle-*.zip") <= found.bundle
    # Beside the numbers there are headers.
    assert found.answers <= size("runs/answers/*") < found.answers + 2_000


def test_a_build_that_exceeds_the_scratch_folder_fails_before_anything_is_decoded(
    small_run: Path, tmp_path: Path
) -> None:
    build = SmallBuild(small_run, tmp_path)
    with pytest.raises(StepError) as failed:
        build.plan(build.bench(HARMONY_WORK_GIBIBYTES="0.0001"))
    assert failed.value.event["kind"] == "input"
    text = str(failed.value)
    assert text.startswith("study.toml: about ")
    assert "are needed in a worker's scratch folder (decoded images 160.0 KiB, " in text
    assert "estimated), which has 104.9 KiB for it: free space on its disk, or raise HARMONY_WORK_GIBIBYTES" in text
    assert "smaller preprocessing.size" in text
    assert not list((tmp_path / "work").rglob("decoded-*"))


def test_a_build_whose_storage_has_no_room_fails_before_fine_tuning(
    small_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def usage(path: Path) -> Usage:
        return Usage(2**40, 0, 1000 if path.is_relative_to(tmp_path / "storage") else 2**40)

    monkeypatch.setattr(shutil, "disk_usage", usage)
    build = SmallBuild(small_run, tmp_path)
    with pytest.raises(
        StepError, match=r"are needed in the storage of builds .* which has 1000 bytes for it"
    ) as failed:
        build.plan(build.bench())
    assert failed.value.event["kind"] == "input"
    assert "`manage.py tidy_builds`" in str(failed.value)
    assert not list((tmp_path / "work").rglob("decoded-*"))


def test_answers_that_the_storage_has_already_count_as_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    storage, work, answers = tmp_path / "storage", tmp_path / "work", tmp_path / "storage" / "runs" / "answers"
    answers.mkdir(parents=True)
    (answers / "some.npz").write_bytes(b"\1" * 2**20)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(2**40, 0, 4096))
    shared = SharedStorage.open(f"file://{storage}")
    check_storage(room_for(answers=2**20), shared, "runs/this", work, "here")
    with pytest.raises(InputError, match=r"answers of the original networks 1\.0 MiB, fine-tuned networks 1\.0 MiB"):
        # What there is of others' is no room for this one.
        check_storage(room_for(answers=2**20, networks=2**20), shared, "runs/this", work, "here")


def test_a_build_says_in_its_log_what_room_it_is_estimated_to_take(small_run: Path, tmp_path: Path) -> None:
    build = SmallBuild(small_run, tmp_path)
    build.plan(build.bench())
    lines = [line for event in build.events for _, _, line in event.get("lines", [])]
    assert any(line.startswith("estimated room: ") and "in the shared storage" in line for line in lines)


def test_a_run_of_one_process_that_has_no_room_is_refused(
    small_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(2**40, 0, 4096))
    with pytest.raises(InputError, match=r"study\.toml: about .* needed in .*/out .*use another --out"):
        pipeline.build(small_run, tmp_path / "out", device="cpu")


def test_what_the_folder_has_already_counts_as_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "some").mkdir()
    (tmp_path / "some" / "maps").write_bytes(b"\1" * 8192)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(2**40, 0, 4096))

    def check(need: int, most: float = inf) -> None:
        check_disk(tmp_path, {"maps": need}, "here", "a folder", "free space", own=taken(tmp_path), most=most)

    check(12_288)
    with pytest.raises(InputError, match=r"about 12\.0 KiB .*\(maps 12\.0 KiB; estimated\), which has 12\.0 KiB"):
        check(12_289)
    with pytest.raises(InputError, match=r"has 2\.0 KiB"):
        check(4096, most=2048)


def test_a_step_of_a_fine_tuning_that_exceeds_the_memory_is_refused(
    small_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "memory_of", lambda device: 2**17)
    with pytest.raises(
        InputError,
        match=r"network SmallCNN: 8 images of 32 x 32 .* take .* KiB .*cpu device has 128\.0 KiB in all",
    ):
        pipeline.build(small_run, tmp_path / "out", device="cpu")


def network_of(module: nn.Module) -> Network:
    return Network("Small", "a test", module.eval(), FILL, "0", 5)


def test_the_memory_of_an_image_is_what_its_backward_pass_needs() -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(256, 5))
    # The convolution keeps its input [3, 8, 8], the ReLU its output [4, 8, 8], which the linear layer shares.
    assert memory_of_one_image(network_of(module)) == 4 * (3 * 64 + 4 * 64)
    assert all(value.device.type == "cpu" for value in module.parameters())


def test_the_memory_of_a_network_that_looks_at_values_is_not_known() -> None:
    class Looks(nn.Linear):
        def forward(self, images: Tensor) -> Tensor:
            if float(images.sum()) > 0:
                return super().forward(images.flatten(1))
            return super().forward(-images.flatten(1))

    assert memory_of_one_image(network_of(Looks(192, 5))) is None


def test_this_machine_says_how_much_memory_it_has() -> None:
    found = room.memory_of(torch.device("cpu"))
    assert found is not None
    assert 2**28 < found < 2**50


@pytest.mark.parametrize(("size", "text"), [(12, "12 bytes"), (1536, "1.5 KiB"), (3 * 2**30, "3.0 GiB")])
def test_sizes_are_told_for_people(size: int, text: str) -> None:
    assert told(size) == text


@pytest.mark.parametrize(
    ("sides", "problem"),
    [
        (f"size = {LARGEST_SIDE + 1}", rf"network\.preprocessing\.size: use at most {LARGEST_SIDE} pixels"),
        ("size = 224, resize = 100000", rf"network\.preprocessing\.resize: use at most {2 * LARGEST_SIDE} pixels"),
    ],
)
def test_sizes_that_no_network_has_are_refused_by_field(sides: str, problem: str) -> None:
    colours = "mean = [0.5, 0.5, 0.5], std = [0.2, 0.2, 0.2]"
    text = CONFIG.replace('file:network.pt"', f'file:network.pt"\npreprocessing = {{ {sides}, {colours} }}')
    with pytest.raises(InputError, match=problem):
        parse_config(text, "study.toml")
