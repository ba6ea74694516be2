"""How people come to a study, and who they are to those who sent them. Kept apart from what they answer."""

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.utils import timezone

from studies.models.answers import Participation, new_token
from studies.models.materials import Study


class Link(models.Model):
    """An address that lets people into a study. An invitation is for one person; a test link makes no data that counts.

    Whoever holds an invitation goes on with it where they stopped, also on another device.
    """

    class Kind(models.TextChoices):
        INVITATION = "invitation"
        OPEN = "open"
        TEST = "test"

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="links")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    token = models.CharField(max_length=40, unique=True, default=new_token, editable=False)
    label = models.CharField(max_length=100, blank=True, default="")
    quota = models.PositiveIntegerField(null=True, blank=True, validators=[MinValueValidator(1)])
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["study", "-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(kind="invitation") | models.Q(quota=1), name="link_invitation_is_for_one"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} link {self.pk}"


class LinkUse(models.Model):
    """Which participation came by which link. `number` counts from 1, so that the database holds the quota."""

    link = models.ForeignKey(Link, on_delete=models.PROTECT, related_name="uses")
    participation = models.OneToOneField(Participation, on_delete=models.CASCADE, related_name="link_use")
    number = models.PositiveIntegerField(validators=[MinValueValidator(1)])

    class Meta:
        ordering = ["link", "number"]
        constraints = [models.UniqueConstraint(fields=["link", "number"], name="link_use_once_per_number")]

    def __str__(self) -> str:
        return f"use {self.number} of link {self.link_id}"


class ExternalIdentity(models.Model):
    """Who a participation is at a recruitment service. Erasing empties the ids and keeps the keyed digest.

    `digest` is an HMAC of service, study and id under the site's secret key: it tells whether an id has taken part
    before, and tells nobody the id.
    """

    class Service(models.TextChoices):
        PROLIFIC = "prolific", "Prolific"

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="identities")
    participation = models.OneToOneField(Participation, on_delete=models.CASCADE, related_name="identity")
    service = models.CharField(max_length=20, choices=Service.choices)
    digest = models.CharField(max_length=64)
    external_id = models.CharField(max_length=100, blank=True, default="")
    external_study = models.CharField(max_length=100, blank=True, default="")
    external_session = models.CharField(max_length=100, blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    erased_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "external identities"
        constraints = [
            models.UniqueConstraint(fields=["study", "service", "digest"], name="identity_once_per_study"),
        ]

    def __str__(self) -> str:
        return f"{self.service} identity {self.pk}"
