"""Attributors: one file each, one line each in the registry."""

from attribution.attributors.base import Attribution, Attributor
from attribution.attributors.compatibility import check
from attribution.attributors.epsilon_plus import EpsilonPlus
from attribution.attributors.excitation_backprop import ExcitationBackprop
from attribution.attributors.gradcam import GradCAM
from attribution.attributors.gradcam_plus_plus import GradCAMPlusPlus
from attribution.attributors.guided_backprop import GuidedBackprop
from attribution.attributors.guided_gradcam import GuidedGradCAM
from attribution.attributors.input_x_gradient import InputXGradient
from attribution.attributors.integrated_gradients import IntegratedGradients
from attribution.attributors.layercam import LayerCAM
from attribution.attributors.saliency import Saliency
from attribution.attributors.smoothgrad import SmoothGrad

ATTRIBUTORS: dict[str, type[Attributor]] = {
    "GradCAM": GradCAM,
    "GuidedBackprop": GuidedBackprop,
    "GuidedGradCAM": GuidedGradCAM,
    "GradCAM++": GradCAMPlusPlus,
    "LayerCAM": LayerCAM,
    "ExcitationBackprop": ExcitationBackprop,
    "EpsilonPlus": EpsilonPlus,
    "Saliency": Saliency,
    "InputXGradient": InputXGradient,
    "IntegratedGradients": IntegratedGradients,
    "SmoothGrad": SmoothGrad,
}

__all__ = ["ATTRIBUTORS", "Attribution", "Attributor", "check"]
