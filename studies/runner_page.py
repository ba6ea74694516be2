"""What the runner's page needs to know before it asks for the first step."""

import json
from typing import Any

from django.http import HttpRequest

from studies.api.payloads import trial_settings
from studies.models import Participation, Protocol
from studies.protocol.spec import Plugin, ProtocolSpec
from studies.selectors import progress_get
from studies.selectors_flow import flow_step

# Under this name in `request.META`: directives of the content security policy that this one reply needs otherwise.
CSP_CHANGES = "harmony.csp_changes"


def runner_context(participation: Participation) -> dict[str, Any]:
    """Return the context of the runner's template. Takes a participation with study and protocol."""
    participation.protocol = protocol_ahead(participation)
    spec = participation.spec
    step = flow_step(participation)
    return {
        "study": participation.study,
        "participation": participation,
        "progress": progress_get(participation),
        "step": step,
        "screen": spec.screen,
        "settings": json.dumps(trial_settings(spec)),
    }


def protocol_ahead(participation: Participation) -> Protocol | None:
    """Return the protocol that the first step will pin, or the one that is pinned already."""
    if participation.started_at is not None or participation.assignments.exists():
        return participation.protocol
    return Protocol.objects.filter(study=participation.study_id).order_by("-version").first()


def allow_plugin_styles(request: HttpRequest, spec: ProtocolSpec) -> None:
    """Let styles be inline where the protocol names stock jsPsych plugins, which write them; never scripts."""
    if any(isinstance(page, Plugin) for page in spec.pages):
        request.META[CSP_CHANGES] = {"style-src": ("'self'", "'unsafe-inline'")}
