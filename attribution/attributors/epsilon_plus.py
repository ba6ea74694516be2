"""EpsilonPlus: relevance by ZPlus in convolutions, Epsilon in linear layers (Bach et al. 2015; Montavon et al. 2019).

Contrastive after Gu et al. 2018, CLRP1.
"""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from attribution.attributors.base import Attribution
from attribution.attributors.relevance_propagation import check_positive, propagated
from attribution.attributors.relevance_rules import Affine, epsilon, zplus
from attribution.networks import Network


@dataclass(frozen=True)
class EpsilonPlus:
    """The relevance of each pixel, from 1 at the target's logit, signed, summed over colour channels.

    Linear layers hand relevance on by signed contributions (the Epsilon rule), convolutions by positive ones (ZPlus);
    average pooling, spatial means and residual sums by each input's share; max pooling to the winner; activations and
    dropout unchanged. A BatchNorm after a convolution or linear layer is merged with it; any other BatchNorm, and
    scaling or shifting by what does not depend on the image, passes relevance unchanged. Biases take part and keep
    their share.

    `contrastive` starts from 1 at the target and -1 / (classes - 1) at every other class, so that what speaks for all
    classes alike cancels; not clipped, where Gu et al. show the positive part. Zhang's dual unit would be of no use
    here: the Epsilon rule gives the same relevance for negated weights. `epsilon` is added, with the denominator's
    sign, in linear layers, `stabilizer` everywhere else. Undefined, and refused, where relevance would pass a product
    of activations, softmax, attention or a normalisation other than BatchNorm.
    """

    name: ClassVar[str] = "EpsilonPlus"
    differentiable: ClassVar[bool] = True
    contrastive: bool = False
    epsilon: float = 1e-6
    stabilizer: float = 1e-6

    def __post_init__(self) -> None:
        check_positive("epsilon", self.epsilon)
        check_positive("stabilizer", self.stabilizer)

    def __call__(self, network: Network, images: Tensor, targets: Tensor, *, create_graph: bool = False) -> Attribution:
        def rule(layer: Affine, relevance: Tensor) -> Tensor:
            if layer.linear:
                return epsilon(layer, relevance, epsilon=self.epsilon)
            return zplus(layer, relevance, stabilizer=self.stabilizer, bias=True)

        return propagated(
            network,
            images,
            targets,
            method=self.name,
            rule=rule,
            last=rule,
            others=self.contrastive,
            stabilizer=self.stabilizer,
            create_graph=create_graph,
        )
