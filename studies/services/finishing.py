"""How a participation ends: its state, and the code that the annotator takes away."""

import secrets

from django.db import transaction
from django.utils import timezone

from studies.models import Participation, Study
from studies.protocol.spec import ProtocolSpec

# No letters or digits that look alike.
CODE_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
CODE_LENGTH = 10

State = Participation.State


def participation_lock(participation: Participation) -> Participation:
    """Return the participation as it is now, locked until the transaction ends, with study and protocol.

    The study is locked first, as by draws and by everything else that changes places, so that none waits for another.
    """
    Study.objects.select_for_update(no_key=True).get(pk=participation.study_id)
    rows = Participation.objects.select_for_update(no_key=True, of=("self",))
    return rows.select_related("study", "protocol").get(pk=participation.pk)


@transaction.atomic
def participation_finish(participation: Participation, outcome: str) -> bool:
    """End an active participation as `outcome`, with its completion code. False: it had ended before."""
    code = completion_code(participation.spec, participation.source, outcome)
    ended = Participation.objects.filter(pk=participation.pk, state=State.ACTIVE).update(
        state=outcome, finished_at=timezone.now(), completion_code=code
    )
    participation_reread(participation)
    return ended == 1


def participation_reread(participation: Participation) -> None:
    """Bring what a service may have changed behind this object's back up to date."""
    participation.refresh_from_db(
        fields=["state", "is_excluded", "excluded_because", "completion_code", "finished_at", "is_exhausted"]
    )


def completion_code(spec: ProtocolSpec, source: str, outcome: str) -> str:
    """Return the code for this outcome: Prolific's, the protocol's own, or a random one; "" where there is none.

    Only completed participations get a random code, and only where the protocol hands out codes.
    """
    recruitment = spec.recruitment
    if source == Participation.Source.PROLIFIC and recruitment.prolific is not None:
        return getattr(recruitment.prolific, outcome) or ""
    if recruitment.code is None or outcome == State.WITHDRAWN:
        return ""
    fixed: str | None = getattr(recruitment.code, outcome)
    if fixed is None and outcome == State.COMPLETED:
        return "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH))
    return fixed or ""
