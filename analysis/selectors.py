"""Rows of the database as a judgement frame."""

from typing import Any

import numpy as np
import pandas as pd
from django.db.models import Exists, OuterRef

from analysis.measures.judgements import COLUMNS, ConditionKey
from analysis.study_facts import ConditionFacts, StudyFacts
from studies.models import Condition, Response, Study, Trial

CATEGORIES = ("study", "dataset", "metric", "network", "attributor", "trial", "image", "annotator", "choice", "side")


def judgement_frame(study: Study) -> pd.DataFrame:
    """One row per current response, in two queries; the columns are `analysis.measures.judgements.COLUMNS`.

    The current response of an assignment is the one with the highest revision. Names are categories, `rt_ms` is in
    milliseconds, an undefined score is NaN, `confidence` is NaN as annotators are not asked for it, and `direction` is
    `higher` or `lower`. The rows are in the order of trial key and annotator code, whatever the order of the answers.
    """
    later = Response.objects.filter(assignment=OuterRef("assignment"), revision__gt=OuterRef("revision"))
    responses = _columns(
        Response.objects.filter(~Exists(later), assignment__participation__study=study)
        .order_by()
        .values_list("assignment__trial_id", "assignment__participation__code", "choice", "assignment__side", "rt_ms"),
        ("trial_id", "annotator", "choice", "side", "rt_ms"),
    )
    trials = _columns(
        Trial.objects.filter(study=study)
        .order_by("key")
        .values_list(
            "id",
            "key",
            "kind",
            "pair__image__name",
            "pair__condition__dataset",
            "pair__condition__metric",
            "pair__condition__network",
            "pair__condition__attributor",
            "pair__condition__direction",
            "pair__score_original",
            "pair__score_finetuned",
        ),
        (
            "trial_id",
            "trial",
            "kind",
            "image",
            "dataset",
            "metric",
            "network",
            "attributor",
            "direction",
            "score_original",
            "score_finetuned",
        ),
    )
    frame = responses.merge(trials, on="trial_id", how="left", validate="many_to_one")
    frame["study"] = study.slug
    frame["is_repeat"] = (frame["kind"] == "repeat").to_numpy(dtype=bool)
    frame["is_catch"] = (frame["kind"] == "catch").to_numpy(dtype=bool)
    frame["confidence"] = np.full(len(frame), np.nan)
    for column in ("rt_ms", "score_original", "score_finetuned"):
        frame[column] = frame[column].astype(np.float64)
    frame = frame.sort_values(["trial", "annotator"], kind="stable", ignore_index=True)
    for column in (*CATEGORIES, "direction"):
        frame[column] = frame[column].astype("category")
    return frame[list(COLUMNS)]


def study_facts(study: Study) -> StudyFacts:
    """What was asked and how, for the head of a report, in two queries."""
    conditions = Condition.objects.filter(study=study).order_by("dataset", "metric", "network", "attributor")
    return StudyFacts(
        slug=study.slug,
        title=study.title,
        question=study.question,
        is_simulated=study.is_simulated,
        offer_neither=study.offer_neither,
        annotators_per_trial=study.annotators_per_trial,
        trials_per_annotator=study.trials_per_annotator,
        trials=Trial.objects.filter(study=study, kind=Trial.Kind.MAIN).count(),
        seed=study.seed,
        conditions=tuple(
            ConditionFacts(
                key=ConditionKey(condition.dataset, condition.metric, condition.network, condition.attributor),
                direction=condition.direction,
                improved=condition.improved,
                control=bool(condition.summary.get("control", False)),
            )
            for condition in conditions
        ),
    )


def _columns(rows: Any, names: tuple[str, ...]) -> pd.DataFrame:
    return pd.DataFrame.from_records(list(rows), columns=list(names))
