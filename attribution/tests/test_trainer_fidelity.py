import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from attribution.attributors import ATTRIBUTORS
from attribution.config import TrainingConfig
from attribution.errors import InputError
from attribution.evaluation import answers, metric_scores
from attribution.metrics import METRICS, Explained
from attribution.metrics.rma import RMA
from attribution.networks import Network
from attribution.tests.small_networks import PlainReLU, network
from attribution.tests.small_splits import small_split
from attribution.trainers import Outcome, Task, selection
from attribution.trainers.fidelity import FidelityTrainer, fidelity_loss
from attribution.trainers.steps import batch_of_step


def task(**changes: object) -> Task:
    split = small_split(classes=5, per_class=4, size=16)
    original = network(PlainReLU(), "features.4")
    original = replace(original, module=original.module.float())
    known = answers(original, split, split.members, batch=8)
    settings = {"weight": 0.5, "learning_rate": 1e-3, "steps": 12, "validate_every": 4, "minimum_agreement": 0.5}
    return Task(
        original=original,
        attributor=ATTRIBUTORS["GradCAM"](),
        metric=METRICS["RMA"](),
        train=split,
        validation=split,
        logits=known.logits,
        predictions=known.predictions,
        config=TrainingConfig(**{**settings, **changes}),  # type: ignore[arg-type]
        seed=3,
        batch=8,
    )


def train(made: Task, checkpoint: Path, key: str = "run", stop_after: int | None = None) -> Outcome:
    def report(event: dict[str, float]) -> None:
        if stop_after is not None and event["step"] > stop_after:
            raise KeyboardInterrupt

    return FidelityTrainer()(made, checkpoint, key, report)


def test_fidelity_is_zero_for_equal_and_one_for_opposite_logits() -> None:
    logits = torch.tensor([[1.0, 2.0, -1.0]])
    assert float(fidelity_loss(logits, logits * 3)) == pytest.approx(0, abs=1e-6)
    assert float(fidelity_loss(logits, -logits)) == pytest.approx(1)


def test_fine_tuning_improves_the_metric_and_reports_what_it_measured(tmp_path: Path) -> None:
    made = task()
    outcome = train(made, tmp_path / "c.pt")
    selected = outcome.selection
    assert selected.improved
    assert selected.after > selected.before

    def score(tested: Network) -> float:
        scores = metric_scores(
            tested,
            made.original,
            made.attributor,
            made.metric,
            made.validation,
            made.validation.members,
            seed=3,
            batch=8,
        )
        return float(np.nanmean(scores))

    assert score(made.original) == pytest.approx(selected.before)
    assert score(outcome.network) == pytest.approx(selected.after)
    predictions = answers(outcome.network, made.validation, made.validation.members, batch=8).predictions
    assert (predictions == made.logits.argmax(dim=1).numpy()).mean() == pytest.approx(selected.agreement)


def test_the_original_network_is_left_alone(tmp_path: Path) -> None:
    made = task()
    before = made.original.weights_digest()
    outcome = train(made, tmp_path / "c.pt")
    assert made.original.weights_digest() == before != outcome.network.weights_digest()


def test_the_best_trusted_checkpoint_comes_back_not_the_last(tmp_path: Path) -> None:
    outcome = train(task(learning_rate=0.05, weight=5.0, steps=24), tmp_path / "c.pt")
    trusted = [event for event in outcome.selection.history if event["agreement"] >= 0.5]
    assert trusted, "the settings must leave a trusted checkpoint"
    best = max(trusted, key=lambda event: event["gain"])
    assert outcome.selection.step == best["step"]
    assert outcome.selection.after == best["validation"]


def test_without_a_trusted_checkpoint_nothing_counts_as_improved(tmp_path: Path) -> None:
    made = task(learning_rate=0.3, weight=50.0, minimum_agreement=1.0, steps=4)
    outcome = train(made, tmp_path / "c.pt")
    assert outcome.selection.agreement < 1
    assert not outcome.selection.improved


def test_a_metric_that_gets_worse_is_reported_as_not_improved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = task()
    loss = RMA.loss
    monkeypatch.setattr(RMA, "loss", lambda self, explained: -loss(self, explained))
    outcome = train(made, tmp_path / "c.pt")
    assert outcome.selection.after < outcome.selection.before
    assert not outcome.selection.improved


@pytest.mark.parametrize("stop_after", [0, 5, 11])
def test_an_interrupted_fine_tuning_resumes_to_the_same_weights(tmp_path: Path, stop_after: int) -> None:
    whole = train(task(), tmp_path / "whole.pt")
    with pytest.raises(KeyboardInterrupt):
        train(task(), tmp_path / "cut.pt", stop_after=stop_after)
    resumed = train(task(), tmp_path / "cut.pt")
    assert resumed.network.weights_digest() == whole.network.weights_digest()
    assert replace(resumed.selection, seconds=0) == replace(whole.selection, seconds=0)


def test_a_finished_fine_tuning_is_read_not_repeated(tmp_path: Path) -> None:
    first = train(task(), tmp_path / "c.pt")
    again = train(task(), tmp_path / "c.pt", stop_after=-1)  # any step would raise
    assert again.network.weights_digest() == first.network.weights_digest()


def test_a_checkpoint_of_another_run_is_refused(tmp_path: Path) -> None:
    train(task(steps=1), tmp_path / "c.pt", key="one run")
    with pytest.raises(InputError, match="made by another run"):
        train(task(steps=1), tmp_path / "c.pt", key="another run")


def test_each_epoch_shows_every_image_once_and_later_epochs_in_another_order() -> None:
    members = list(range(10, 22))
    steps = [batch_of_step(members, 4, seed=1, step=step) for step in range(6)]
    assert sorted(item for items, _ in steps[:3] for item in items) == members
    assert [epoch for _, epoch in steps] == [0, 0, 0, 1, 1, 1]
    assert [items for items, _ in steps[:3]] != [items for items, _ in steps[3:]]


def test_an_undefined_metric_is_never_an_improvement(tmp_path: Path) -> None:
    made = task(steps=1)
    assert made.train.decoded.masks is not None
    made.train.decoded.masks[:] = False
    outcome = train(made, tmp_path / "c.pt")
    assert math.isnan(outcome.selection.before)
    assert not outcome.selection.improved


def test_maps_that_vanish_while_others_appear_are_no_improvement(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many images have a score as before, but the worse ones lost theirs."""
    made = task(minimum_agreement=0.9)
    before = np.linspace(0.1, 0.9, 20)
    before[10:] = np.nan
    after = np.full(20, 0.6)
    after[:9] = np.nan
    monkeypatch.setattr(selection, "validation_scores", lambda *_: after)
    measured = selection.measure(made, made.original, made.original, before, 1)
    assert measured.kept == pytest.approx(0.1)
    assert measured.gain > 0
    assert measured.faithful
    assert not measured.trusted


def test_maps_that_vanish_are_no_improvement(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A metric that is undefined for the worse half after fine-tuning would rise by leaving it out."""
    made = task(steps=1, learning_rate=1e-6, minimum_agreement=0.9)
    scores = type(made.metric).scores
    count = [0]

    def forget(self: object, explained: Explained) -> torch.Tensor:
        made_scores = scores(self, explained)  # type: ignore[arg-type]
        count[0] += 1
        # Batches of 8 over 20 images: the first three calls score the original.
        return made_scores if count[0] <= 3 else torch.where(made_scores < 0.3, torch.nan, made_scores + 0.1)

    monkeypatch.setattr(type(made.metric), "scores", forget)
    outcome = train(made, tmp_path / "c.pt")
    assert outcome.selection.history[0]["undefined"] > 2
    assert outcome.selection.history[0]["gain"] > 0
    assert not outcome.selection.improved
