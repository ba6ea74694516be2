"""The audit log: who changed what in a study."""

from collections.abc import Mapping
from typing import Any

from studies.models import AuditEntry, Study, User


def audit_write(
    *, study: Study, actor: User | None, action: str, detail: Mapping[str, Any] | None = None
) -> AuditEntry:
    """Add an entry to the study's audit log; no actor means the command line.

    Call it in the transaction that makes the change, so that neither stands without the other. `action` is a short
    name such as `state_changed`; `detail` is stored as JSON and holds no personal data, as the log is never erased.
    """
    return AuditEntry.objects.create(study=study, actor=actor, action=action, detail=dict(detail or {}))
