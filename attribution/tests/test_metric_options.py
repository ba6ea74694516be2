"""Options that make no sense, or would do nothing, are refused when a metric is made."""

import math
from typing import Any

import pytest

from attribution.metrics import METRICS
from attribution.trainers.fidelity_only import FidelityOnlyTrainer
from attribution.trainers.randomised import RandomisedTrainer


@pytest.mark.parametrize("value", [2.0, math.inf, math.nan, True, 0, "3"])
@pytest.mark.parametrize(
    ("metric", "option"),
    [
        ("Focus", "draws"),
        ("Deletion", "steps"),
        ("Insertion", "steps"),
        ("TopK", "k"),
        ("IROF", "segments"),
        ("InputStability", "samples"),
        ("Infidelity", "samples"),
    ],
)
def test_what_is_counted_is_a_whole_number(metric: str, option: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"{option}: .*: use a whole number from"):
        METRICS[metric](**{option: value})


@pytest.mark.parametrize("kind", [FidelityOnlyTrainer, RandomisedTrainer])
@pytest.mark.parametrize("value", [2.0, math.inf, True, -1])
def test_a_seed_is_a_whole_number(kind: Any, value: object) -> None:
    with pytest.raises(ValueError, match=r"seed: .*: use a whole number from 0"):
        kind(seed=value)


@pytest.mark.parametrize(
    ("metric", "options", "expected"),
    [
        ("Infidelity", {"scaled": "false"}, "scaled: 'false': use true or false"),
        ("Infidelity", {"side": 0.5}, "side: perturbation = 'noise' has no side"),
        ("Infidelity", {"perturbation": "square", "noise": 0.5}, "noise: perturbation = 'square' has no noise"),
        ("ROAD", {"variant": "published", "temperature": 0.5}, 'temperature: variant = "published" has none'),
        ("IROF", {"variant": "published", "temperature": 0.5}, 'temperature: variant = "published" has none'),
    ],
)
def test_an_option_that_would_do_nothing_is_refused(metric: str, options: dict[str, object], expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        METRICS[metric](**options)
