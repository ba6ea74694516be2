from dataclasses import replace
from pathlib import Path

import pytest
import torch

from attribution.errors import InputError
from attribution.metrics import METRICS
from attribution.networks import Network
from attribution.tests.small_networks import PlainReLU, network
from attribution.tests.small_tasks import small_task, train
from attribution.trainers.fidelity_only import FidelityOnlyTrainer, push


def distances(one: Network, other: Network) -> torch.Tensor:
    pairs = zip(one.module.parameters(), other.module.parameters(), strict=True)
    return torch.cat([(p - q).detach().abs().flatten() for p, q in pairs])


def test_every_weight_begins_one_step_beside_the_original_up_or_down_alike_often() -> None:
    original = network(PlainReLU(), "features.4")
    pushed = original.copy()
    push(pushed, 0.25, seed=1)
    moved = torch.cat(
        [
            (p - q).detach().flatten()
            for p, q in zip(pushed.module.parameters(), original.module.parameters(), strict=True)
        ]
    )
    torch.testing.assert_close(moved.abs(), torch.full_like(moved, 0.25))
    assert abs(float(moved.mean())) < 0.25 * 4 / len(moved) ** 0.5


def test_fidelity_pulls_the_answers_back(tmp_path: Path) -> None:
    history = train(FidelityOnlyTrainer(), small_task(steps=60), tmp_path / "c.pt").selection.history
    assert history[-1]["fidelity_loss"] < 0.3 * history[0]["fidelity_loss"]


def test_the_metric_is_scored_and_has_no_say(tmp_path: Path) -> None:
    found = [
        train(FidelityOnlyTrainer(), small_task(metric=METRICS[name]()), tmp_path / f"{name}.pt")
        for name in ("RMA", "Sparseness")
    ]
    assert found[0].network.weights_digest() == found[1].network.weights_digest()
    assert found[0].selection.after != found[1].selection.after


def test_a_metric_that_gives_no_loss_will_do_if_the_learning_rate_is_given(tmp_path: Path) -> None:
    outcome = train(FidelityOnlyTrainer(), small_task(metric=METRICS["PointingGame"]()), tmp_path / "c.pt")
    assert outcome.selection.history[-1]["step"] == 12
    with pytest.raises(InputError, match=r"PointingGame has no published settings: give training\.learning_rate"):
        FidelityOnlyTrainer().rehearse(small_task(metric=METRICS["PointingGame"](), learning_rate=None))


def test_without_a_kick_a_network_stays_where_the_gradient_is_exactly_zero(tmp_path: Path) -> None:
    made = small_task(steps=1)
    outcome = train(FidelityOnlyTrainer(kick=0), made, tmp_path / "c.pt")
    # One step of Adam moves a weight by no more than the learning rate.
    assert float(distances(made.original, outcome.network).max()) <= 1e-3 * (1 + 1e-3)


def test_a_seed_of_its_own_gives_other_weights(tmp_path: Path) -> None:
    digests = [
        train(FidelityOnlyTrainer(seed=seed), small_task(), tmp_path / f"{seed}.pt").network.weights_digest()
        for seed in (0, 1)
    ]
    assert digests[0] != digests[1]


@pytest.mark.parametrize("options", [{"kick": -1.0}, {"kick": float("inf")}, {"seed": -1}])
def test_options_that_make_no_sense_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"kick|seed"):
        FidelityOnlyTrainer(**options)  # type: ignore[arg-type]


def test_the_movement_follows_from_the_loss_and_not_from_rounding(tmp_path: Path) -> None:
    """Cosines do not change when the original's logits are tripled, but their last bits do."""
    made = small_task(steps=40)
    tripled = replace(made, logits=made.logits * 3)
    moves = []
    for name, each in (("one", made), ("three", tripled)):
        outcome = train(FidelityOnlyTrainer(), each, tmp_path / name)
        pairs = zip(outcome.network.module.parameters(), made.original.module.parameters(), strict=True)
        moves.append(torch.cat([(p - q).detach().flatten() for p, q in pairs]))
    assert float(torch.corrcoef(torch.stack(moves))[0, 1]) > 0.99
