"""What comes about while annotators work: participations, assignments and responses."""

import secrets
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.utils import timezone

from studies.models.materials import Study, Trial
from studies.models.users import User


class Participation(models.Model):
    """A user's part in a study. The code (`A01`) stands for the annotator in reports and exports.

    `is_exhausted` says that the last draw found no more trials for this annotator. Places may have come free since.
    """

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="participations")
    annotator = models.ForeignKey(User, on_delete=models.PROTECT, related_name="participations")
    code = models.CharField(max_length=40)
    is_exhausted = models.BooleanField(default=False, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["study", "code"]
        constraints = [
            models.UniqueConstraint(fields=["study", "annotator"], name="participation_once_per_annotator"),
            models.UniqueConstraint(fields=["study", "code"], name="participation_code_once_per_study"),
        ]

    def __str__(self) -> str:
        return self.code

    def clean(self) -> None:
        """Refuse, in forms, to enrol people in a study whose annotators are simulated."""
        study = Study.objects.filter(pk=self.study_id).first()
        if study is not None and study.is_simulated:
            raise ValidationError({"study": "The annotators of this study are simulated; people cannot take part."})


def new_token() -> str:
    """Return 32 URL-safe characters that cannot be guessed (192 random bits)."""
    return secrets.token_urlsafe(24)


class Assignment(models.Model):
    """A trial given to an annotator. `side` says where the finetuned map is; it is drawn once.

    `revision` is the highest revision among the responses, 0 before the first one.
    """

    class Side(models.TextChoices):
        LEFT = "left"
        RIGHT = "right"

    class State(models.TextChoices):
        LIVE = "live"
        ANSWERED = "answered"
        RELEASED = "released", "released to the pool"

    participation = models.ForeignKey(Participation, on_delete=models.CASCADE, related_name="assignments")
    trial = models.ForeignKey(Trial, on_delete=models.CASCADE, related_name="assignments")
    position = models.PositiveIntegerField(validators=[MinValueValidator(1)])
    side = models.CharField(max_length=5, choices=Side.choices)
    token = models.CharField(max_length=40, unique=True, default=new_token, editable=False)
    state = models.CharField(max_length=10, choices=State.choices, default=State.LIVE)
    revision = models.PositiveIntegerField(default=0)
    issued_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["participation", "position"]
        constraints = [
            models.UniqueConstraint(fields=["participation", "trial"], name="assignment_trial_once_per_annotator"),
            models.UniqueConstraint(fields=["participation", "position"], name="assignment_one_per_position"),
            models.CheckConstraint(condition=models.Q(side__in=["left", "right"]), name="assignment_side_is_known"),
            models.CheckConstraint(
                condition=models.Q(state__in=["live", "answered", "released"]), name="assignment_state_is_known"
            ),
            models.CheckConstraint(
                condition=models.Q(state="answered", revision__gte=1, answered_at__isnull=False)
                | (~models.Q(state="answered") & models.Q(revision=0, answered_at__isnull=True)),
                name="assignment_answered_has_a_revision",
            ),
        ]
        indexes = [
            models.Index(fields=["participation", "state", "position"], name="assignment_by_place"),
            models.Index(fields=["participation", "-answered_at"], name="assignment_by_answer"),
            models.Index(fields=["expires_at"], condition=models.Q(state="live"), name="assignment_live_by_expiry"),
        ]

    def __str__(self) -> str:
        return f"assignment {self.pk}"


class AppendOnlyError(TypeError):
    """A response was to be changed or deleted."""


class ResponseQuerySet(models.QuerySet["Response"]):
    """Responses that can be read and added, never changed or deleted."""

    def update(self, **kwargs: Any) -> int:
        raise AppendOnlyError("responses are append-only: add a new revision instead of changing one")

    def delete(self) -> tuple[int, dict[str, int]]:
        raise AppendOnlyError("responses are append-only and cannot be deleted")


class Response(models.Model):
    """The answer to an assignment. Rows are only ever added; the highest revision of an assignment counts.

    `given` is the slot the annotator chose, `choice` what it stands for. `rt_ms` is the reaction time in milliseconds.
    """

    class Given(models.TextChoices):
        LEFT = "left"
        RIGHT = "right"
        NEITHER = "neither"

    class Choice(models.TextChoices):
        ORIGINAL = "original"
        FINETUNED = "finetuned"
        NEITHER = "neither"

    assignment = models.ForeignKey(Assignment, on_delete=models.PROTECT, related_name="responses")
    revision = models.PositiveIntegerField(validators=[MinValueValidator(1)])
    uuid = models.UUIDField(unique=True)
    given = models.CharField(max_length=10, choices=Given.choices)
    choice = models.CharField(max_length=10, choices=Choice.choices)
    rt_ms = models.FloatField()
    timing = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects = ResponseQuerySet.as_manager()

    class Meta:
        ordering = ["assignment", "revision"]
        constraints = [
            models.UniqueConstraint(fields=["assignment", "revision"], name="response_once_per_revision"),
            models.CheckConstraint(condition=models.Q(revision__gte=1), name="response_revision_from_one"),
            models.CheckConstraint(condition=models.Q(rt_ms__gte=0), name="response_time_not_negative"),
            models.CheckConstraint(
                condition=models.Q(given__in=["left", "right", "neither"])
                & models.Q(choice__in=["original", "finetuned", "neither"]),
                name="response_choice_is_known",
            ),
        ]

    def __str__(self) -> str:
        return f"response {self.uuid}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnlyError("responses are append-only: add a new revision instead of changing one")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise AppendOnlyError("responses are append-only and cannot be deleted")
