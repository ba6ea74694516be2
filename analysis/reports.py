"""The agreement report: every number of a study with what belongs beside it. Pure: same frame and seed, same report."""

from dataclasses import astuple, dataclass

import numpy as np
import pandas as pd

from analysis.measures import MEASURES
from analysis.measures.annotator_profiles import AnnotatorProfile, annotator_profiles
from analysis.measures.estimates import Estimate
from analysis.measures.judgements import (
    DIFFERENT_METRICS,
    ConditionKey,
    FrameError,
    Ints,
    Judgements,
    judgements_from_frame,
)
from analysis.measures.majority import Majority, majority
from analysis.measures.recurrence import Recurrence, recurrence
from analysis.measures.sides import SideShare, finetuned_left, finetuned_left_of_annotators
from analysis.study_facts import ConditionFacts, StudyFacts

SCHEMA = "harmony-report/1"
DEFAULT_SEED = 0


class NoResponsesError(ValueError):
    """There is nothing to report on yet."""


@dataclass(frozen=True, slots=True)
class Cell:
    """The numbers of one condition, of all conditions of a metric, or of all together.

    `estimates` are by name of the measure. `mean_gain` is the mean metric gain over the trials that have scores, None
    without any and over different metrics; `why_no_gain` then says why. `unscored` counts the answers to trials that
    lack a score.
    """

    answers: int
    trials: int
    images: int
    annotators: int
    unscored: int
    mean_gain: float | None
    why_no_gain: str | None
    majority: Majority
    finetuned_left: SideShare
    estimates: dict[str, Estimate]


@dataclass(frozen=True, slots=True)
class ConditionResult:
    """One condition with its numbers."""

    facts: ConditionFacts
    cell: Cell


@dataclass(frozen=True, slots=True)
class MetricResult:
    """One metric with the numbers of its `conditions` (how many there are) taken together."""

    metric: str
    conditions: int
    cell: Cell


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that the JSON, the page and the sentences are made from.

    `metrics` are in the order of their first conditions. `finetuned_left` is by the annotator's code. `left_out` counts
    the answers to hidden repeats and catch trials, which no measure here uses.
    """

    study: StudyFacts
    seed: int
    judgements: Judgements
    overall: Cell
    metrics: tuple[MetricResult, ...]
    conditions: tuple[ConditionResult, ...]
    annotators: tuple[AnnotatorProfile, ...]
    finetuned_left: dict[str, SideShare]
    recurrence: Recurrence
    left_out: int


def build_report(frame: pd.DataFrame, study: StudyFacts, *, seed: int = DEFAULT_SEED) -> Report:
    """Measure everything on a judgement frame.

    Raises NoResponsesError where nobody has answered a main trial yet, and FrameError for a frame that is not one or
    does not belong to the study.
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
        raise FrameError(
            f"judgement frame: condition: the study {study.slug} lacks {' / '.join(astuple(unknown[0]))}; load the "
            "bundle that these answers belong to"
        )
    metrics = [facts.key.metric for facts in study.conditions]
    return Report(
        study=study,
        seed=seed,
        judgements=judgements,
        overall=_cell(judgements, seed, scopes=("any", "overall")),
        metrics=tuple(
            MetricResult(
                metric, metrics.count(metric), _cell(judgements.of_metric(metric), seed, scopes=("any", "overall"))
            )
            for metric in dict.fromkeys(metrics)
        ),
        conditions=tuple(
            ConditionResult(facts, _cell(judgements.of_condition(codes.get(facts.key, -1)), seed, scopes=("any",)))
            for facts in study.conditions
        ),
        annotators=tuple(annotator_profiles(frame)),
        finetuned_left=finetuned_left_of_annotators(judgements),
        recurrence=recurrence(judgements),
        left_out=len(frame) - judgements.n,
    )


def condition_keys(report: Report) -> list[ConditionKey]:
    """The conditions of the report in its order."""
    return [result.facts.key for result in report.conditions]


def _cell(judgements: Judgements, seed: int, *, scopes: tuple[str, ...]) -> Cell:
    scored = np.isfinite(judgements.gain)
    first_of_trial = np.unique(judgements.trial[scored], return_index=True)[1]
    gains = judgements.gain[scored][first_of_trial]
    why_no_gain = _why_no_gain(judgements)
    return Cell(
        answers=judgements.n,
        trials=_distinct(judgements.trial),
        images=_distinct(judgements.image),
        annotators=_distinct(judgements.annotator),
        unscored=int(np.count_nonzero(~scored)),
        mean_gain=float(gains.mean()) if why_no_gain is None else None,
        why_no_gain=why_no_gain,
        majority=majority(judgements),
        finetuned_left=finetuned_left(judgements),
        estimates={
            name: measure.compute(judgements, seed) for name, measure in MEASURES.items() if measure.scope in scopes
        },
    )


def _why_no_gain(judgements: Judgements) -> str | None:
    if judgements.n == 0:
        return "no answers"
    if not np.isfinite(judgements.gain).any():
        return "no metric scores"
    return DIFFERENT_METRICS if judgements.mixes_metrics else None


def _distinct(codes: Ints) -> int:
    return int(codes.max()) + 1 if codes.size else 0
