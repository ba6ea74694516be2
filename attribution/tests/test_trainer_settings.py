"""Settings of a fine-tuning: the config's, the published study's, and what the steps ask the original."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from attribution.config import TrainingConfig
from attribution.errors import InputError
from attribution.metrics import METRICS, Metric
from attribution.metrics.focus import Focus
from attribution.metrics.input_stability import InputStability
from attribution.metrics.irof import IROF
from attribution.metrics.road import ROAD
from attribution.tests.small_networks import PlainReLU, network
from attribution.tests.small_tasks import small_task, train
from attribution.trainers import TRAINERS, Task
from attribution.trainers.fidelity import FidelityTrainer
from attribution.trainers.remembering import remembering
from attribution.trainers.settings import fidelity, learning_rate, weight
from attribution.trainers.steps import prepare_batch


def with_config(metric: str, **settings: object) -> Task:
    options = {"variant": "published"} if metric in ("Focus", "ROAD", "IROF", "InputStability") else {}
    made = small_task(metric=METRICS[metric](**options))
    return replace(made, config=TrainingConfig(**settings))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("RMA", (0.05, 3e-6)),
        ("Focus", (0.01, 3e-5)),
        ("ROAD", (0.1, 3e-5)),
        ("IROF", (0.1, 3e-5)),
        ("InputStability", (5e-6, 3e-5)),
    ],
)
def test_the_preset_sets_what_the_published_study_did(metric: str, expected: tuple[float, float]) -> None:
    made = with_config(metric, preset="published")
    assert (weight(made), learning_rate(made)) == expected
    assert fidelity(made) == "inputs"
    assert (made.config.batch, made.config.gradient_clip) == (8, 1.0)


def test_a_key_beside_the_preset_wins() -> None:
    made = with_config("Focus", preset="published", weight=0.2, fidelity="inputs_and_images", batch=4)
    assert (weight(made), learning_rate(made)) == (0.2, 3e-5)
    assert fidelity(made) == "inputs_and_images"
    assert made.config.batch == 4


def test_without_the_preset_fidelity_is_to_plain_images_too() -> None:
    assert fidelity(with_config("Focus")) == "inputs_and_images"


def test_a_metric_without_published_settings_refuses_the_preset() -> None:
    made = with_config("Sparseness", preset="published", weight=0.1, learning_rate=1e-4)
    with pytest.raises(InputError, match=r"training\.preset: Sparseness has no published settings: drop preset"):
        FidelityTrainer().rehearse(made)


@pytest.mark.parametrize(
    "metric", [Focus(), ROAD(), ROAD(variant="published", order="lerf"), IROF(), InputStability()], ids=repr
)
def test_a_variant_that_the_study_never_had_refuses_the_preset(metric: Metric) -> None:
    made = small_task(metric=metric, preset="published")
    with pytest.raises(
        InputError, match=rf"training\.preset: {metric.name} with this variant has no published settings"
    ):
        FidelityTrainer().rehearse(made)


@pytest.mark.parametrize(
    ("trainer", "key", "value"),
    [("randomised", "preset", "published"), ("randomised", "fidelity", "inputs"), ("rpl", "fidelity", "inputs")],
)
def test_a_setting_that_a_trainer_does_not_use_is_refused(trainer: str, key: str, value: str) -> None:
    with pytest.raises(InputError, match=rf"training\.{key}: {trainer} does not use it: leave it out"):
        TRAINERS[trainer]().rehearse(small_task(**{key: value}))  # type: ignore[arg-type]


def test_a_metric_without_published_settings_asks_for_the_missing_keys() -> None:
    with pytest.raises(InputError, match=r"give training\.weight and learning_rate"):
        FidelityTrainer().rehearse(with_config("Sparseness"))


def test_published_is_what_the_same_settings_written_out_give(tmp_path: Path) -> None:
    common = {"steps": 3, "minimum_agreement": 0.0}
    written = {"weight": 0.01, "learning_rate": 3e-5, "batch": 8, "gradient_clip": 1.0, "fidelity": "inputs"}
    digests = [
        train(FidelityTrainer(), with_config("Focus", **common, **more), tmp_path / name).network.weights_digest()
        for name, more in (("preset", {"preset": "published"}), ("written", written), ("plain", {}))
    ]
    assert digests[0] == digests[1] != digests[2]


def test_a_network_without_trainable_parameters_is_refused() -> None:
    made = small_task()
    made.original.module.requires_grad_(False)
    with pytest.raises(InputError, match="no parameter asks for a gradient"):
        FidelityTrainer().rehearse(made)


def test_frozen_parameters_stay_frozen(tmp_path: Path) -> None:
    made = small_task()
    made.original.module.first.requires_grad_(False)
    outcome = train(FidelityTrainer(), made, tmp_path / "c.pt")
    before, after = made.original.module.state_dict(), outcome.network.module.state_dict()
    assert torch.equal(before["first.weight"], after["first.weight"])
    assert not torch.equal(before["third.weight"], after["third.weight"])


def counted(made: Task) -> tuple[Task, list[int]]:
    """The same task, with a list of the batch sizes that the original is asked for."""
    asked: list[int] = []
    made.original.module.register_forward_hook(lambda _module, inputs, _output: asked.append(len(inputs[0])))
    return made, asked


def test_a_step_on_plain_images_does_not_ask_the_original() -> None:
    made, asked = counted(small_task())
    batch = prepare_batch(made, 0)
    assert asked == []
    torch.testing.assert_close(batch.wanted, made.original.logits(batch.probe.inputs))


@pytest.mark.parametrize("variant", ["standard", "published"])
def test_a_step_on_mosaics_asks_the_original_once(variant: str) -> None:
    made, asked = counted(small_task(metric=Focus(variant=variant)))  # type: ignore[arg-type]
    batch = prepare_batch(made, 0)
    assert asked == [8]
    torch.testing.assert_close(batch.wanted, made.original.logits(batch.probe.inputs))
    assert batch.plain is not None
    torch.testing.assert_close(batch.plain[1], made.original.logits(batch.plain[0]))


def test_validations_ask_the_original_for_the_same_mosaics_once(tmp_path: Path) -> None:
    made, asked = counted(small_task(metric=Focus(variant="published"), steps=4, validate_every=1, fidelity="inputs"))
    train(FidelityTrainer(), made, tmp_path / "c.pt")
    # The student is a copy with the same hook: count the original's questions on 20 validation images in batches of 8.
    questions = asked.count(4)
    maps_of_original, original, students = 1, 1, 4 * 2
    assert questions == maps_of_original + original + students


def test_a_remembering_network_answers_alike_and_asks_once() -> None:
    tested = network(PlainReLU(), "features.4")
    torch.manual_seed(0)
    asked = []
    tested.module.register_forward_hook(lambda *_: asked.append(1))
    wrapped, images = remembering(tested), torch.randn(3, 3, 16, 16, dtype=torch.float64)
    with torch.no_grad():
        first, again, other = wrapped.logits(images), wrapped.logits(images.clone()), wrapped.logits(images * 2)
        assert len(asked) == 2
        torch.testing.assert_close(first, tested.logits(images))
        torch.testing.assert_close(other, tested.logits(images * 2))
    assert torch.equal(first, again)
    assert wrapped.logits(images).requires_grad
