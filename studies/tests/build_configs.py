"""A run config for tests of builds; nothing that it names has to be there."""

CONFIG = """
name = "shapes"
title = "Maps of shapes"
seed = 7
pairs = 20
attributors = ["GradCAM", "GuidedBackprop"]

[dataset]
name = "Shapes"
layout = "folder"
images = "shapes/images"
masks = "shapes/masks"

[network]
name = "SmallCNN"
spec = "file:shapes/network.pt"

[protocol]
annotators_per_trial = 5

[[metrics]]
name = "RMA"
training = { steps = 100 }

[[metrics]]
name = "Focus"
training = { steps = 60 }
training_for = { GuidedBackprop = { steps = 40 } }
""".lstrip()


def config(**changes: str) -> str:
    """Return the config with other values for the first `name`, `title` and the like, each as it is written in TOML."""
    text = CONFIG
    for key, value in changes.items():
        line = next(line for line in text.splitlines() if line.startswith(f"{key} = "))
        text = text.replace(line, f"{key} = {value}", 1)
    return text
