"""Taking a consent back: stopping, and having the own data deleted."""

from django.db import transaction
from django.utils import timezone

from studies.models import ExternalIdentity, Participation, Response
from studies.services.audit import audit_reasons_forget, audit_write
from studies.services.derived_files import derived_files_erase
from studies.services.finishing import completion_code, participation_lock, participation_reread
from studies.services.identities import ids_empty
from studies.services.places import places_return

WITHDRAWN = Participation.State.WITHDRAWN


@transaction.atomic
def participation_withdraw(*, participation: Participation, delete: bool) -> None:
    """Stop an annotator's part at their wish, also after its end; their places go back to the pool.

    The answers given so far stay, and are left out of reports and exports. With `delete` they are deleted, and so are
    the assignments, the completed pages, what quality rules found, the ids at a recruitment service, and the study's
    reports, which are made anew without them; what remains is that somebody with this code took part and withdrew.
    Deletion can also be asked for later.

    Whoever finished before keeps the completion code.
    """
    locked = participation_lock(participation)
    is_first = locked.state != WITHDRAWN
    if is_first:
        places_return(locked)
        if locked.state == Participation.State.ACTIVE:
            locked.completion_code = completion_code(locked.spec, locked.source, WITHDRAWN)
        locked.state = WITHDRAWN
        locked.finished_at = locked.finished_at or timezone.now()
        locked.save(update_fields=["state", "completion_code", "finished_at"])
    is_deletion = delete and _erase(locked)
    if is_deletion:
        # Earlier reports hold what is deleted here. Should the storage refuse, that is logged and undoes nothing.
        transaction.on_commit(lambda: derived_files_erase(study=locked.study), robust=True)
    if is_first or is_deletion:
        # Without the actor: the log is never erased, and the account is who it was.
        detail = {"participation": locked.code, "deleted": delete}
        audit_write(study=locked.study, actor=None, action="participation_withdrawn", detail=detail)
    participation_reread(participation)


def _erase(participation: Participation) -> bool:
    """Delete what came from or is about the annotator. False: there was nothing left."""
    counts = [
        Response.objects.filter(assignment__participation=participation).erase(),
        participation.assignments.all().delete()[0],
        participation.pages.all().delete()[0],
        participation.findings.all().delete()[0],
        identity_erase(participation),
    ]
    erased = Participation.objects.filter(pk=participation.pk).exclude(excluded_because="", last_seen_at=None)
    counts.append(erased.update(excluded_because="", last_seen_at=None))
    audit_reasons_forget(study=participation.study, code=participation.code)
    return any(counts)


def identity_erase(participation: Participation) -> int:
    """Empty the ids and keep the keyed digest, by which the same person is not let in a second time."""
    return ids_empty(ExternalIdentity.objects.filter(participation=participation))
