import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from attribution.metrics.imputation import linear_imputation, neighbour_mean
from attribution.tests.direct_imputation import direct_imputation


def smooth(count: int, size: int, cells: int, seed: int) -> Tensor:
    """Maps [count, size, size] with blobs of about size / cells pixels."""
    coarse = torch.rand(count, 1, cells, cells, generator=torch.Generator().manual_seed(seed))
    return F.interpolate(coarse, size=(size, size), mode="bilinear")[:, 0]


def pictures(count: int, height: int, width: int, seed: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(count, 3, height, width, generator=torch.Generator().manual_seed(seed)).to(dtype)


def highest(maps: Tensor, share: float) -> Tensor:
    return maps > maps.flatten(1).quantile(1 - share, dim=1)[:, None, None]


def test_one_removed_pixel_is_the_weighted_mean_of_its_neighbours() -> None:
    image = torch.tensor([[6.0, 0.0, 0.0], [0.0, 99.0, 12.0], [0.0, 0.0, 24.0]]).view(1, 1, 3, 3)
    removed = torch.zeros(1, 3, 3, dtype=torch.bool)
    removed[0, 1, 1] = True
    # 6/12 + 12/6 + 24/12
    assert linear_imputation(image, removed)[0, 0, 1, 1] == pytest.approx(4.5, abs=1e-4)


def test_a_removed_corner_shares_the_weights_of_the_three_neighbours_it_has() -> None:
    image = torch.tensor([[99.0, 5.0], [10.0, 20.0]]).view(1, 1, 2, 2)
    removed = torch.tensor([[[True, False], [False, False]]])
    # (5/6 + 10/6 + 20/12) / (1/6 + 1/6 + 1/12)
    assert linear_imputation(image, removed)[0, 0, 0, 0] == pytest.approx(10.0, abs=1e-4)


def test_a_removed_row_between_two_grey_levels_goes_evenly_from_one_to_the_other() -> None:
    image = torch.zeros(1, 1, 7, 5)
    image[:, :, 6] = 6.0
    removed = torch.zeros(1, 7, 5, dtype=torch.bool)
    removed[:, 1:6] = True
    expected = torch.arange(7.0)[:, None].expand(7, 5)
    torch.testing.assert_close(linear_imputation(image, removed)[0, 0], expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("height", "width"), [(16, 16), (33, 33), (24, 61), (5, 40)])
def test_equals_the_direct_solution(height: int, width: int, dtype: torch.dtype) -> None:
    images = pictures(3, height, width, seed=1, dtype=dtype)
    generator = torch.Generator().manual_seed(2)
    removed = (
        torch.rand(3, 4, height, width, generator=generator) < torch.tensor([0.05, 0.5, 0.86, 0.98])[:, None, None]
    )
    filled = linear_imputation(images, removed)
    for image, masks, found in zip(images.double().numpy(), removed.numpy(), filled, strict=True):
        for mask, each in zip(masks, found, strict=True):
            np.testing.assert_allclose(each.double().numpy(), direct_imputation(image, mask), atol=1e-4)


@pytest.mark.parametrize("share", [0.05, 0.5, 0.86])
@pytest.mark.parametrize("cells", [7, 56, 224])
def test_equals_quantus_without_noise_at_224_pixels(cells: int, share: float) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from quantus.functions.perturb_func import noisy_linear_imputation

    image = pictures(1, 224, 224, seed=3)
    removed = highest(smooth(1, 224, cells, seed=4), share)
    # Quantus' imputation itself takes all channels with one list of pixels; its ROAD, which repeats the map for each
    # channel and lists pixels of all of them, does not.
    expected = noisy_linear_imputation(image[0].double().numpy(), np.flatnonzero(removed[0].numpy()), noise=0.0)  # type: ignore[arg-type]
    found = linear_imputation(image, removed)[0].double().numpy()
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_an_image_does_not_depend_on_its_batch_mates() -> None:
    images = pictures(6, 48, 48, seed=5)
    removed = torch.stack([highest(smooth(6, 48, 4, seed=6), share) for share in (0.1, 0.5, 0.9)], dim=1)
    together = linear_imputation(images, removed)
    alone = torch.cat([linear_imputation(images[i : i + 1], removed[i : i + 1]) for i in range(6)])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=0)


def test_what_is_known_keeps_its_bits_and_nothing_removed_changes_nothing() -> None:
    images = pictures(2, 20, 20, seed=7)
    removed = highest(smooth(2, 20, 20, seed=8), 0.4)
    filled = linear_imputation(images, removed)
    assert torch.equal(filled[~removed[:, None].expand_as(filled)], images[~removed[:, None].expand_as(filled)])
    assert torch.equal(linear_imputation(images, torch.zeros_like(removed)), images)


@given(seed=st.integers(0, 1000), share=st.floats(0.01, 0.97), height=st.integers(2, 40), width=st.integers(2, 40))
@settings(max_examples=25, deadline=None)
def test_removed_pixels_are_the_mean_of_their_neighbours_and_stay_within_the_known_range(
    seed: int, share: float, height: int, width: int
) -> None:
    images = pictures(1, height, width, seed=seed, dtype=torch.float64)
    removed = torch.rand(1, height, width, generator=torch.Generator().manual_seed(seed)) < share
    removed[0, seed % height, seed % width] = False
    filled = linear_imputation(images, removed)
    hole = removed[:, None].expand_as(filled)
    torch.testing.assert_close(filled[hole], neighbour_mean(filled)[hole], atol=1e-4, rtol=0)
    for channel in range(3):
        known = images[0, channel][~removed[0]]
        assert filled[0, channel].min() >= known.min() - 1e-4
        assert filled[0, channel].max() <= known.max() + 1e-4


def test_a_mask_of_the_whole_image_is_refused() -> None:
    with pytest.raises(ValueError, match="leave at least one pixel"):
        linear_imputation(torch.zeros(1, 3, 4, 4), torch.ones(1, 4, 4, dtype=torch.bool))


def test_masks_of_another_size_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\[N, K, H, W\]"):
        linear_imputation(torch.zeros(1, 3, 4, 4), torch.ones(1, 5, 5, dtype=torch.bool))


def test_images_that_are_not_finite_are_refused_rather_than_returned() -> None:
    images = torch.full((1, 3, 8, 8), torch.nan)
    removed = torch.zeros(1, 8, 8, dtype=torch.bool)
    removed[0, 3, 3] = True
    with pytest.raises(ValueError, match="finite"):
        linear_imputation(images, removed)


@pytest.mark.parametrize("device", ["cpu", *(["cuda"] if torch.cuda.is_available() else [])])
def test_every_device_fills_many_images_as_the_cpu_fills_each_alone(device: str) -> None:
    images = pictures(4, 64, 64, seed=9)
    removed = torch.stack([highest(smooth(4, 64, 7, seed=10), share) for share in (0.1, 0.86)], dim=1)
    there = linear_imputation(images.to(device), removed.to(device)).cpu()
    alone = torch.cat([linear_imputation(images[at : at + 1], removed[at : at + 1]) for at in range(4)])
    torch.testing.assert_close(there, alone, atol=1e-4, rtol=0)
