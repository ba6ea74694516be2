"""What a protocol says that a study has columns for."""

from typing import Any

from studies.protocol.spec import ProtocolSpec


def study_columns(spec: ProtocolSpec) -> dict[str, Any]:
    """Return the columns of the study that the protocol decides, with their values.

    Title and question are among them only where the protocol has them.
    """
    columns: dict[str, Any] = {
        "annotators_per_trial": spec.trials.annotators_per_trial,
        "trials_per_annotator": spec.trials.per_annotator,
        "allow_undo": spec.trials.undo,
        "offer_neither": spec.trials.ties != "none",
    }
    if spec.title is not None:
        columns["title"] = spec.title
    if spec.question is not None:
        columns["question"] = spec.question
    return columns
