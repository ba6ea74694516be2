"""Erasing who participations are at a recruitment service."""

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from studies.models import ExternalIdentity, Study, User
from studies.services.audit import audit_write


@transaction.atomic
def identities_erase(*, study: Study, actor: User | None = None, codes: list[str] | None = None) -> int:
    """Empty the ids of a study's people, or of those with these codes; returns how many were there.

    The keyed digest stays, by which the same person is not let in a second time.
    """
    identities = ExternalIdentity.objects.filter(study=study, erased_at=None)
    if codes is not None:
        identities = identities.filter(participation__code__in=codes)
    erased = ids_empty(identities)
    if erased:
        audit_write(study=study, actor=actor, action="identities_erased", detail={"count": erased})
    return erased


def ids_empty(identities: QuerySet[ExternalIdentity]) -> int:
    """Empty the ids of those that are not erased yet; returns how many there were."""
    return identities.filter(erased_at=None).update(
        external_id="", external_study="", external_session="", erased_at=timezone.now()
    )
