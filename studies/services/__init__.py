"""Writes: everything that changes a study, its annotators, assignments or responses."""

from studies.services.annotators import Account, AnnotatorError, add_annotators, create_annotators, enrol
from studies.services.answers import InvalidAnswerError
from studies.services.copying import CopyError, copy_study
from studies.services.drawing import OverfullTrialError, assignments_draw
from studies.services.loading import Change, Loaded, load_bundle
from studies.services.protocols import protocol_set
from studies.services.responses import (
    Outcome,
    Recorded,
    UnknownAssignmentError,
    response_record,
)

__all__ = [
    "Account",
    "AnnotatorError",
    "Change",
    "CopyError",
    "InvalidAnswerError",
    "Loaded",
    "Outcome",
    "OverfullTrialError",
    "Recorded",
    "UnknownAssignmentError",
    "add_annotators",
    "assignments_draw",
    "copy_study",
    "create_annotators",
    "enrol",
    "load_bundle",
    "protocol_set",
    "response_record",
]
