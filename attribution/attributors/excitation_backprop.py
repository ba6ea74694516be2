"""ExcitationBackprop, plain and contrastive (Zhang et al. 2018, equations 2, 8 and section 3.4)."""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from torch import Tensor

from attribution.attributors.base import Attribution
from attribution.attributors.relevance_propagation import check_positive, propagated
from attribution.attributors.relevance_rules import Affine, zplus
from attribution.networks import Network


@dataclass(frozen=True)
class ExcitationBackprop:
    """The marginal winning probability of each pixel, from 1 at the target's logit, summed over colour channels.

    Every convolution and linear layer hands relevance on by its positive contributions (the ZPlus rule); average
    pooling, spatial means and residual sums by each input's share; max pooling to the winner; activations and dropout
    unchanged. A BatchNorm after a convolution or linear layer is merged with it; any other BatchNorm, and scaling or
    shifting by what does not depend on the image, passes relevance unchanged. Maps are not negative in networks whose
    sums have no negative summand, and there sum to at most 1.

    `contrastive` subtracts the probability under the target's dual unit, which has the negated weights and bias in the
    last layer. The difference is signed and not clipped; Zhang's published maps show its positive part. `bias` lets
    positive biases take part and keep their share, as zennit does and Zhang does not. `stabilizer` is added to every
    denominator. Undefined, and refused, where relevance would pass a product of activations, softmax, attention or a
    normalisation other than BatchNorm.
    """

    name: ClassVar[str] = "ExcitationBackprop"
    differentiable: ClassVar[bool] = True
    contrastive: bool = False
    bias: bool = True
    stabilizer: float = 1e-6

    def __post_init__(self) -> None:
        check_positive("stabilizer", self.stabilizer)

    def __call__(self, network: Network, images: Tensor, targets: Tensor, *, create_graph: bool = False) -> Attribution:
        rule = partial(zplus, stabilizer=self.stabilizer, bias=self.bias)

        def contrast(layer: Affine, relevance: Tensor) -> Tensor:
            return rule(layer, relevance) - rule(layer.negated(), relevance)

        return propagated(
            network,
            images,
            targets,
            method=self.name,
            rule=rule,
            last=contrast if self.contrastive else rule,
            others=False,
            stabilizer=self.stabilizer,
            create_graph=create_graph,
        )
