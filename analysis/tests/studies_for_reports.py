"""Reports for tests: made from frames, without a database."""

import numpy as np
import pandas as pd

from analysis.measures.judgements import ConditionKey
from analysis.measures.tests.frames import Vote, frame_of, random_frame
from analysis.reports import Report, build_report
from analysis.study_facts import ConditionFacts, StudyFacts


def facts_for(
    attributors: list[str],
    *,
    metrics: tuple[str, ...] = ("RMA",),
    is_simulated: bool = False,
    annotators: int = 4,
    trials: int = 60,
) -> StudyFacts:
    """The facts of a study of all metrics x attributors."""
    return StudyFacts(
        slug="study",
        title="A study",
        question="Which map is better?",
        is_simulated=is_simulated,
        offer_neither=True,
        annotators_per_trial=annotators,
        trials_per_annotator=None,
        trials=trials,
        seed=1,
        conditions=tuple(
            ConditionFacts(ConditionKey("shapes", metric, "CNN", attributor), "higher", improved=True)
            for metric in metrics
            for attributor in attributors
        ),
    )


def report_of(votes: list[Vote], *, gains: dict[str, float] | None = None, is_simulated: bool = False) -> Report:
    """A report on one condition (RMA, GradCAM)."""
    facts = facts_for(["GradCAM"], is_simulated=is_simulated, trials=len({image for image, _, _ in votes}))
    return build_report(frame_of(votes, gains=gains), facts)


def related_frame(*, metric: str, attributor: str = "GradCAM", sign: int = 1, noise: float = 0.25) -> pd.DataFrame:
    """30 images x 5 annotators who choose the finetuned map where the gain is high (sign 1) or low (sign -1)."""
    generator = np.random.default_rng([len(metric), len(attributor), sign + 1])
    gains = {f"image{image:03d}": (image - 14.5) / 30 for image in range(30)}
    votes = [
        (image, f"A{annotator:02d}", 1 if sign * gain + generator.normal(0, noise) > 0 else -1)
        for image, gain in gains.items()
        for annotator in range(5)
    ]
    return frame_of(votes, gains=gains, metric=metric, attributor=attributor)


def opposed_report(*, is_simulated: bool = False) -> Report:
    """Two metrics on the same images: people agree with RMA and disagree with Focus."""
    frame = pd.concat([related_frame(metric="RMA"), related_frame(metric="Focus", sign=-1)], ignore_index=True)
    return build_report(frame, facts_for(["GradCAM"], metrics=("RMA", "Focus"), is_simulated=is_simulated))


def random_report(*, is_simulated: bool = False, seed: int = 2) -> Report:
    """A report on three conditions with gains."""
    attributors = ["attributor0", "attributor1", "attributor2"]
    return build_report(random_frame(seed), facts_for(attributors, is_simulated=is_simulated))
