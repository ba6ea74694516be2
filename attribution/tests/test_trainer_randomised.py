from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from attribution.errors import InputError
from attribution.evaluation import answers
from attribution.tests.small_networks import PlainReLU, network
from attribution.tests.small_tasks import changed, small_task, train
from attribution.trainers.randomised import RandomisedTrainer, calls, randomise


class HeadFirst(nn.Module):
    """Registers its layers in another order than it calls them, in a list, and has a weight of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(4, 5)
        self.token = nn.Parameter(torch.zeros(4, 1, 1))
        self.blocks = nn.ModuleList([nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)])
        self.stem = nn.Conv2d(3, 4, 3, padding=1)

    def forward(self, images: Tensor) -> Tensor:
        x = self.stem(images) + self.token
        for block in self.blocks:
            x = torch.relu(block(x))
        return self.head(x.mean(dim=(2, 3)))  # type: ignore[no-any-return]


def weights(*layers: str) -> set[str]:
    return {f"{layer}.{kind}" for layer in layers for kind in ("weight", "bias")}


def test_modules_come_in_the_order_of_their_calls() -> None:
    assert calls(network(HeadFirst(), "stem")) == ["", "stem", "blocks", "blocks.0", "blocks.1", "head"]


def test_a_cascade_of_half_the_layers_leaves_the_lower_half_alone(tmp_path: Path) -> None:
    made = small_task(HeadFirst, "stem", minimum_agreement=0.0)
    outcome = train(RandomisedTrainer(cascade=0.4), made, tmp_path / "c.pt")  # 2 of the 5 that have weights
    assert changed(made.original, outcome.network) == weights("blocks.1", "head")


def test_from_layer_takes_that_layer_and_all_that_is_called_after_it(tmp_path: Path) -> None:
    made = small_task(HeadFirst, "stem")
    outcome = train(RandomisedTrainer(from_layer="blocks"), made, tmp_path / "c.pt")
    assert changed(made.original, outcome.network) == weights("blocks.0", "blocks.1", "head")


def test_a_full_cascade_forgets_every_weight_and_batchnorms_statistics(tmp_path: Path) -> None:
    made = small_task()
    outcome = train(RandomisedTrainer(), made, tmp_path / "c.pt")
    kept = set(made.original.module.state_dict()) - changed(made.original, outcome.network)
    assert kept == {"norm.num_batches_tracked"}


def test_weights_without_an_initialisation_are_shuffled() -> None:
    tested = network(HeadFirst(), "stem")
    before = dict(tested.module.named_parameters())["token"].detach().flatten().tolist()
    randomise(tested, [""], seed=1)
    after = dict(tested.module.named_parameters())["token"].detach().flatten().tolist()
    assert before != after
    assert sorted(before) == sorted(after)


def test_a_seed_gives_the_same_weights_and_another_seed_others(tmp_path: Path) -> None:
    digests = [
        train(RandomisedTrainer(seed=seed), small_task(), tmp_path / f"{place}.pt").network.weights_digest()
        for place, seed in enumerate((0, 0, 1))
    ]
    assert digests[0] == digests[1] != digests[2]


def test_the_callers_random_numbers_are_left_alone() -> None:
    tested, state = network(PlainReLU(), "features.4"), torch.random.get_rng_state()
    randomise(tested, ["head"], seed=1)
    assert bool((torch.random.get_rng_state() == state).all())


def test_a_layer_is_initialised_as_its_class_does_it() -> None:
    tested = network(PlainReLU(), "features.4")
    tested.module.float()
    randomise(tested, ["head"], seed=7)
    torch.manual_seed(7)
    expected = nn.Linear(8, 5)
    np.testing.assert_array_equal(tested.module.head.weight.detach(), expected.weight.detach())  # type: ignore[union-attr, operator]


def test_there_are_no_steps_and_one_validation(tmp_path: Path) -> None:
    selection = train(RandomisedTrainer(), small_task(), tmp_path / "c.pt").selection
    assert selection.step == 0
    assert [event["step"] for event in selection.history] == [0]


def test_agreement_is_reported_and_an_untrusted_network_is_no_improvement(tmp_path: Path) -> None:
    made = small_task(minimum_agreement=1.0)
    outcome = train(RandomisedTrainer(), replace(made, predictions=(made.predictions + 1) % 5), tmp_path / "c.pt")
    selection = outcome.selection
    predictions = answers(outcome.network, made.validation, made.validation.members, batch=8).predictions
    assert selection.agreement == (predictions == (made.predictions + 1) % 5).mean() < 1
    assert not selection.improved


def test_an_unknown_layer_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(InputError, match=r"from_layer: unknown module 'hed': did you mean 'head'"):
        RandomisedTrainer(from_layer="hed").rehearse(small_task())


@pytest.mark.parametrize(
    "options", [{"cascade": 0.0}, {"cascade": 1.2}, {"from_layer": "a", "cascade": 0.5}, {"seed": -1}]
)
def test_options_that_make_no_sense_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"cascade|seed"):
        RandomisedTrainer(**options)  # type: ignore[arg-type]
