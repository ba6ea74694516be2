from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from attribution.attributors import Attribution
from attribution.attributors.gradcam import GradCAM
from attribution.evaluation import metric_scores
from attribution.metrics import Explained, Metric, Probe
from attribution.metrics.complexity import Complexity
from attribution.metrics.focus import Focus
from attribution.metrics.rma import RMA
from attribution.metrics.sparseness import Sparseness
from attribution.metrics.weighted_sum import WeightedSum
from attribution.networks import Network
from attribution.tests.small_networks import PlainReLU, network
from attribution.tests.small_splits import small_split
from attribution.tests.small_tasks import small_task, train
from attribution.trainers.fidelity import FidelityTrainer

SPLIT = small_split(classes=5, per_class=3, size=16, dtype=torch.float64)
ITEMS = SPLIT.members[:4]


class CountedCAM(GradCAM):
    """GradCAM that counts how often it is asked."""

    asked: list[int] = []

    def __call__(self, network: Network, images: Tensor, targets: Tensor, *, create_graph: bool = False) -> Attribution:
        self.asked.append(len(images))
        return super().__call__(network, images, targets, create_graph=create_graph)


def explained(metric: Metric, *, turn: int = 1) -> Explained:
    tested = network(PlainReLU(), "features.4")
    probe = metric.probe(SPLIT, ITEMS, seed=0, turn=turn, original_logits=tested.logits)
    made = CountedCAM()(tested, probe.inputs, probe.targets, create_graph=True)
    return Explained(tested, CountedCAM(), probe, made.maps, made.logits)


def probe_of(metric: Metric, logits: Callable[[Tensor], Tensor]) -> Probe:
    return metric.probe(SPLIT, ITEMS, seed=0, turn=1, original_logits=logits)


def test_loss_and_score_are_sums_of_the_parts() -> None:
    total = WeightedSum(RMA=2.0, Focus=0.5, Complexity=3.0)
    together = explained(total)
    rma, focus, complexity = (explained(part) for part in (RMA(), Focus(), Complexity()))
    expected = 2 * RMA().loss(rma) + 0.5 * Focus().loss(focus) + 3 * Complexity().loss(complexity)
    torch.testing.assert_close(total.loss(together), expected)
    # Lower complexity is better, so it is subtracted.
    scores = 2 * RMA().scores(rma) + 0.5 * Focus().scores(focus) - 3 * Complexity().scores(complexity)
    torch.testing.assert_close(total.scores(together), scores, equal_nan=True)


def test_one_part_with_weight_one_is_that_metric() -> None:
    torch.testing.assert_close(WeightedSum(RMA=1.0).loss(explained(WeightedSum(RMA=1.0))), RMA().loss(explained(RMA())))


def test_parts_on_plain_images_share_one_map_and_others_bring_their_own() -> None:
    total = WeightedSum(Sparseness=1.0, Focus=1.0, RMA=1.0)
    CountedCAM.asked.clear()
    total.loss(explained(total))
    assert CountedCAM.asked == [4, 4]  # the plain images, and the mosaics
    plain = WeightedSum(Sparseness=1.0, RMA=1.0)
    CountedCAM.asked.clear()
    plain.loss(explained(plain))
    assert CountedCAM.asked == [4]


def test_the_shared_inputs_have_masks_if_any_part_needs_them() -> None:
    logits = network(PlainReLU(), "features.4").logits
    assert probe_of(WeightedSum(Sparseness=1.0, RMA=1.0), logits).regions is not None
    assert probe_of(WeightedSum(Sparseness=1.0), logits).regions is None
    assert WeightedSum(Sparseness=1.0, RMA=1.0).needs_masks
    assert not WeightedSum(Sparseness=1.0, Focus=1.0).needs_masks


def test_plain_images_come_first_so_that_what_is_known_of_them_is_used() -> None:
    probe = probe_of(WeightedSum(Focus=1.0, RMA=1.0), network(PlainReLU(), "features.4").logits)
    assert probe.items == tuple(ITEMS)
    assert [other.items for other in probe.others] == [None]


def test_options_of_a_part_stand_beside_its_weight() -> None:
    options: dict[str, float | str] = {"RMA": 1.0, "Focus": 0.5, "Focus.variant": "published", "Focus.draws": 2}
    total = WeightedSum(**options)
    assert [part.metric for part in total.parts] == [RMA(), Focus(variant="published", draws=2)]
    assert [part.weight for part in total.parts] == [1.0, 0.5]
    assert total.draws == 2
    assert (total.least_classes, total.least_per_class) == (4, 1)


def test_a_mosaic_that_explains_another_class_gives_the_image_no_score() -> None:
    options: dict[str, float | str] = {"Sparseness": 1.0, "Focus": 1.0, "Focus.variant": "published"}
    total = WeightedSum(**options)
    tested = network(PlainReLU(), "features.4")
    settings = {"seed": 0, "batch": 8, "own": True}
    arguments = (tested, tested, GradCAM())
    both = metric_scores(*arguments, total, SPLIT, SPLIT.members, **settings)  # type: ignore[arg-type]
    focus = metric_scores(*arguments, Focus(variant="published"), SPLIT, SPLIT.members, **settings)  # type: ignore[arg-type]
    sparse = metric_scores(*arguments, Sparseness(), SPLIT, SPLIT.members, **settings)  # type: ignore[arg-type]
    assert np.isnan(focus).any()
    assert not np.isnan(focus).all()
    np.testing.assert_allclose(both, focus + sparse)


def test_sums_of_the_same_parts_are_equal_and_say_what_they_are_made_of() -> None:
    assert WeightedSum(RMA=1.0) == WeightedSum(RMA=1.0) != WeightedSum(RMA=2.0)
    assert "weight=2.0, metric=RMA(), place=0" in repr(WeightedSum(RMA=2.0))
    assert WeightedSum() == WeightedSum(RMA=1.0, Focus=1.0)


def test_fine_tuning_on_a_sum_improves_it(tmp_path: Path) -> None:
    made = small_task(metric=WeightedSum(RMA=1.0, Sparseness=0.5))
    selection = train(FidelityTrainer(), made, tmp_path / "c.pt").selection
    assert selection.improved
    assert selection.after > selection.before


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"rma": 1.0}, "'rma' is no learnable metric"),
        ({"PointingGame": 1.0}, "'PointingGame' is no learnable metric"),
        ({"WeightedSum": 1.0}, "'WeightedSum' is no learnable metric"),
        ({"RMA": 0.0}, "use a weight above 0"),
        ({"RMA": True}, "use a weight above 0"),
        ({"RMA": "1"}, "use a weight above 0"),
        ({"RMA": 1.0, "Focus.draws": 2}, "Focus has no weight here"),
        ({"Focus": 1.0, "Focus.tile": "third"}, "tile: 'third'"),
        ({"Focus": 1.0, "Focus.tiles": "half"}, "unexpected keyword argument 'tiles'"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, float | str], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        WeightedSum(**options)


def test_the_reasons_of_a_sum_are_those_of_its_parts() -> None:
    total = WeightedSum(RMA=1.0, Sparseness=0.5)
    assert [cause.reason for cause in total.undefined] == [
        "NaN or infinite values in the map",
        "empty mask",
        "no positive relevance",
        "no relevance at all",
    ]
