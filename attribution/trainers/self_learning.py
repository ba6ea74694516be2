"""Adapting a network to images by its own answers, in its normalisation layers' affine parameters alone.

What all self-learning trainers share; each has a loss of its own. They know neither the metric nor the labels.

Test-time adaptation (Wang 2021) also replaces BatchNorm's stored statistics by those of the batch at hand. Here the
network stays in eval mode, in training as in use: with batch statistics the map of an image would depend on its batch
mates, before and after could not be compared, and the statistics would change beside the parameters.
"""

from collections.abc import Callable

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from attribution.errors import InputError
from attribution.networks import Network
from attribution.trainers.base import Task
from attribution.trainers.loop import Plan, StepLoss
from attribution.trainers.selection import last_faithful
from attribution.trainers.settings import refuse_unused
from attribution.trainers.steps import batch_of_step

# Wang 2021's learning rate on ImageNet; it is for SGD with momentum there.
LEARNING_RATE = 2.5e-4

NORMALISATIONS = (_NormBase, nn.LayerNorm, nn.GroupNorm)


def normalisation_parameters(network: Network) -> list[nn.Parameter]:
    """Weights and biases of the BatchNorm, InstanceNorm, LayerNorm and GroupNorm layers, each once.

    InputError if the network has no such layer with trainable affine parameters.
    """
    found = [
        parameter
        for module in network.module.modules()
        if isinstance(module, NORMALISATIONS)
        for parameter in module.parameters(recurse=False)
        if parameter.requires_grad
    ]
    if not found:
        raise InputError(
            f"network {network.name}: has no BatchNorm, LayerNorm or GroupNorm layer with trainable affine parameters, "
            "and self-learning adapts nothing else: take another trainer for this network"
        )
    return list(dict.fromkeys(found))


def self_learning(task: Task, name: str, of_logits: Callable[[Tensor], Tensor]) -> Plan:
    """Adam on `of_logits` (logits [N, classes] to a number) of plain training images, all classes counted.

    The metric has no say in the weights: the last checkpoint that agrees with the original often enough comes
    back.
    """
    if task.config.preset is not None:
        raise InputError(
            f"training.preset: the published settings are of a fine-tuning on a metric, which {name} is not: "
            "drop preset, and give learning_rate and batch where the defaults do not suit"
        )

    refuse_unused(task, name, "fidelity")

    def loss(student: Network, step: int) -> StepLoss:
        items, _ = batch_of_step(task.train.members, task.config.batch, task.seed, step)
        made = of_logits(student.logits(task.train.images(items)))
        return StepLoss(made, {"self_learning_loss": made})

    return Plan(
        loss=loss,
        learning_rate=LEARNING_RATE if task.config.learning_rate is None else task.config.learning_rate,
        steps=task.config.steps,
        trained=normalisation_parameters,
        rank=last_faithful,
    )
