"""Steps that meet files which are damaged, half there, or of another fine-tuning, here or in the storage."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from attribution import pipeline
from attribution.jobs import steps
from attribution.tests.steps import BUILD, SmallBuild, StepError


@pytest.fixture
def build(small_run: Path, tmp_path: Path) -> SmallBuild:
    small_run.write_text(small_run.read_text().replace('["GradCAM", "GuidedBackprop"]', '["GradCAM"]'))
    return SmallBuild(small_run, tmp_path)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-2000])


def flip(path: Path, place: int = 300) -> None:
    """Change a byte of the first entry, as a disk may."""
    content = bytearray(path.read_bytes())
    content[place] ^= 0xFF
    path.write_bytes(content)


def flip_a_header(path: Path) -> None:
    """Have the first entry be packed in a way that nobody knows."""
    flip(path, path.read_bytes().index(b"PK\x01\x02") + 10)


def flip_a_name(path: Path) -> None:
    """Have the first entry be named by what is no text."""
    content = path.read_bytes()
    flag, name = content.index(b"PK\x01\x02") + 9, content.index(b"PK\x01\x02") + 46
    path.write_bytes(content[:flag] + b"\x08" + content[flag + 1 : name] + b"\xff" + content[name + 1 :])


def flip_a_weight(path: Path) -> None:
    """Change what torch reads without a word."""
    flip(path, path.stat().st_size // 2)
    torch.load(path, weights_only=True)


def nudge(path: Path) -> None:
    """What a machine of another kind would have fine-tuned."""
    content = torch.load(path, weights_only=True)
    weights = content["state"]["best"]["weights"]
    for name in weights:
        weights[name] = weights[name] + 1e-3
    content["student"] = weights
    torch.save(content, path)


def stored(build: SmallBuild) -> Path:
    """The file of the storage with the fine-tuned network of the first condition."""
    name = min(name for name in build.storage.list("runs") if name.endswith(".pt"))
    return build.folder / "storage" / name


def finetuned(build: SmallBuild) -> Mapping[str, Any]:
    bench = build.bench()
    return next(build.finetuned(bench, build.plan(bench)))


@pytest.mark.parametrize("damage", [cut, nudge, flip_a_header, flip_a_name])
def test_a_copy_of_a_network_that_is_not_what_was_fine_tuned_is_fetched_again(
    build: SmallBuild, damage: Callable[[Path], None]
) -> None:
    told = finetuned(build)
    build.chunk(build.bench("two"), told["chunks"][0])
    [copy] = (build.folder / "work" / "finetuned").glob("*.pt")
    damage(copy)
    build.chunk(build.bench("three"), told["chunks"][1])
    assert copy.read_bytes() == stored(build).read_bytes()


@pytest.mark.parametrize("damage", [cut, nudge, Path.unlink])
def test_a_network_that_is_damaged_in_the_storage_is_removed_and_the_next_attempt_makes_it_anew(
    build: SmallBuild, damage: Callable[[Path], None]
) -> None:
    told = finetuned(build)
    damage(stored(build))
    bench = build.bench("two")
    with pytest.raises(StepError, match="damaged in the storage, and is removed: start the build again") as failed:
        build.chunk(bench, told["chunks"][0])
    assert failed.value.event["kind"] == "input"
    again = finetuned(build)
    assert again["weights"] == told["weights"]
    build.chunk(bench, again["chunks"][0])


def test_a_late_step_of_an_earlier_fine_tuning_leaves_a_later_one_alone(build: SmallBuild) -> None:
    told = finetuned(build)
    nudge(stored(build))
    build.storage.remove(stored(build).with_suffix(".json").relative_to(build.folder / "storage").as_posix())
    bench = build.bench("two")
    again = next(build.finetuned(bench, build.plan(bench)))
    assert again["weights"] != told["weights"]
    with pytest.raises(StepError, match="it was fine-tuned anew meanwhile: start the build again"):
        build.chunk(bench, told["chunks"][0])
    build.chunk(build.bench("three"), again["chunks"][0])


def test_of_two_who_fine_tune_the_same_the_first_ones_network_counts(
    build: SmallBuild, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = pipeline.trained
    others: list[bytes] = []

    def late(run: Any, condition: Any, checkpoint: Path, progress: Any) -> Any:
        outcome = original(run, condition, checkpoint, progress)
        other = checkpoint.with_suffix(".other")
        other.write_bytes(checkpoint.read_bytes())
        nudge(other)
        others.append(other.read_bytes())
        build.storage.upload(other, f"{place}.pt")
        return outcome

    bench = build.bench()
    plan = build.plan(bench)
    place = plan["conditions"][0]["finetune"]["output"].removesuffix(".json")
    monkeypatch.setattr(steps, "trained", late)
    told = next(build.finetuned(bench, plan))
    assert stored(build).read_bytes() == others[0]
    build.chunk(build.bench("two", HARMONY_WORK_DIR=str(build.folder / "another-machine")), told["chunks"][0])


@pytest.mark.parametrize("damage", [cut, flip, flip_a_header, flip_a_name])
def test_a_damaged_chunk_is_named_and_removed_so_that_the_next_attempt_makes_it_anew(
    build: SmallBuild, damage: Callable[[Path], None]
) -> None:
    bench = build.bench()
    told = list(build.finetuned(bench, build.plan(bench)))
    chunks = [chunk for each in told for chunk in each["chunks"]]
    for chunk in chunks:
        build.chunk(bench, chunk)
    name = chunks[1]["output"]
    whole = build.storage.read(name)
    damage(build.folder / "storage" / name)
    with pytest.raises(StepError, match=f"^{name} was damaged in the storage .* start the build again") as failed:
        build.merge(bench)
    assert failed.value.event["kind"] == "input"
    assert not build.storage.exists(name)
    build.chunk(bench, chunks[1])
    assert build.storage.read(name) == whole
    assert build.merge(bench)["manifest"]["pairs"]["exported"] > 0


@pytest.mark.parametrize("damage", [cut, flip, flip_a_header])
def test_damaged_answers_of_an_original_network_are_made_anew(
    build: SmallBuild, damage: Callable[[Path], None]
) -> None:
    build.plan(build.bench())
    [name] = build.storage.list("runs/answers")
    whole = build.storage.read(name)
    damage(build.folder / "storage" / name)
    build.do(build.bench("two"), "plan", "plan", f"builds/{BUILD}/plan-2.json")
    assert build.storage.read(name) == whole


@pytest.mark.parametrize("damage", [cut, flip, flip_a_weight])
def test_a_fine_tuning_whose_kept_checkpoint_is_damaged_begins_anew(
    build: SmallBuild, damage: Callable[[Path], None], tmp_path: Path
) -> None:
    told = finetuned(build)
    step = build.read(f"builds/{BUILD}/plan-1.json")["conditions"][0]["finetune"]
    network = stored(build)
    partial = network.with_suffix(".partial.pt")
    network.rename(partial)
    damage(partial)
    build.storage.remove(step["output"])
    bench = build.bench("two", HARMONY_WORK_DIR=str(tmp_path / "another-machine"))
    build.do(bench, "finetune", step["step"], step["output"], **step["arguments"])
    assert build.read(step["output"])["weights"] == told["weights"]
    assert not partial.exists()
