"""Reads: the responses of imported studies, and what is known of them."""

import io
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.measures.decisions.frame import DECISION_COLUMNS
from analysis.measures.judgements import COLUMNS, ConditionKey, FrameError
from analysis.models import ImportedResponses
from analysis.study_facts import ConditionFacts, StudyFacts
from studies.media import stored_bytes
from studies.models import Study

FORCED_CHOICE = ImportedResponses.Kind.FORCED_CHOICE
PICTURE_ROLES = ("image", "original", "finetuned")


@dataclass(frozen=True, slots=True)
class TrialPictures:
    """Names in the storage of what a trial showed; None for a picture that was not imported."""

    image: str | None
    original: str | None
    finetuned: str | None


def imported_responses(study: Study) -> ImportedResponses:
    """The row of an imported study. Raises FrameError for a study that is not imported."""
    found = ImportedResponses.objects.select_related("study").filter(study=study).first()
    if found is None:
        raise FrameError(f"study {study.slug}: it was not imported; its responses are in the database")
    return found


def imported_frame(study: Study) -> pd.DataFrame:
    """All responses of an imported study: the columns of judgements, or of decisions where its kind is one of these.

    The rows are in the order in which an export of the study has them; names are categories.
    """
    return kept_frame(imported_responses(study))


def imported_judgements(study: Study, *, with_excluded: bool = False) -> pd.DataFrame:
    """The judgement frame of an imported study. Raises FrameError where its responses are decisions."""
    responses = imported_responses(study)
    if responses.kind != FORCED_CHOICE:
        raise FrameError(
            f"its answers are decisions that are right or wrong ({responses.kind}), not choices between two maps; "
            "read its report of decisions"
        )
    frame = kept_frame(responses)
    excluded = frame["is_excluded"].to_numpy(dtype=bool)
    return frame if with_excluded or not excluded.any() else frame.loc[~excluded].reset_index(drop=True)


def imported_decisions(study: Study) -> pd.DataFrame:
    """The decision frame of an imported study. Raises FrameError where its responses are choices between two maps."""
    responses = imported_responses(study)
    if responses.kind == FORCED_CHOICE:
        raise FrameError("its answers are choices between two maps, not decisions; read its agreement report")
    return kept_frame(responses)


def imported_facts(study: Study) -> StudyFacts:
    """What is known of an imported study, for the head of a report."""
    responses = imported_responses(study)
    facts = responses.facts
    return StudyFacts(
        slug=study.slug,
        title=study.title,
        question=study.question,
        is_simulated=study.is_simulated,
        offer_neither=facts["offer_neither"],
        are_ties_apart=facts["are_ties_apart"],
        annotators_per_trial=facts["annotators_per_trial"],
        trials_per_annotator=None,
        trials=facts["trials"],
        seed=study.seed,
        conditions=tuple(
            ConditionFacts(
                key=ConditionKey(known["dataset"], known["metric"], known["network"], known["attributor"]),
                direction=known["direction"],
                improved=None,
            )
            for known in facts["conditions"]
        ),
        is_imported=True,
        dropped_duplicates=responses.dropped_duplicates,
    )


def imported_pictures(study: Study) -> dict[str, TrialPictures]:
    """The pictures of an imported study by trial; empty where none were imported."""
    kept = imported_responses(study).facts.get("pictures")
    if kept is None:
        return {}
    table = pd.read_parquet(io.BytesIO(stored_bytes(kept["path"])))
    columns = [[name or None for name in table[role].astype(object).tolist()] for role in PICTURE_ROLES]
    trials = table["trial"].astype(str).tolist()
    return {trial: TrialPictures(*names) for trial, *names in zip(trials, *columns, strict=True)}


def kept_frame(responses: ImportedResponses) -> pd.DataFrame:
    """The frame of imported responses, whether or not they were replaced since their row was read."""
    try:
        content = stored_bytes(responses.path)
    except FileNotFoundError:
        replaced_by = imported_responses(responses.study)
        if replaced_by.path == responses.path:
            raise FrameError(
                f"{responses.path}: is missing in the storage; import the responses of {responses.study.slug} again "
                "with --replace, or bring the file back from a backup"
            ) from None
        responses, content = replaced_by, stored_bytes(replaced_by.path)
    columns = COLUMNS if responses.kind == FORCED_CHOICE else DECISION_COLUMNS
    frame = pd.read_parquet(io.BytesIO(content), columns=[column for column in columns if column != "study"])
    slug = pd.Index([responses.study.slug], dtype="str")
    frame["study"] = pd.Categorical.from_codes(np.zeros(len(frame), dtype=np.int8), categories=slug)
    return frame[list(columns)]
