from pathlib import Path

import pytest

from attribution import pipeline
from attribution.cli import main
from attribution.estimate import Cost, Estimate, estimate, estimate_table
from attribution.room import Room


def test_the_whole_is_steps_and_scores_times_their_costs() -> None:
    costs = [Cost("RMA x GradCAM", step=2.0, steps=30, score=0.5, scored=120), Cost("B", 1.0, 60, 0.0, 1)]
    assert costs[0].total == 120
    room = Room(images=2**20, maps=2**30, finetuned_maps=0, answers=0, networks=0, training=0, chunks=512, bundle=0)
    lines = estimate_table(Estimate(tuple(costs), room)).splitlines()
    assert lines[2].split() == ["RMA", "x", "GradCAM", "2.00", "30", "500.0", "120", "2.0"]
    assert lines[-4] == "all conditions: 3.0 minutes on this machine (0.1 hours)"
    assert lines[-2] == (
        "as a build, in a worker's scratch folder: 1.0 GiB (decoded images 1.0 MiB, maps of the original networks "
        "1.0 GiB, fine-tuned networks 0 bytes, chunks and bundle 512 bytes)"
    )


def test_every_condition_is_timed_and_its_scores_are_counted(small_run: Path, tmp_path: Path) -> None:
    costs = estimate(small_run, tmp_path / "out", device="cpu").costs
    assert [cost.condition for cost in costs] == [
        f"{metric} x {attributor}" for metric in ("RMA", "Focus") for attributor in ("GradCAM", "GuidedBackprop")
    ]
    assert all(cost.step > 0 and cost.score > 0 for cost in costs)
    # 12 images in each of the two splits; 6 steps with a validation every 2, and the original's own; 1 and 4 draws.
    assert [cost.scored for cost in costs] == [4 * 12 + 2 * 12] * 2 + [3 * 12 + 2 * 4 * 12] * 2
    assert [cost.steps for cost in costs] == [6, 6, 4, 4]


def test_a_build_may_follow_as_if_nothing_had_been_there(small_run: Path, tmp_path: Path) -> None:
    estimate(small_run, tmp_path / "out", device="cpu")
    assert not (tmp_path / "out" / "conditions").exists()
    pipeline.finetune(small_run, tmp_path / "out", device="cpu")


def test_the_command_prints_the_table(small_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["estimate", str(small_run), "--out", str(tmp_path / "out"), "--device", "cpu"]) == 0
    assert "all conditions:" in capsys.readouterr().out
