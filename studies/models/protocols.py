"""Versions of a study's protocol, what annotators did on the pages around the trials, and what rules found."""

from functools import cached_property
from typing import Any

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.utils import timezone

from studies.models.answers import AppendOnlyError, Participation
from studies.models.materials import Study
from studies.protocol.spec import ProtocolSpec


class Protocol(models.Model):
    """One version of how a study is run. Never changed: a change makes the next version."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="protocols")
    version = models.PositiveIntegerField(validators=[MinValueValidator(1)])
    document = models.JSONField()
    source = models.TextField(blank=True, default="", help_text="The TOML text as it was given.")
    reason = models.CharField(max_length=500, blank=True, default="")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["study", "version"]
        constraints = [models.UniqueConstraint(fields=["study", "version"], name="protocol_version_once_per_study")]

    def __str__(self) -> str:
        return f"protocol {self.version} of {self.study_id}"

    @cached_property
    def spec(self) -> ProtocolSpec:
        """The document as a frozen object."""
        return ProtocolSpec.from_document(self.document)


class PageRecord(models.Model):
    """A page that an annotator has completed, with what was entered. Rows are only ever added.

    `text_digest` is the SHA-256 of the Markdown that was shown: which wording was consented to. `shown_seconds` is
    the browser's measure of how long the page was on the screen.
    """

    participation = models.ForeignKey(Participation, on_delete=models.CASCADE, related_name="pages")
    key = models.CharField(max_length=60)
    kind = models.CharField(max_length=20)
    uuid = models.UUIDField(unique=True)
    answers = models.JSONField(default=dict, blank=True)
    text_digest = models.CharField(max_length=64, blank=True, default="")
    shown_seconds = models.FloatField(null=True, blank=True)
    completed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["participation", "completed_at", "pk"]
        constraints = [models.UniqueConstraint(fields=["participation", "key"], name="page_once_per_participation")]

    def __str__(self) -> str:
        return f"{self.key} of {self.participation_id}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnlyError("completed pages are never changed")
        super().save(*args, **kwargs)


class QualityFinding(models.Model):
    """A quality rule of the protocol that an annotator does not meet. At most one for each rule."""

    class Action(models.TextChoices):
        FLAG = "flag"
        EXCLUDE = "exclude"

    participation = models.ForeignKey(Participation, on_delete=models.CASCADE, related_name="findings")
    rule = models.CharField(max_length=40)
    value = models.FloatField()
    limit = models.FloatField()
    action = models.CharField(max_length=10, choices=Action.choices)
    found_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["participation", "rule"]
        constraints = [models.UniqueConstraint(fields=["participation", "rule"], name="finding_once_per_rule")]

    def __str__(self) -> str:
        return f"{self.rule}: {self.value:g} against {self.limit:g}"
