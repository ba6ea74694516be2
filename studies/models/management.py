"""Who runs a study, and what they did to it."""

from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone

from studies.models.answers import AppendOnlyError
from studies.models.materials import Study


class Collaborator(models.Model):
    """A researcher who may see and run a study beside its owner."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="collaborators")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="collaborations")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["study", "user"]
        constraints = [models.UniqueConstraint(fields=["study", "user"], name="collaborator_once_per_study")]

    def __str__(self) -> str:
        return f"{self.user_id} on {self.study_id}"


class AuditEntry(models.Model):
    """One change of a study: who did what, and when. No actor: the command line.

    Rows are only ever added. Where somebody is erased, what tells who they were is taken out (`services.audit`).
    """

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="audit")
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True)
    action = models.CharField(max_length=40)
    detail = models.JSONField(default=dict, blank=True)
    at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name_plural = "audit entries"
        ordering = ["study", "-at", "-pk"]
        indexes = [models.Index(fields=["study", "-at"], name="audit_by_time")]

    def __str__(self) -> str:
        return f"{self.action} ({self.at:%Y-%m-%d %H:%M})"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnlyError("the audit log is append-only")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise AppendOnlyError("the audit log is append-only")
