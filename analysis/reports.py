"""The agreement report: every number of a study with what belongs beside it. Pure: same frame and seed, same report."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.measures import MEASURES
from analysis.measures.annotator_profiles import AnnotatorProfile, annotator_profiles
from analysis.measures.estimates import Estimate
from analysis.measures.judgements import ConditionKey, Ints, Judgements, judgements_from_frame
from analysis.measures.majority import Majority, majority
from analysis.study_facts import ConditionFacts, StudyFacts

SCHEMA = "harmony-report/1"
DEFAULT_SEED = 0


class NoResponsesError(ValueError):
    """There is nothing to report on yet."""


@dataclass(frozen=True, slots=True)
class Cell:
    """The numbers of one condition, or of all together.

    `estimates` are by name of the measure. `mean_gain` is the mean metric gain over the trials that have scores, None
    without any; `unscored` counts the answers to trials that lack a score.
    """

    answers: int
    trials: int
    images: int
    annotators: int
    unscored: int
    mean_gain: float | None
    majority: Majority
    estimates: dict[str, Estimate]

    @property
    def why_no_gain(self) -> str | None:
        """The reason why there is no mean gain, None where there is one."""
        if self.mean_gain is not None:
            return None
        return "no metric scores" if self.answers else "no answers"


@dataclass(frozen=True, slots=True)
class ConditionResult:
    """One condition with its numbers."""

    facts: ConditionFacts
    cell: Cell


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that the JSON, the page and the sentences are made from.

    `left_out` counts the answers to hidden repeats and catch trials, which no measure here uses.
    """

    study: StudyFacts
    seed: int
    judgements: Judgements
    overall: Cell
    conditions: tuple[ConditionResult, ...]
    annotators: tuple[AnnotatorProfile, ...]
    left_out: int


def build_report(frame: pd.DataFrame, study: StudyFacts, *, seed: int = DEFAULT_SEED) -> Report:
    """Measure everything on a judgement frame.

    Raises NoResponsesError where nobody has answered a main trial yet, and ValueError for a frame that is not one.
    """
    judgements = judgements_from_frame(frame, options=study.options)
    if judgements.n == 0:
        raise NoResponsesError(
            f"study {study.slug}: no responses yet; let annotators answer first, or make a simulated copy with "
            f"manage.py simulate_annotators {study.slug} --copy-as {study.slug}-simulated"
        )
    codes = {key: code for code, key in enumerate(judgements.conditions)}
    unknown = sorted(set(codes) - {facts.key for facts in study.conditions})
    if unknown:
        raise ValueError(f"study {study.slug}: the frame has a condition that the study lacks: {unknown[0]}")
    return Report(
        study=study,
        seed=seed,
        judgements=judgements,
        overall=_cell(judgements, seed, scopes=("any", "overall")),
        conditions=tuple(
            ConditionResult(facts, _cell(judgements.of_condition(codes.get(facts.key, -1)), seed, scopes=("any",)))
            for facts in study.conditions
        ),
        annotators=tuple(annotator_profiles(frame)),
        left_out=len(frame) - judgements.n,
    )


def condition_keys(report: Report) -> list[ConditionKey]:
    """The conditions of the report in its order."""
    return [result.facts.key for result in report.conditions]


def _cell(judgements: Judgements, seed: int, *, scopes: tuple[str, ...]) -> Cell:
    scored = np.isfinite(judgements.gain)
    first_of_trial = np.unique(judgements.trial[scored], return_index=True)[1]
    gains = judgements.gain[scored][first_of_trial]
    return Cell(
        answers=judgements.n,
        trials=_distinct(judgements.trial),
        images=_distinct(judgements.image),
        annotators=_distinct(judgements.annotator),
        unscored=int(np.count_nonzero(~scored)),
        mean_gain=float(gains.mean()) if gains.size else None,
        majority=majority(judgements),
        estimates={
            name: measure.compute(judgements, seed) for name, measure in MEASURES.items() if measure.scope in scopes
        },
    )


def _distinct(codes: Ints) -> int:
    return int(codes.max()) + 1 if codes.size else 0
