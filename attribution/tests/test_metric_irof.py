import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from attribution.attributors.gradcam import GradCAM
from attribution.metrics import superpixels as module
from attribution.metrics.base import Explained
from attribution.metrics.irof import IROF, area_over_curve, segment_means
from attribution.metrics.superpixels import superpixels
from attribution.tests.small_explained import FirstChannel, Linear, explained, part
from attribution.tests.small_networks import SIZE, PlainReLU, network, some_images


def small(count: int = 4) -> Explained:
    return explained(network(PlainReLU(), "features.3"), GradCAM(), some_images(count))


def with_maps(made: Explained, seed: int = 2) -> tuple[Explained, Tensor]:
    maps = torch.randn(made.maps.shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    maps.requires_grad_()
    return replace(made, maps=maps), maps


def test_the_area_over_a_curve_checked_by_hand() -> None:
    # Trapezoids under 1, .5, 0: .75 and .25, so the mean is .5.
    assert area_over_curve(torch.tensor([0.5, 0.0])).item() == 0.5
    assert area_over_curve(torch.tensor([1.0, 1.0, 1.0])).item() == 0.0
    # The class is lost with the first of four: only half of the first trapezoid is left under the curve.
    assert area_over_curve(torch.tensor([0.0, 0.0, 0.0, 0.0])).item() == 0.875


def test_means_of_segments_checked_by_hand() -> None:
    labels = torch.tensor([[0, 0], [1, 2]])
    assert segment_means(torch.tensor([[1.0, 3.0], [5.0, 7.0]]), labels, 3).tolist() == [2.0, 5.0, 7.0]


def test_equals_a_slow_reference() -> None:
    # Not Quantus: it feeds normalised values to SLIC, and sets the curves of a batch to zero beyond each image's own
    # number of superpixels, so that the last trapezoid, and the score, depend on the batch mates.
    made, _ = with_maps(small())
    labels = superpixels(made.probe.inputs, made.network.preprocessing, segments=100).numpy()
    expected = []
    for place, (image, each) in enumerate(zip(made.probe.inputs, made.maps.detach().numpy(), strict=True)):
        target = int(made.probe.targets[place])
        names = sorted(np.unique(labels[place]), key=lambda name: -each[labels[place] == name].mean())
        picture, curve = image.clone(), []
        for name in [None, *names]:
            if name is not None:
                picture[:, torch.from_numpy(labels[place] == name)] = image.mean(dim=(1, 2))[:, None]
            curve.append(float(made.network.logits(picture[None])[0].detach().softmax(dim=0)[target]))
        expected.append(1 - np.trapezoid(np.array(curve) / curve[0]) / len(names))
    np.testing.assert_allclose(IROF().scores(made).numpy(), expected, atol=1e-9)


def test_scores_do_not_depend_on_batch_mates() -> None:
    made = small(5)
    alone = torch.cat([IROF().scores(part(made, [place])) for place in range(5)])
    torch.testing.assert_close(IROF().scores(made), alone, atol=1e-9, rtol=0, equal_nan=True)


def test_the_best_ranking_for_a_linear_network_beats_the_worst() -> None:
    made = explained(network(Linear(SIZE, classes=2), "", classes=2), FirstChannel(), some_images(4) * 0.1)
    gains = torch.zeros_like(made.maps)
    labels = superpixels(made.probe.inputs, made.network.preprocessing, segments=100)
    colours = made.probe.inputs.mean(dim=(2, 3), keepdim=True)
    for place in range(len(gains)):
        for name in labels[place].unique():
            where = labels[place] == name
            without = torch.where(where, colours[place], made.probe.inputs[place])[None]
            lost = made.logits[place] - made.network.logits(without)[0].detach()
            gains[place][where] = lost[made.probe.targets[place]]
    best, worst = (IROF().scores(replace(made, maps=sign * gains + 100)) for sign in (1, -1))
    assert bool((best > worst).all())


def test_an_image_is_segmented_once_whatever_the_batch_and_the_type(monkeypatch: pytest.MonkeyPatch) -> None:
    images, preprocessing = some_images(3, seed=77), small().network.preprocessing
    first = superpixels(images, preprocessing, segments=100)
    monkeypatch.setattr("skimage.segmentation.slic", lambda *_args, **_kwargs: pytest.fail("segmented again"))
    assert torch.equal(superpixels(images[[2, 0]].float(), preprocessing, segments=100), first[[2, 0]])


def test_segmentations_that_were_not_asked_for_longest_are_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REMEMBERED", 2)
    monkeypatch.setattr(module, "_remembered", type(module._remembered)())
    preprocessing = small().network.preprocessing
    for seed in (1, 2, 1, 3):
        superpixels(some_images(1, seed=seed), preprocessing, segments=100)
    kept = list(module._remembered)
    superpixels(some_images(1, seed=1), preprocessing, segments=100)
    assert set(module._remembered) == set(kept)


def test_segments_are_counted_from_zero_without_gaps() -> None:
    labels = superpixels(some_images(2), small().network.preprocessing, segments=100)
    for each in labels:
        assert each.unique().tolist() == list(range(int(each.max()) + 1))


def test_a_map_without_positive_relevance_is_undefined_and_takes_no_part_in_the_loss() -> None:
    made, maps = with_maps(small())
    changed = maps.detach().clone()
    changed[1] = -1.0
    whole = replace(made, maps=changed)
    assert IROF().scores(whole).isnan().tolist() == [False, True, False, False]
    kept = [0, 2, 3]
    others = replace(part(made, kept), maps=changed[kept], logits=made.logits[kept])
    metric = IROF()
    assert metric.loss(whole).item() == pytest.approx(metric.loss(others).item(), abs=1e-12)


def test_a_probability_of_zero_is_undefined() -> None:
    made, _ = with_maps(small())
    logits = made.logits.clone()
    logits[0, made.probe.targets[0]] = -1e6
    assert math.isnan(IROF().scores(replace(made, logits=logits))[0])


def test_an_image_of_one_colour_does_not_spoil_the_gradient() -> None:
    made, maps = with_maps(small(2))
    inputs = made.probe.inputs.clone()
    inputs[0] = 0.5
    changed = replace(made, probe=replace(made.probe, inputs=inputs))
    IROF().loss(changed).backward()
    assert maps.grad is not None
    assert bool(maps.grad.isfinite().all())


def test_the_differentiable_loss_comes_to_the_published_one_as_the_mask_gets_sharp() -> None:
    made, _ = with_maps(small())
    published = IROF(variant="published").loss(made).item()
    assert IROF(temperature=1e-7).loss(made).item() == pytest.approx(published, abs=1e-9)


def test_only_the_differentiable_loss_has_a_gradient_to_the_map() -> None:
    for variant, expected in (("differentiable", True), ("published", False)):
        made, maps = with_maps(small())
        loss = IROF(variant=variant).loss(made)  # type: ignore[arg-type]
        (gradient,) = torch.autograd.grad(loss, maps, allow_unused=True, materialize_grads=True)
        assert bool(gradient.abs().sum() > 0) is expected


def test_the_gradient_to_the_map_equals_finite_differences() -> None:
    made, maps = with_maps(small())
    metric, step = IROF(), 1e-6
    (gradient,) = torch.autograd.grad(metric.loss(made), maps)
    direction = torch.randn(maps.shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    there, back = (metric.loss(replace(made, maps=(maps + sign * step * direction).detach())) for sign in (1, -1))
    assert ((there - back) / (2 * step)).item() == pytest.approx(float((gradient * direction).sum()), rel=1e-5)


@pytest.mark.parametrize(
    ("options", "field"),
    [({"segments": 1}, "segments"), ({"variant": "soft"}, "variant"), ({"temperature": -1.0}, "temperature")],
)
def test_options_that_make_no_sense_are_refused_by_name(options: dict[str, object], field: str) -> None:
    with pytest.raises(ValueError, match=field):
        IROF(**options)  # type: ignore[arg-type]
