import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from attribution.attributors import Attribution
from attribution.metrics.perturbation import (
    COPIES,
    Noise,
    draws,
    explained_copies,
    passes,
    predictions,
    relative_change,
)
from attribution.metrics.undefined import mean_where_defined
from attribution.networks import Network
from attribution.tests.small_explained import FirstChannel, explained
from attribution.tests.small_networks import PlainReLU, network, some_images

LIKE = torch.zeros((), dtype=torch.float64)


def test_uniform_draws_are_the_bits_of_the_generator_spread_over_the_open_interval() -> None:
    words = np.random.SFC64([7, 2]).random_raw(1)
    expected = (words.view(np.int16) + 0.5) / 32768
    found = draws("uniform", [7], [2], (4,), like=LIKE)
    np.testing.assert_array_equal(found[0].numpy(), expected)


@pytest.mark.parametrize("kind", ["uniform", "normal"])
def test_a_draw_follows_from_its_own_seed_and_sample(kind: Noise) -> None:
    together = draws(kind, [5, 6, 5], [0, 0, 1], (3, 4), like=LIKE)
    for place, (seed, sample) in enumerate([(5, 0), (6, 0), (5, 1)]):
        torch.testing.assert_close(draws(kind, [seed], [sample], (3, 4), like=LIKE)[0], together[place], rtol=0, atol=0)
    assert len(together.flatten(1).unique(dim=0)) == 3


def test_uniform_draws_are_the_same_numbers_in_single_and_double_precision() -> None:
    double = draws("uniform", [1], [0], (1000,), like=LIKE)
    assert torch.equal(draws("uniform", [1], [0], (1000,), like=LIKE.float()).double(), double)


@pytest.mark.parametrize(("kind", "variance", "end"), [("uniform", 1 / 3, 1.0), ("normal", 1.0, 4.4)])
def test_draws_have_the_mean_variance_and_range_of_their_distribution(kind: Noise, variance: float, end: float) -> None:
    values = draws(kind, [3], [0], (400_000,), like=LIKE)
    assert abs(float(values.mean())) < 5 * math.sqrt(variance / 400_000)
    assert float(values.var()) == pytest.approx(variance, rel=0.01)
    assert float(values.abs().max()) < end


def test_a_seed_may_be_as_large_as_a_probe_makes_them() -> None:
    assert draws("normal", [2**63 - 1], [0], (5,), like=LIKE).shape == (1, 5)


@given(images=st.integers(1, 40), samples=st.integers(1, 40))
def test_passes_hold_every_sample_of_every_image_once_and_are_bounded_by_the_batch(images: int, samples: int) -> None:
    made = list(passes(images, samples))
    pairs = [pair for chunk in made for pair in zip(*chunk, strict=True)]
    assert sorted(pairs) == [(image, sample) for image in range(images) for sample in range(samples)]
    assert max(len(chunk[0]) for chunk in made) <= max(images, COPIES)


def test_copies_are_the_images_with_noise_added_and_no_other_change() -> None:
    images = some_images(3)
    whole = explained(network(PlainReLU(), "features.4"), FirstChannel(), images)
    for copies in explained_copies(whole, "uniform", 0.25, 9):
        moved = copies.inputs - images[copies.images]
        assert float(moved.abs().max()) < 0.25
        seeds = [whole.probe.seeds[image] for image in copies.images.tolist()]
        wanted = draws("uniform", seeds, copies.samples.tolist(), (3, 16, 16), like=images) * 0.25
        torch.testing.assert_close(moved, wanted, rtol=0, atol=1e-15)
        assert torch.equal(copies.maps, copies.inputs[:, 0])


def test_copies_are_made_with_parameters_that_ask_for_no_gradients_and_get_their_wish_back() -> None:
    asked: list[bool] = []

    class Watching(FirstChannel):
        def __call__(
            self, network: Network, images: Tensor, targets: Tensor, *, create_graph: bool = False
        ) -> Attribution:
            asked.append(any(parameter.requires_grad for parameter in network.module.parameters()))
            return super().__call__(network, images, targets)

    tested = network(PlainReLU(), "features.4")
    whole = explained(tested, Watching(), some_images(2))
    asked.clear()
    for _ in explained_copies(whole, "normal", 0.1, 10):
        assert all(parameter.requires_grad for parameter in tested.module.parameters())
    assert asked == [False, False]


def test_predictions_are_among_the_classes_that_the_network_may_choose() -> None:
    logits = torch.tensor([[0.1, 3.0, 0.2, 0.9, 0.5], [2.0, 0.0, 0.0, 1.0, 4.0]])
    tested = network(PlainReLU(), "features.4")
    assert predictions(tested, logits).tolist() == [1, 4]
    assert predictions(tested.restricted([0, 3]), logits).tolist() == [1, 0]


def test_a_relative_change_checked_by_hand() -> None:
    maps = torch.tensor([[[3.0, 0.0], [0.0, 4.0]]])
    others = torch.tensor([[[3.0, 2.0], [0.0, 4.0]]])
    assert relative_change(maps, others).tolist() == pytest.approx([2 / 5])


def test_a_change_relative_to_a_zero_map_is_undefined_and_has_no_gradient() -> None:
    maps = torch.stack([torch.zeros(2, 2), torch.ones(2, 2)]).requires_grad_()
    others = torch.tensor([[[1.0, 0.0], [0.0, 0.0]], [[1.0, 1.0], [1.0, 3.0]]], requires_grad=True)
    change = relative_change(maps, others)
    assert change.isnan().tolist() == [True, False]
    assert float(change[1].detach()) == pytest.approx(1.0)
    change[1].backward()
    assert maps.grad is not None
    assert others.grad is not None
    assert torch.isfinite(maps.grad).all()
    assert maps.grad[0].abs().sum() == 0
    assert others.grad[0].abs().sum() == 0
    assert others.grad[1].abs().sum() > 0


def test_a_map_that_does_not_change_at_all_has_a_finite_gradient() -> None:
    maps = torch.ones(1, 2, 2, requires_grad=True)
    relative_change(maps, torch.ones(1, 2, 2)).sum().backward()
    assert maps.grad is not None
    assert torch.isfinite(maps.grad).all()


@pytest.mark.parametrize("broken", ["maps", "others"])
def test_a_map_that_is_not_finite_gets_a_gradient_of_zero(broken: str) -> None:
    both = {name: torch.rand(2, 4, 4, dtype=torch.float64).requires_grad_() for name in ("maps", "others")}
    spoiled = torch.zeros(2, 4, 4, dtype=torch.float64)
    spoiled[0, 0, 0] = torch.nan
    change = relative_change(**{name: each + spoiled if name == broken else each for name, each in both.items()})
    assert change.isnan().tolist() == [True, False]
    mean_where_defined(change).backward()
    for each in both.values():
        assert each.grad is not None
        assert each.grad[0].abs().sum() == 0
        assert each.grad[1].isfinite().all()
