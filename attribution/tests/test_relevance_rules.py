from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from attribution.attributors.relevance_rules import Affine, epsilon, norm, stabilized, zplus


def layer(x: list[float], weight: list[list[float]], bias: list[float] | None = None) -> Affine:
    values = [torch.tensor(each, dtype=torch.float64) for each in ([x], weight)]
    biases = None if bias is None else torch.tensor(bias, dtype=torch.float64)
    output = F.linear(values[0], values[1], biases)
    nonnegative = bool((values[0] >= 0).all())
    return Affine(F.linear, values[0], values[1], biases, output, True, nonnegative, differentiate=False)


def relevance(*values: float) -> Tensor:
    return torch.tensor([values], dtype=torch.float64)


def close(made: Tensor, expected: list[float]) -> None:
    torch.testing.assert_close(made, relevance(*expected), atol=1e-9, rtol=1e-9)


def test_zplus_shares_by_positive_contributions() -> None:
    """Contributions 2 * 1, 1 * -1, 3 * 2: of the relevance 16, 4 goes to the first and 12 to the third."""
    close(zplus(layer([2, 1, 3], [[1, -1, 2]]), relevance(16), stabilizer=1e-12, bias=True), [4, 0, 12])


def test_zplus_counts_negative_inputs_with_negative_weights() -> None:
    close(zplus(layer([-2, 1, -3], [[-1, 2, 5]]), relevance(8), stabilizer=1e-12, bias=True), [4, 4, 0])


def test_a_positive_bias_keeps_its_share() -> None:
    close(zplus(layer([2, 3], [[1, 2]], [8]), relevance(16), stabilizer=1e-12, bias=True), [2, 6])


def test_a_negative_bias_takes_no_part() -> None:
    close(zplus(layer([2, 3], [[1, 2]], [-8]), relevance(16), stabilizer=1e-12, bias=True), [4, 12])


def test_a_bias_can_be_left_out() -> None:
    close(zplus(layer([2, 3], [[1, 2]], [8]), relevance(16), stabilizer=1e-12, bias=False), [4, 12])


def test_an_output_without_a_positive_contribution_gives_nothing() -> None:
    close(zplus(layer([2, 3], [[-1, -2]]), relevance(16), stabilizer=1e-6, bias=True), [0, 0])


def test_zplus_of_the_negated_layer_shares_by_what_speaks_against() -> None:
    negated = layer([2, 1, 3], [[1, -1, 2]], [4]).negated()
    close(zplus(negated, relevance(16), stabilizer=1e-12, bias=True), [0, 16, 0])


def test_epsilon_shares_by_signed_contributions() -> None:
    """Contributions 2, -1, 6 of 8 with the bias 1: relevance 16 is 2 for each unit."""
    close(epsilon(layer([2, 1, 3], [[1, -1, 2]], [1]), relevance(16), epsilon=1e-12), [4, -2, 12])


def test_epsilon_gives_the_same_for_the_negated_layer() -> None:
    plain = layer([2, 1, 3], [[1, -1, 2]], [1])
    one, other = (epsilon(each, relevance(16), epsilon=0.1) for each in (plain, plain.negated()))
    torch.testing.assert_close(one, other)


def test_the_stabilizer_moves_away_from_zero() -> None:
    torch.testing.assert_close(stabilized(torch.tensor([-1.0, 0.0, 1.0]), 0.5), torch.tensor([-1.5, 0.5, 1.5]))


def test_the_stabilizer_keeps_double_precision() -> None:
    assert stabilized(torch.zeros(1, dtype=torch.float64), 1e-6).item() == 1e-6


def test_the_share_of_a_broadcast_summand_is_summed() -> None:
    close(norm(relevance(2), relevance(1, 3, 5)), [18])


def convolution(*, nonnegative: bool, bias: bool = False) -> tuple[Affine, Tensor]:
    generator = torch.Generator().manual_seed(4)

    def drawn(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    x, weight = drawn(2, 4, 7, 7), drawn(6, 4, 3, 3)
    x = x.abs() if nonnegative else x
    biases = drawn(6) if bias else None
    output = F.conv2d(x, weight, biases)
    made = Affine(F.conv2d, x, weight, biases, output, False, nonnegative, differentiate=False)
    return made, drawn(*output.shape)


@pytest.mark.parametrize("nonnegative", [True, False])
def test_zplus_without_bias_conserves_relevance_of_each_image(nonnegative: bool) -> None:
    tested, upper = convolution(nonnegative=nonnegative, bias=True)
    lower = zplus(tested, upper, stabilizer=1e-12, bias=False)
    torch.testing.assert_close(lower.sum(dim=(1, 2, 3)), upper.sum(dim=(1, 2, 3)), atol=1e-9, rtol=1e-9)


@pytest.mark.parametrize("bias", [True, False])
def test_zplus_gives_the_same_whether_or_not_it_is_known_that_nothing_is_negative(bias: bool) -> None:
    tested, upper = convolution(nonnegative=True, bias=bias)
    general = replace(tested, nonnegative=False)
    one, other = (zplus(each, upper, stabilizer=1e-6, bias=True) for each in (tested, general))
    torch.testing.assert_close(one, other, atol=1e-12, rtol=1e-12)


@pytest.mark.parametrize("nonnegative", [True, False])
def test_zplus_equals_a_sum_over_every_contribution(nonnegative: bool) -> None:
    """The slow way: each place of the output with the patch it sees."""
    tested, upper = convolution(nonnegative=nonnegative, bias=True)
    assert tested.bias is not None
    expected = torch.zeros_like(tested.x)
    for row in range(5):
        for column in range(5):
            patch = tested.x[:, None, :, row : row + 3, column : column + 3]
            positive = (patch * tested.weight).clamp(min=0)
            whole = positive.sum(dim=(2, 3, 4)) + tested.bias.clamp(min=0) + 1e-6
            share = (upper[:, :, row, column] / whole)[:, :, None, None, None]
            expected[:, :, row : row + 3, column : column + 3] += (positive * share).sum(dim=1)
    torch.testing.assert_close(zplus(tested, upper, stabilizer=1e-6, bias=True), expected, atol=1e-12, rtol=1e-12)


class Counting(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.calls: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.calls[func.__name__.partition(".")[0]] += 1
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize(("nonnegative", "expected"), [(True, 1), (False, 2)])
def test_zplus_takes_one_convolution_each_way_where_nothing_is_negative(nonnegative: bool, expected: int) -> None:
    tested, upper = convolution(nonnegative=nonnegative)
    with Counting() as counting:
        zplus(tested, upper, stabilizer=1e-6, bias=True)
    assert counting.calls["convolution"] == expected
    assert counting.calls["convolution_backward"] == expected
