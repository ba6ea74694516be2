from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from attribution.metrics.masking import LARGEST_RATIO, masked_similarity, places, softly_removed
from attribution.tests.small_explained import FirstChannel, Linear, explained
from attribution.tests.small_networks import network


def test_the_highest_value_comes_first() -> None:
    assert places(torch.tensor([[0.1, 0.9, -2.0, 0.5]])).tolist() == [[2, 0, 3, 1]]


def test_ties_are_scattered_and_the_same_for_every_row() -> None:
    equal = places(torch.zeros(2, 400))
    assert torch.equal(equal[0], equal[1])
    # In order of position the first half would come first; scattered, about half of it does.
    first = (equal[0, :200] < 200).sum().item()
    assert 70 < first < 130


@given(seed=st.integers(0, 1000), count=st.integers(1, 30))
def test_places_are_a_permutation_that_sorts(seed: int, count: int) -> None:
    values = torch.randint(0, 5, (2, count), generator=torch.Generator().manual_seed(seed)).float()
    found = places(values)
    assert torch.equal(found.sort(dim=1).values, torch.arange(count).expand(2, -1))
    ordered = values.gather(1, found.argsort(dim=1))
    assert bool((ordered.diff(dim=1) <= 0).all())


def test_a_soft_mask_checked_by_hand() -> None:
    values = torch.tensor([[3.0, 1.0]])
    soft, removed = softly_removed(values, torch.tensor([1]), 0.5)
    # The threshold is 2 and the standard deviation sqrt(2), so the sigmoids are of +-sqrt(2).
    torch.testing.assert_close(soft, torch.sigmoid(torch.tensor([[2.0, -2.0]]) / 2**0.5))
    assert removed.tolist() == [[True, False]]


def test_more_than_half_strength_means_removed_and_scaling_a_map_changes_nothing() -> None:
    values = torch.randn(3, 50, generator=torch.Generator().manual_seed(0))
    counts = torch.tensor([1, 20, 49])
    soft, removed = softly_removed(values, counts, 0.1)
    assert torch.equal(soft > 0.5, removed)
    assert removed.sum(dim=1).tolist() == counts.tolist()
    torch.testing.assert_close(softly_removed(values * 1000, counts, 0.1)[0], soft)


def test_an_image_that_was_all_but_lost_counts_with_a_bounded_ratio() -> None:
    """p is a denormal of float32, and p of the masked image 1/2: their ratio is no float32."""
    made = explained(network(Linear(4, 2), "head", classes=2), FirstChannel(), torch.zeros(1, 3, 4, 4).double())
    lost = replace(made, logits=torch.tensor([[0.0, 100.0]], requires_grad=True))
    ratio = masked_similarity(lost, torch.tensor([True]), lambda rows: torch.zeros(1, 3, 4, 4, dtype=torch.float64))
    assert ratio.item() == pytest.approx(LARGEST_RATIO)
    ratio.backward()
    assert lost.logits.grad is not None
    assert lost.logits.grad.abs().sum() == 0
