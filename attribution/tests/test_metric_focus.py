import warnings

import numpy as np
import pytest
import torch
from torch import Tensor

from attribution.metrics.focus import Focus, mosaic, quadrant_regions
from attribution.metrics.relevance_mass import relevance_mass
from attribution.tests.small_splits import PreciseView, small_split


def refuse(_inputs: Tensor) -> Tensor:
    raise AssertionError("the standard variant asks for no answers")


@pytest.fixture(scope="module")
def split() -> PreciseView:
    return small_split(classes=5, per_class=3, size=16)


def test_a_mosaic_puts_its_tiles_in_reading_order() -> None:
    tiles = torch.arange(4.0).view(1, 4, 1, 1, 1).expand(1, 4, 1, 2, 2)
    assert mosaic(tiles)[0, 0].tolist() == [[0, 0, 1, 1], [0, 0, 1, 1], [2, 2, 3, 3], [2, 2, 3, 3]]


def test_quadrants_become_regions_in_the_same_order() -> None:
    regions = quadrant_regions(torch.tensor([[False, True, True, False]]), 4, 4)
    assert regions[0].int().tolist() == [[0, 0, 1, 1], [0, 0, 1, 1], [1, 1, 0, 0], [1, 1, 0, 0]]


def test_scores_equal_quantus() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from quantus.metrics.localisation.focus import Focus as QuantusFocus

    rng = np.random.default_rng(0)
    maps = rng.normal(size=(6, 12, 12))
    quadrants = np.array([[1, 1, 0, 0], [0, 0, 1, 1], [1, 0, 1, 0], [0, 1, 0, 1], [1, 0, 0, 1], [0, 1, 1, 0]])
    metric = QuantusFocus(disable_warnings=True)
    expected = metric.evaluate_batch(a_batch=maps[:, None], c_batch=quadrants)
    regions = quadrant_regions(torch.from_numpy(quadrants == 1), 12, 12)
    np.testing.assert_allclose(relevance_mass(torch.from_numpy(maps), regions).numpy(), expected, atol=1e-6)


def test_two_quadrants_hold_the_target_class_and_one_of_them_the_image(split: PreciseView) -> None:
    items = list(split.members)
    probe = Focus(tile="full").probe(split, items, seed=4, turn=0, original_logits=refuse)
    assert probe.items is None
    assert probe.inputs.shape == (15, 3, 32, 32)
    torch.testing.assert_close(probe.targets, split.classes(items))
    assert probe.regions is not None
    assert probe.regions.flatten(1).double().mean(dim=1).tolist() == [0.5] * 15
    pictures = split.images(items)
    for item in items:
        tiles = [probe.inputs[item, :, r : r + 16, c : c + 16] for r in (0, 16) for c in (0, 16)]
        shown = [int((pictures - tile).abs().flatten(1).sum(dim=1).argmin()) for tile in tiles]
        inside = [bool(probe.regions[item, r, c]) for r in (0, 16) for c in (0, 16)]
        classes = [int(split.targets[index]) for index in shown]
        own = [index for index, place in zip(shown, inside, strict=True) if place]
        assert item in own
        assert len(set(own)) == 2
        assert {int(split.targets[index]) for index in own} == {int(split.targets[item])}
        strangers = [target for target, place in zip(classes, inside, strict=True) if not place]
        assert len(set(strangers)) == 2
        assert int(split.targets[item]) not in strangers


def test_half_tiles_keep_the_size_of_the_networks_input(split: PreciseView) -> None:
    assert Focus().probe(split, [0], seed=4, turn=0, original_logits=refuse).inputs.shape == (1, 3, 16, 16)


def test_a_mosaic_depends_on_image_seed_and_turn_alone(split: PreciseView) -> None:
    def inputs(items: list[int], seed: int = 4, turn: int = 0) -> Tensor:
        return Focus().probe(split, items, seed=seed, turn=turn, original_logits=refuse).inputs

    together = inputs([3, 7, 9])
    torch.testing.assert_close(inputs([7])[0], together[1])
    assert not torch.equal(inputs([7], seed=5)[0], together[1])
    assert not torch.equal(inputs([7], turn=1)[0], together[1])


def test_the_published_variant_explains_the_class_that_the_original_sees_first(split: PreciseView) -> None:
    def sees_class_two_then_four(inputs: Tensor) -> Tensor:
        return torch.tensor([0.0, 0.1, 3.0, 0.2, 2.0]).expand(len(inputs), 5)

    metric = Focus(variant="published")
    probe = metric.probe(split, list(split.members), seed=4, turn=0, original_logits=sees_class_two_then_four)
    assert probe.regions is not None
    assert probe.regions.flatten(1).double().mean(dim=1).tolist() == [0.25] * 15
    # Four of the five classes are shown, so class 2 is missing only where the draw left it out: then class 4 is there.
    assert set(probe.targets.tolist()) == {2, 4}


def test_only_images_of_the_split_are_shown() -> None:
    whole = small_split(classes=3, per_class=6, size=8)
    part = PreciseView(**{**whole.__dict__, "members": tuple(range(9))})
    probe = Focus(tile="full").probe(part, list(part.members), seed=1, turn=0, original_logits=refuse)
    outside = whole.images(list(range(9, 18)))
    tiles = torch.cat([probe.inputs[:, :, r : r + 8, c : c + 8] for r in (0, 8) for c in (0, 8)])
    nearest = (tiles[:, None] - outside[None]).abs().flatten(2).sum(dim=2).min()
    assert nearest > 1


def test_unknown_options_are_refused() -> None:
    with pytest.raises(ValueError, match="use 'standard' or 'published'"):
        Focus(variant="other")  # type: ignore[arg-type]
