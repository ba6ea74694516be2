"""What the API tells about an assignment: never which map is which, nor which trials are checks."""

from typing import Any

from django.urls import reverse

from studies.models import Assignment, Participation
from studies.protocol.spec import ProtocolSpec
from studies.trial_types import trial_type


def trial_settings(spec: ProtocolSpec) -> dict[str, Any]:
    """Return how the runner shows trials. The same for all trials of a protocol, so that it tells nothing of any."""
    shown = {
        *("ties", "confidence", "reason", "undo", "break_every"),
        *("show_for_ms", "least_ms", "most_ms", "overlay_controls"),
    }
    return spec.trials.model_dump(mode="json", include=shown)


def assignment_payload(assignment: Assignment, participation: Participation) -> dict[str, Any]:
    """Return an assignment as the runner gets it; `revision` is the one that the next answer will have.

    Takes a participation with study and protocol.
    """
    kind = trial_type(assignment.trial.trial_type)
    spec = participation.spec
    return {
        "token": assignment.token,
        "position": assignment.position,
        "trial_type": assignment.trial.trial_type,
        "question": spec.question or participation.study.question,
        "prediction": assignment.trial.pair.prediction_original,
        "options": list(kind.options(spec)),
        "revision": assignment.revision + 1,
        "pictures": {slot: reverse("picture", args=[assignment.token, slot]) for slot in kind.slots},
    }
