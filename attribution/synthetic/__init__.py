"""The demo's data set and network, made by a program from a seed."""

from attribution.synthetic.dataset import synthesize
from attribution.synthetic.training import train_small_network

__all__ = ["synthesize", "train_small_network"]
