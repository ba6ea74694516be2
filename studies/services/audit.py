"""The audit log: who changed what in a study."""

from collections.abc import Collection, Mapping
from typing import Any

from django.db.models import Q

from studies.models import AuditEntry, Study, User

ERASED = "erased"
NAMING = ("collaborator_added", "collaborator_removed", "owner_changed")
"""Entries whose detail names researchers."""


def audit_write(
    *, study: Study, actor: User | None, action: str, detail: Mapping[str, Any] | None = None
) -> AuditEntry:
    """Add an entry to the study's audit log; no actor means the command line.

    Call it in the transaction that makes the change, so that neither stands without the other. `action` is a short
    name such as `state_changed`; `detail` is stored as JSON and holds no personal data of annotators.
    """
    return AuditEntry.objects.create(study=study, actor=actor, action=action, detail=dict(detail or {}))


def audit_names_forget(*, usernames: Collection[str]) -> None:
    """Take the names of people who are erased out of the entries that say who ran a study.

    This and the next are the only changes that entries ever see.
    """
    named = Q(detail__user__in=usernames) | Q(detail__to__in=usernames) | Q(detail__from__in=usernames)
    for entry in AuditEntry.objects.filter(named, action__in=NAMING):
        _change(entry, {key: ERASED if value in usernames else value for key, value in entry.detail.items()})


def audit_reasons_forget(*, study: Study, code: str) -> None:
    """Empty why an annotator was excluded, which somebody wrote in their own words."""
    excluded = AuditEntry.objects.filter(study=study, action="participation_excluded", detail__participation=code)
    for entry in excluded:
        _change(entry, {**entry.detail, "because": ""})


def _change(entry: AuditEntry, detail: Mapping[str, Any]) -> None:
    AuditEntry.objects.filter(pk=entry.pk).update(detail=detail)
