"""Who owns a study, and who runs it with the owner."""

from django.db import transaction
from django.utils.translation import gettext as _

from studies.models import Collaborator, Study, User
from studies.roles import is_researcher
from studies.services.audit import audit_write
from studies.services.lifecycle import study_lock


class CollaborationError(ValueError):
    """The people cannot be changed as asked; nothing was written."""


def _researcher(username: str) -> User:
    user = User.objects.filter(username=username.strip()).first()
    # One answer for both: it should not tell which names annotators have.
    if user is None or not is_researcher(user):
        raise CollaborationError(_("There is no researcher of the name “{name}”.").format(name=username.strip()))
    return user


@transaction.atomic
def collaborator_add(*, study: Study, username: str, actor: User | None) -> Collaborator:
    """Let another researcher see and run the study; one who may already stays as they are.

    Raises CollaborationError for a name that no researcher has and for the owner, ArchivedStudyError.
    """
    locked = study_lock(study)
    user = _researcher(username)
    if user.pk == locked.owner_id:
        raise CollaborationError(_("{name} owns the study already.").format(name=user.username))
    collaborator, is_new = Collaborator.objects.get_or_create(study=locked, user=user)
    if is_new:
        audit_write(study=locked, actor=actor, action="collaborator_added", detail={"user": user.username})
    return collaborator


@transaction.atomic
def collaborator_remove(*, study: Study, username: str, actor: User | None) -> bool:
    """Take the study from a collaborator; returns whether they were one. Raises ArchivedStudyError."""
    locked = study_lock(study)
    removed, _rows = Collaborator.objects.filter(study=locked, user__username=username).delete()
    if removed:
        audit_write(study=locked, actor=actor, action="collaborator_removed", detail={"user": username})
    return bool(removed)


@transaction.atomic
def owner_set(*, study: Study, username: str, actor: User | None) -> Study:
    """Hand the study over to another researcher; the owner until then stays as a collaborator.

    Raises CollaborationError for a name that no researcher has, ArchivedStudyError.
    """
    locked = study_lock(study)
    user = _researcher(username)
    before = locked.owner
    if before is not None and before.pk == user.pk:
        return locked
    locked.owner = user
    locked.save(update_fields=["owner"])
    Collaborator.objects.filter(study=locked, user=user).delete()
    if before is not None:
        Collaborator.objects.get_or_create(study=locked, user=before)
    detail = {"from": None if before is None else before.username, "to": user.username}
    audit_write(study=locked, actor=actor, action="owner_changed", detail=detail)
    return locked
