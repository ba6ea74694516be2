"""What an answer consists of, and what is wrong with a malformed one."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from studies.json_values import json_fault
from studies.models import Response
from studies.protocol.spec import ProtocolSpec
from studies.trial_types import TrialType

LARGEST_TIMING = 8 * 1024
LONGEST_REASON = 2000

TIMEOUT = Response.Given.TIMEOUT


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as the browser sends it."""

    uuid: UUID
    revision: int
    choice: str
    rt_ms: float
    timing: Mapping[str, Any]
    confidence: int | None
    reason: str

    @property
    def is_timeout(self) -> bool:
        return self.choice == TIMEOUT


class InvalidAnswerError(ValueError):
    """An answer that is malformed; `errors` maps a field to what is wrong with it."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{field}: {error}" for field, error in errors.items()))
        self.errors = dict(errors)


def answer_validate(answer: Answer, *, trial_type: TrialType, spec: ProtocolSpec) -> None:
    """Raise InvalidAnswerError for an answer that the protocol does not allow, or that cannot be stored."""
    faults = {
        "revision": _("revisions count from 1") if answer.revision < 1 else None,
        "choice": _choice_fault(answer, trial_type, spec),
        "confidence": _confidence_fault(answer, spec),
        "reason": _reason_fault(answer, spec),
        # However long it is: a tab left open overnight is no reason to lose the answer.
        "rt_ms": (
            None
            if math.isfinite(answer.rt_ms) and answer.rt_ms >= 0
            else _("a reaction time is a finite number of milliseconds, 0 or more")
        ),
        "timing": _timing_fault(answer),
    }
    errors = {field: fault for field, fault in faults.items() if fault is not None}
    if errors:
        raise InvalidAnswerError(errors)


def _choice_fault(answer: Answer, trial_type: TrialType, spec: ProtocolSpec) -> str | None:
    options = trial_type.options(spec)
    if answer.choice in options or (answer.is_timeout and spec.trials.most_ms is not None):
        return None
    offered = {"choice": repr(answer.choice), "options": ", ".join(options)}
    return _("%(choice)s is not offered; choose one of %(options)s") % offered


def _confidence_fault(answer: Answer, spec: ProtocolSpec) -> str | None:
    points = spec.trials.confidence
    if points == 0 or answer.is_timeout:
        return None if answer.confidence is None else _("no confidence is asked for; leave it out")
    if answer.confidence is None or not 1 <= answer.confidence <= points:
        return _("say how sure you are, from 1 to %(points)s") % {"points": points}
    return None


def _reason_fault(answer: Answer, spec: ProtocolSpec) -> str | None:
    if not answer.reason:
        return None
    if spec.trials.reason == "off":
        return _("no reason is asked for; leave it out")
    if len(answer.reason) > LONGEST_REASON:
        return _("more than %(most)s characters") % {"most": LONGEST_REASON}
    return json_fault(answer.reason)


def _timing_fault(answer: Answer) -> str | None:
    fault = json_fault(answer.timing)
    if fault is None and len(json.dumps(answer.timing)) > LARGEST_TIMING:
        return _("more than %(most)s characters as JSON") % {"most": LARGEST_TIMING}
    return fault
