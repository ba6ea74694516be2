import warnings
from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from attribution.attributors.excitation_backprop import ExcitationBackprop
from attribution.attributors.relevance_rules import zplus
from attribution.attributors.relevance_tape import RelevanceTape
from attribution.errors import InputError
from attribution.networks import Network
from attribution.tests.small_networks import PlainReLU, network, some_images

RULE = partial(zplus, stabilizer=1e-12, bias=True)
ONES = torch.ones(3, 1, 1, 1, dtype=torch.float64)


def through(function: Callable[[Tensor], Tensor], images: Tensor, relevance: Tensor) -> Tensor:
    """Relevance of `images`, after a 1x1 convolution that changes nothing has come first."""
    tape = RelevanceTape(images, stabilizer=1e-12, differentiate=False)
    with torch.no_grad():
        with tape:
            output = function(F.conv2d(tape.images, ONES, groups=3))
        return tape.propagate(output, relevance, rule=RULE, last=RULE)


def pixels(*values: float) -> Tensor:
    """One image of three channels, [1, 3, 1, n], each row as given."""
    return torch.tensor(values, dtype=torch.float64).expand(1, 3, 1, len(values)).clone()


def close(made: Tensor, *expected: float) -> None:
    torch.testing.assert_close(made, pixels(*expected), atol=1e-9, rtol=1e-9)


def test_max_pooling_gives_all_to_the_winner() -> None:
    close(through(lambda x: F.max_pool2d(x, (1, 2)), pixels(1, 3, 5, 2), pixels(10, 20)), 0, 10, 20, 0)


@pytest.mark.parametrize(
    "average",
    [
        lambda x: F.avg_pool2d(x, (1, 2)),
        lambda x: F.adaptive_avg_pool2d(x, 1),
        lambda x: x.mean(dim=(2, 3), keepdim=True),
        lambda x: torch.mean(x, 3, keepdim=True),
        lambda x: x.sum(dim=3, keepdim=True),
    ],
)
def test_averages_give_by_share(average: Callable[[Tensor], Tensor]) -> None:
    close(through(average, pixels(1, 3), pixels(8)), 2, 6)


def _in_place(x: Tensor) -> Tensor:
    y = F.relu(x)
    y += x
    return y


@pytest.mark.parametrize(
    "total",
    [
        lambda x: F.relu(x) + 3 * x,
        lambda x: torch.add(F.relu(x), 3 * x),
        lambda x: F.relu(x).add_(3 * x),
        lambda x: (4 * x).clone(),
        _in_place,
    ],
)
def test_sums_conserve_relevance(total: Callable[[Tensor], Tensor]) -> None:
    close(through(total, pixels(1, 3), pixels(8, 4)), 8, 4)


def test_a_sum_gives_to_each_summand_by_share() -> None:
    """The summands come from the left and the right pixel: 1 of 4, and 3 of 4."""
    close(through(lambda x: x[..., :1] + x[..., 1:], pixels(1, 3), pixels(8)), 2, 6)


def test_parts_that_are_joined_again_keep_their_relevance() -> None:
    def split_and_joined(x: Tensor) -> Tensor:
        left, right = x.chunk(2, dim=3)
        return torch.cat([right, left, right], dim=3)

    close(through(split_and_joined, pixels(1, 3), pixels(8, 4, 2)), 4, 10)


@pytest.mark.parametrize("differentiate", [True, False])
def test_a_tensor_joined_with_itself_counts_once_for_each_place(differentiate: bool) -> None:
    tape = RelevanceTape(pixels(1, 3), stabilizer=1e-12, differentiate=differentiate)
    with torch.set_grad_enabled(differentiate):
        with tape:
            x = F.conv2d(tape.images, ONES, groups=3)
            output = torch.cat([x, x], dim=3)
        close(tape.propagate(output, pixels(8, 4, 2, 1), rule=RULE, last=RULE).detach(), 10, 5)


@pytest.mark.parametrize("differentiate", [True, False])
def test_what_leaves_the_tensor_as_it_is_passes_relevance(differentiate: bool) -> None:
    tape = RelevanceTape(pixels(1, 3), stabilizer=1e-12, differentiate=differentiate)
    with torch.set_grad_enabled(differentiate):
        with tape:
            output = F.conv2d(tape.images, ONES, groups=3).contiguous().to(torch.float64)
        close(tape.propagate(output, pixels(8, 4), rule=RULE, last=RULE).detach(), 8, 4)


@pytest.mark.parametrize(
    "activation",
    [torch.tanh, torch.sigmoid, F.gelu, F.relu6, partial(F.hardtanh, min_val=0), partial(torch.clamp, min=0)],
)
def test_activations_pass_relevance(activation: Callable[[Tensor], Tensor]) -> None:
    close(through(activation, pixels(1, 30), pixels(8, 4)), 8, 4)


@pytest.mark.parametrize(
    "function", [lambda x: 2 * x, lambda x: x / 4 - 1, lambda x: 1 + x, lambda x: x * pixels(3, 5), lambda x: x.mul_(2)]
)
def test_scaling_and_shifting_pass_relevance(function: Callable[[Tensor], Tensor]) -> None:
    close(through(function, pixels(1, 3), pixels(8, 4)), 8, 4)


def test_a_product_with_a_matrix_is_a_linear_layer() -> None:
    """The product hands on 2/8 and 6/8: what goes on is shared by pixel as contributions 1 * 2 and 3 * 2."""
    matrix = torch.tensor([[2.0], [2.0]], dtype=torch.float64)
    close(through(lambda x: x @ matrix, pixels(1, 3), pixels(8)), 2, 6)


def test_dropout_in_eval_mode_passes_relevance() -> None:
    close(through(lambda x: F.dropout(x, 0.5, training=False), pixels(1, 3), pixels(8, 4)), 8, 4)


def batch_norm(x: Tensor, *, training: bool = False) -> Tensor:
    """(x - 1) / 2 * 2 + 3, which is x + 2."""
    mean, variance, weight, bias = (torch.full((3,), value, dtype=torch.float64) for value in (1, 4, 2, 3))
    return F.batch_norm(x, mean, variance, weight, bias, training, eps=0.0)


def test_batchnorm_after_a_convolution_is_merged_with_it() -> None:
    """The merged bias is 2, which keeps 2 of 3 from pixel 1, and 2 of 8 from pixel 6."""
    made = through(batch_norm, pixels(1, 6), pixels(9, 8))
    close(made, 3, 6)


def test_another_batchnorm_passes_relevance() -> None:
    made = through(lambda x: batch_norm(F.relu(x)), pixels(1, 6), pixels(9, 8))
    close(made, 9, 8)


def test_batchnorm_with_the_batchs_statistics_is_refused() -> None:
    with pytest.raises(InputError, match="eval mode"):
        through(partial(batch_norm, training=True), pixels(1, 3), pixels(8, 4))


@pytest.mark.parametrize(
    ("function", "named"),
    [
        (lambda x: x * torch.sigmoid(x), "mul"),
        (lambda x: x - F.relu(x), "sub"),
        (lambda x: x.softmax(dim=3), "softmax"),
        (lambda x: F.layer_norm(x, (1, 2)), "layer_norm"),
        (lambda x: F.scaled_dot_product_attention(x, x, x), "scaled_dot_product_attention"),
        (lambda x: x.abs_(), "abs"),
        (lambda x: x.transpose_(0, 1), "transpose"),
    ],
)
def test_what_carries_relevance_in_no_defined_way_is_refused(function: Callable[[Tensor], Tensor], named: str) -> None:
    with pytest.raises(InputError, match=f"undefined through '{named}'"):
        through(function, pixels(1, 3), pixels(8, 4))


def test_an_undefined_operation_beside_the_way_of_relevance_does_not_matter() -> None:
    def with_a_check(x: Tensor) -> Tensor:
        if x.abs().max() > 100:
            raise ValueError("out of range")
        return F.relu(x)

    close(through(with_a_check, pixels(1, 3), pixels(8, 4)), 8, 4)


def test_an_assignment_to_parts_of_an_activation_is_refused() -> None:
    def assigned(x: Tensor) -> Tensor:
        x[..., 0] = 0
        return x

    with pytest.raises(InputError, match="assignment"):
        through(assigned, pixels(1, 3), pixels(8, 4))


def test_an_operation_in_place_whose_result_is_thrown_away_still_counts() -> None:
    def thrown_away(x: Tensor) -> Tensor:
        y = x - 2
        y.relu_()
        F.relu(y, inplace=True)
        return F.max_pool2d(y, (1, 2))

    close(through(thrown_away, pixels(1, 3), pixels(8)), 0, 8)


def test_a_view_of_what_was_changed_in_place_is_refused() -> None:
    def outdated(x: Tensor) -> Tensor:
        view = x.view(1, 3, 2)
        x.relu_()
        return view.view(1, 3, 1, 2)

    with pytest.raises(InputError, match="shares memory"):
        through(outdated, pixels(1, 3), pixels(8, 4))


def joined_with_coordinates(x: Tensor, weight: Tensor) -> Tensor:
    """A convolution of a ReLU's output beside coordinates from -1 to 1, as in CoordConv."""
    coordinates = torch.tensor([-1.0, 1.0], dtype=torch.float64).expand(1, 1, 1, 2)
    return F.conv2d(torch.cat([F.relu(x), coordinates], dim=1), weight)


def test_a_negative_constant_joined_to_a_relus_output_keeps_its_share() -> None:
    """Left: each channel gives 1 of 5, the coordinate (-1)(-2). Right: each gives 3 of 9, the coordinate nothing."""
    weight = torch.tensor([1.0, 1, 1, -2], dtype=torch.float64)[None, :, None, None]
    made = through(partial(joined_with_coordinates, weight=weight), pixels(1, 3), pixels(10, 9)[:, :1])
    close(made, 2, 3)


@pytest.mark.parametrize("value", [-1.0, 0.0, 1.0])
def test_a_join_counts_as_nonnegative_only_if_every_part_is(value: float) -> None:
    tape = RelevanceTape(pixels(1, 3), stabilizer=1e-12, differentiate=False)
    with torch.no_grad(), tape:
        joined = torch.cat([F.relu(tape.images), torch.full_like(pixels(1, 3), value)], dim=3)
    assert (id(joined) in tape._nonnegative) == (value >= 0)


def _add_in_place(constant: Tensor, x: Tensor) -> Tensor:
    constant += x
    return constant


def _multiply_in_place(constant: Tensor, x: Tensor) -> Tensor:
    constant *= x
    return constant


@pytest.mark.parametrize(
    ("in_place", "plain"),
    [
        (_add_in_place, torch.add),
        (lambda constant, x: constant.add_(x), torch.add),
        (_multiply_in_place, torch.mul),
        (lambda constant, x: constant.mul_(x), torch.mul),
    ],
)
@pytest.mark.parametrize("differentiate", [True, False])
def test_an_activation_put_into_a_constant_in_place_stays_itself_too(
    in_place: Callable[[Tensor, Tensor], Tensor], plain: Callable[[Tensor, Tensor], Tensor], differentiate: bool
) -> None:
    """The sum of what was made in place and of the activation, which must not have become the former."""
    made = []
    for function in (in_place, plain):
        constant = pixels(5, 0.5)
        tape = RelevanceTape(pixels(1, 3), stabilizer=1e-12, differentiate=differentiate)
        with torch.set_grad_enabled(differentiate):
            with tape:
                x = F.conv2d(tape.images, ONES, groups=3)
                made_of_both = function(constant, x)
                output = tape.current(x + 10 * made_of_both)
            made.append((output, tape.propagate(output, pixels(8, 4), rule=RULE, last=RULE)))
        close(constant, 5, 0.5)
    torch.testing.assert_close(made[0][0], made[1][0])
    torch.testing.assert_close(made[0][1], made[1][1])


def test_a_constant_that_an_activation_was_written_into_is_refused_under_another_name() -> None:
    def aliased(x: Tensor) -> Tensor:
        constant = torch.zeros_like(x)
        view = constant.view(1, 3, 2)
        constant += x
        return view.view(1, 3, 1, 2) + x

    with pytest.raises(InputError, match="shares memory"):
        through(aliased, pixels(1, 3), pixels(8, 4))


def test_an_activation_copied_into_part_of_a_constant_is_refused() -> None:
    def copied(x: Tensor) -> Tensor:
        constant = torch.zeros(1, 3, 1, 4, dtype=torch.float64)
        constant[..., :2].copy_(x)
        return constant[..., :2] + x

    with pytest.raises(InputError, match="shares memory"):
        through(copied, pixels(1, 3), pixels(8, 4))


def test_an_output_that_is_given_is_refused() -> None:
    def given(x: Tensor) -> Tensor:
        return torch.add(x, 1.0, out=torch.empty_like(x))

    with pytest.raises(InputError, match="use the network without out"):
        through(given, pixels(1, 3), pixels(8, 4))


@pytest.mark.parametrize("features", [2, 3])
def test_batchnorm_over_tokens_after_a_linear_layer_passes_relevance(features: int) -> None:
    """It normalises along the tokens [N, L, K], so it is no part of the layer."""
    weight = torch.linspace(1, 2, features * 2, dtype=torch.float64).reshape(features, 2)

    def layer(x: Tensor) -> Tensor:
        return F.linear(x[:, :, 0], weight)

    scale = torch.tensor([1.0, 2, 4], dtype=torch.float64)
    zero = torch.zeros(3, dtype=torch.float64)
    relevance = torch.arange(1.0, 3 * features + 1, dtype=torch.float64).reshape(1, 3, features)
    made = through(
        lambda x: F.batch_norm(layer(x), -scale, zero + 1, scale, None, False, eps=0.0), pixels(1, 3), relevance
    )
    torch.testing.assert_close(made, through(layer, pixels(1, 3), relevance))


def test_a_graph_of_images_alone_is_refused() -> None:
    class NoLayer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.unused = nn.Conv2d(3, 5, 1)

        def forward(self, images: Tensor) -> Tensor:
            return F.relu(images).mean(dim=(2, 3))

    with pytest.raises(InputError, match="network NoLayer: ExcitationBackprop: no relevance reaches"):
        ExcitationBackprop()(network(NoLayer(), "unused", classes=3), some_images(), torch.tensor([0, 1, 2, 0]))


def test_a_vision_transformer_is_refused_with_the_reason() -> None:
    class Transformer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.patches = nn.Conv2d(3, 8, 8, stride=8)
            self.block = nn.TransformerEncoderLayer(8, 2, 16, activation="gelu", batch_first=True)
            self.head = nn.Linear(8, 5)

        def forward(self, images: Tensor) -> Tensor:
            return self.head(self.block(self.patches(images).flatten(2).transpose(1, 2)).mean(dim=1))  # type: ignore[no-any-return]

    with pytest.raises(InputError, match="undefined through"):
        ExcitationBackprop()(network(Transformer(), "patches"), some_images(), torch.tensor([0, 1, 2, 0]))


def test_a_scripted_network_is_refused() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scripted = torch.jit.script(PlainReLU().double())
    tested = network(PlainReLU(), "features.4")
    with pytest.raises(InputError, match="scripted"):
        ExcitationBackprop()(
            Network("scripted", "test", scripted, tested.preprocessing, "", 5),
            some_images(),
            torch.tensor([0, 1, 2, 0]),
        )


def test_images_and_network_are_left_as_they_were() -> None:
    tested = network(PlainReLU(), "features.4")
    images = some_images()
    kept, names = images.clone(), set(tested.module.state_dict())
    ExcitationBackprop()(tested, images, torch.tensor([0, 1, 2, 0]))
    with pytest.raises(RuntimeError):
        ExcitationBackprop()(tested, images[:, :1], torch.tensor([0, 1, 2, 0]))
    torch.testing.assert_close(images, kept, atol=0, rtol=0)
    assert set(tested.module.state_dict()) == names
    assert all(parameter.grad is None for parameter in tested.module.parameters())
    for module in tested.module.modules():
        assert not module._forward_hooks
        assert not module._backward_hooks
        assert not module._forward_pre_hooks
