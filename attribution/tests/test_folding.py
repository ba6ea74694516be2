from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from attribution.folding import fold, foldable, folded

SIZE = 12


def statistics(module: nn.Module) -> nn.Module:
    """The module in float64 and eval mode, with real BatchNorm statistics."""
    generator = torch.Generator().manual_seed(3)
    for child in module.modules():
        if isinstance(child, nn.BatchNorm2d) and child.running_var is not None and child.running_mean is not None:
            child.running_mean.copy_(torch.randn(child.num_features, generator=generator))
            child.running_var.copy_(torch.rand(child.num_features, generator=generator) + 0.5)
            if child.affine:
                nn.init.normal_(child.weight, generator=generator)
                nn.init.normal_(child.bias, generator=generator)
    return module.double().eval()


def images() -> Tensor:
    return torch.randn(2, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


class PaddedConvolution(nn.Conv2d):
    """A subclass that pads by itself, as EfficientNet's do."""

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(F.pad(x, (1, 1, 1, 1)), self.weight, self.bias, self.stride)


class WeightStandardised(nn.Conv2d):
    """Its weights are made from its parameter."""

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight - self.weight.mean(dim=(1, 2, 3), keepdim=True), self.bias)


class BatchNormAndReLU(nn.BatchNorm2d):
    """It does more than its name says."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).relu()


class Body(nn.Module):
    """A convolution and a BatchNorm that `path` puts together."""

    def __init__(self, path: Callable[["Body", Tensor], Tensor], convolution: nn.Module | None = None) -> None:
        super().__init__()
        self.convolution = convolution or nn.Conv2d(3, 4, 3, bias=False)
        self.norm = nn.BatchNorm2d(4)
        self.other = nn.Conv2d(3, 4, 3)
        self.layer = nn.Identity()
        self.path = path

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(self.path(self, x)).mean(dim=(2, 3))  # type: ignore[no-any-return]


def both(body: Body, x: Tensor) -> Tensor:
    return body.norm(body.convolution(x))  # type: ignore[no-any-return]


def skipped(body: Body, x: Tensor) -> Tensor:
    out = body.convolution(x)
    return body.norm(out) + out  # type: ignore[no-any-return]


def changed_before(body: Body, x: Tensor) -> Tensor:
    return body.norm(body.convolution(x).add_(1.0))  # type: ignore[no-any-return]


def looked_at_through_a_view(body: Body, x: Tensor) -> Tensor:
    out = body.convolution(x)
    seen = out.view(len(x), -1)
    return body.norm(out) * seen.amax(dim=1)[:, None, None, None]  # type: ignore[no-any-return]


def norm_used_twice(body: Body, x: Tensor) -> Tensor:
    return body.norm(body.convolution(x)) + body.norm(body.other(x))  # type: ignore[no-any-return]


def other_alone(body: Body, x: Tensor) -> Tensor:
    return body.norm(body.other(x))  # type: ignore[no-any-return]


def convolution_used_twice(body: Body, x: Tensor) -> Tensor:
    return body.norm(body.convolution(x)) + body.convolution(x)  # type: ignore[no-any-return]


def shown_by_the_layer(body: Body, x: Tensor) -> Tensor:
    return body.norm(body.layer(body.convolution(x)))  # type: ignore[no-any-return]


def test_the_folded_weights_can_be_checked_by_hand() -> None:
    convolution, norm = nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1, eps=0.0)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    with torch.no_grad():
        convolution.weight.fill_(6.0)
        assert convolution.bias is not None
        convolution.bias.fill_(1.0)
        norm.running_mean.fill_(3.0)
        norm.running_var.fill_(4.0)
        norm.weight.fill_(5.0)
        norm.bias.fill_(7.0)
    # 5 (6 x + 1 - 3) / 2 + 7 = 15 x + 2
    weight, bias = folded(convolution, norm)
    assert weight.item() == 15.0
    assert bias.item() == 2.0


def test_a_norm_without_running_statistics_is_refused() -> None:
    with pytest.raises(ValueError, match="without running statistics"):
        folded(nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1, track_running_stats=False))


@pytest.mark.parametrize(
    "convolution",
    [
        nn.Conv2d(3, 4, 3, bias=False),
        nn.Conv2d(3, 4, 3, bias=True, stride=2),
        PaddedConvolution(3, 4, 3, bias=False),
        nn.Sequential(nn.Conv2d(3, 6, 1), nn.Conv2d(6, 4, 3, groups=2)),
    ],
    ids=["without bias", "with bias", "subclass", "grouped, in a container"],
)
def test_a_norm_after_a_convolution_is_folded_and_nothing_else_changes(convolution: nn.Module) -> None:
    body = statistics(Body(both, convolution))
    assert isinstance(body, Body)
    expected, names = body(images()), [name for name, _ in body.named_modules()]
    fold(body, foldable(body, images(), body.layer))
    assert not any(isinstance(child, nn.BatchNorm2d) for child in body.modules())
    assert [name for name, _ in body.named_modules()] == names
    torch.testing.assert_close(body(images()), expected, atol=1e-12, rtol=1e-12)


@pytest.mark.parametrize(
    "path",
    [
        skipped,
        changed_before,
        looked_at_through_a_view,
        norm_used_twice,
        convolution_used_twice,
        shown_by_the_layer,
    ],
)
def test_a_convolution_that_others_see_keeps_its_norm(path: Callable[[Body, Tensor], Tensor]) -> None:
    body = statistics(Body(path))
    assert isinstance(body, Body)
    assert foldable(body, images(), body.layer) == []


def test_a_convolution_whose_weights_are_made_from_others_keeps_its_norm() -> None:
    for convolution in (
        WeightStandardised(3, 4, 3),
        nn.utils.parametrizations.weight_norm(nn.Conv2d(3, 4, 3)),
    ):
        body = statistics(Body(both, convolution))
        assert isinstance(body, Body)
        assert foldable(body, images(), body.layer) == []


def test_two_convolutions_that_share_their_weights_keep_their_norms() -> None:
    body = Body(norm_used_twice)
    body.other.weight = body.convolution.weight  # type: ignore[assignment]
    assert foldable(statistics(body), images(), body.layer) == []


@pytest.mark.parametrize("unused", ["other", "twin"])
def test_of_two_convolutions_that_share_their_weights_the_one_that_is_called_is_folded(unused: str) -> None:
    """In whichever order they come; `twin` comes after the one that is called."""
    body = Body(both if unused == "twin" else other_alone)
    body.twin = nn.Conv2d(3, 4, 3)
    used, shared = (body.convolution, body.twin) if unused == "twin" else (body.other, body.convolution)
    shared.weight = used.weight
    statistics(body)
    (pair,) = foldable(body, images(), body.layer)
    assert pair.convolution is used
    expected = body(images())
    fold(body, [pair])
    torch.testing.assert_close(body(images()), expected, atol=1e-12, rtol=1e-12)


def test_a_norm_of_another_kind_or_in_training_stays() -> None:
    body = Body(both)
    body.norm = BatchNormAndReLU(4)
    assert foldable(statistics(body), images(), body.layer) == []
    body = Body(both)
    statistics(body)
    body.norm.train()
    assert foldable(body, images(), body.layer) == []


def test_a_norm_without_running_statistics_stays() -> None:
    body = Body(both)
    body.norm = nn.BatchNorm2d(4, track_running_stats=False)
    assert foldable(statistics(body), images(), body.layer) == []


def test_modules_that_are_watched_from_outside_stay() -> None:
    body = statistics(Body(both))
    assert isinstance(body, Body)
    body.convolution.register_forward_hook(lambda *_: None)
    assert foldable(body, images(), body.layer) == []


def test_watching_leaves_no_hooks_even_after_a_failure() -> None:
    def fail(_body: Body, _x: Tensor) -> Tensor:
        raise RuntimeError("broken")

    for path in (both, fail):
        body = statistics(Body(path))
        assert isinstance(body, Body)
        if path is fail:
            with pytest.raises(RuntimeError, match="broken"):
                foldable(body, images(), body.layer)
        else:
            foldable(body, images(), body.layer)
        assert not any(child._forward_hooks for child in body.modules())
