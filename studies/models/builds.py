"""Builds: bundles that are made in the background, step by step, and loaded as studies."""

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from studies.models.materials import Study


class Build(models.Model):
    """One run config on its way to a study.

    `config` is TOML. Its relative paths are meant from `base` (on the machines that compute), or from those machines'
    folder of data sets where it is empty. A config that is not `trusted` may read nothing outside that folder and name
    no code. `plan` is what the first step found; `manifest` the bundle's. Every retry is another `attempt`, which goes
    on from what is finished. `host`, `pid` and `seen_at` are of the local process, where one does the build.
    """

    class State(models.TextChoices):
        QUEUED = "queued", _("queued")
        RUNNING = "running", _("running")
        IMPORTING = "importing", _("importing")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="builds"
    )
    name = models.CharField(max_length=50)
    title = models.TextField()
    config = models.TextField()
    file_name = models.CharField(max_length=200)
    base = models.TextField(blank=True)
    trusted = models.BooleanField(default=False)
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    attempt = models.PositiveIntegerField(default=1)
    plan = models.JSONField(default=dict, blank=True)
    manifest = models.JSONField(default=dict, blank=True)
    error = models.TextField(blank=True)
    study = models.ForeignKey(Study, on_delete=models.SET_NULL, null=True, blank=True, related_name="builds")
    host = models.CharField(max_length=255, blank=True)
    pid = models.PositiveIntegerField(null=True, blank=True)
    seen_at = models.DateTimeField(null=True, blank=True)
    requested_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-requested_at", "-pk"]
        indexes = [models.Index(fields=["state", "-requested_at"], name="build_by_state")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state__in=["queued", "running", "importing", "done", "failed", "cancelled"]),
                name="build_state_known",
            ),
            models.CheckConstraint(condition=models.Q(attempt__gte=1), name="build_attempt_from_1"),
            # Two builds of one study would take turns in replacing it.
            models.UniqueConstraint(
                fields=["name"],
                condition=models.Q(state__in=["queued", "running", "importing"]),
                name="build_under_way_once_per_study",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.state})"

    @property
    def is_under_way(self) -> bool:
        return self.state in UNDER_WAY


UNDER_WAY = (Build.State.QUEUED, Build.State.RUNNING, Build.State.IMPORTING)


class BuildStep(models.Model):
    """One task of an attempt.

    `name` tells it from the others of its attempt, `output` is what it leaves in the shared storage: where that is, the
    step is done, whoever did it. `arguments` are the task's, `images` how many it is about, `losses` how often whoever
    did it went silent, `failures` how often it failed in a way that may pass.
    """

    class Kind(models.TextChoices):
        PLAN = "plan", _("checking")
        FINETUNE = "finetune", _("fine-tuning")
        CHUNK = "chunk", _("maps and scores")
        MERGE = "merge", _("bundle")
        IMPORT = "import", _("import")

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        SENT = "sent", _("queued")
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")

    build = models.ForeignKey(Build, on_delete=models.CASCADE, related_name="steps")
    attempt = models.PositiveIntegerField()
    kind = models.CharField(max_length=10, choices=Kind.choices)
    name = models.CharField(max_length=200)
    condition = models.CharField(max_length=200, blank=True)
    arguments = models.JSONField(default=dict, blank=True)
    output = models.CharField(max_length=300)
    images = models.PositiveIntegerField(default=0)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    losses = models.PositiveSmallIntegerField(default=0)
    failures = models.PositiveSmallIntegerField(default=0)
    worker = models.CharField(max_length=255, blank=True)
    what = models.CharField(max_length=300, blank=True)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True)
    not_before = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    seen_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    seconds = models.FloatField(null=True, blank=True)

    class Meta:
        ordering = ["build", "attempt", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["build", "attempt", "name"], name="build_step_once_per_attempt"),
        ]
        indexes = [models.Index(fields=["build", "attempt", "state"], name="build_step_by_state")]

    def __str__(self) -> str:
        return f"{self.name} ({self.state})"


class BuildLine(models.Model):
    """A line of a build's log; the oldest go where there are too many."""

    build = models.ForeignKey(Build, on_delete=models.CASCADE, related_name="lines")
    at = models.DateTimeField(default=timezone.now)
    worker = models.CharField(max_length=255, blank=True)
    level = models.CharField(max_length=10, default="info")
    text = models.TextField()

    class Meta:
        ordering = ["build", "pk"]

    def __str__(self) -> str:
        return self.text
