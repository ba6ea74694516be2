"""Attributors: one file each, one line each in the registry."""

from attribution.attributors.base import Attribution, Attributor
from attribution.attributors.gradcam import GradCAM
from attribution.attributors.guided_backprop import GuidedBackprop

ATTRIBUTORS: dict[str, type[Attributor]] = {
    "GradCAM": GradCAM,
    "GuidedBackprop": GuidedBackprop,
}

__all__ = ["ATTRIBUTORS", "Attribution", "Attributor"]
