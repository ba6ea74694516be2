"""What a bundle brings: the study, its pictures, conditions, images, pairs and trials. All have natural keys."""

from typing import ClassVar

from django.conf import settings
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.utils import timezone

from studies.protocol.spec import ProtocolSpec, TrialSettings

SHA256 = RegexValidator(r"^[0-9a-f]{64}\Z", "a digest is 64 hexadecimal digits (SHA-256)")


class Fixed(models.Model):
    """A model whose rows come from a fixture, with a few fields that only the running site writes.

    Loading a fixture over existing rows leaves those fields (`bookkeeping`) as they are (see `fixtures.py`).
    """

    bookkeeping: ClassVar[frozenset[str]] = frozenset()

    class Meta:
        abstract = True

    @classmethod
    def bookkeeping_columns(cls) -> list[str]:
        """Return the names of the attributes that hold the bookkeeping, keys of other rows as `..._id`."""
        return [field.attname for field in cls._meta.local_concrete_fields if field.name in cls.bookkeeping]


class StudyManager(models.Manager["Study"]):
    def get_by_natural_key(self, slug: str) -> "Study":
        return self.get(slug=slug)


class Study(Fixed):
    """A question put to annotators about pairs of attribution maps."""

    class State(models.TextChoices):
        OPEN = "open"
        PAUSED = "paused"
        CLOSED = "closed"

    bookkeeping = frozenset(
        {"state", "is_simulated", "is_imported", "copied_from", "bundle_digest", "created_at", "owner", "archived_at"}
    )

    slug = models.SlugField(max_length=100, unique=True)
    title = models.CharField(max_length=200)
    question = models.CharField(max_length=500)
    seed = models.BigIntegerField(default=0)
    annotators_per_trial = models.PositiveIntegerField(default=1, validators=[MinValueValidator(1)])
    trials_per_annotator = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)], help_text="Empty: all trials."
    )
    allow_undo = models.BooleanField(default=False)
    offer_neither = models.BooleanField(default=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    is_simulated = models.BooleanField(default=False, help_text="The answers come from simulated annotators.")
    is_imported = models.BooleanField(
        default=False, editable=False, help_text="The answers were given elsewhere; nobody takes part here."
    )
    copied_from = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="copies")
    bundle_digest = models.CharField(max_length=64, blank=True, default="", editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="owned_studies"
    )
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = StudyManager()

    class Meta:
        verbose_name_plural = "studies"
        ordering = ["slug"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(annotators_per_trial__gte=1), name="study_wants_at_least_one_annotator"
            ),
            models.CheckConstraint(
                condition=models.Q(trials_per_annotator__isnull=True) | models.Q(trials_per_annotator__gte=1),
                name="study_gives_at_least_one_trial",
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=["open", "paused", "closed"]), name="study_state_is_known"
            ),
            models.CheckConstraint(
                condition=models.Q(is_imported=False) | models.Q(state="closed"), name="study_imported_is_closed"
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def plain_spec(self) -> ProtocolSpec:
        """How the study is run without a protocol: its trials alone, as its own columns say."""
        return ProtocolSpec(
            trials=TrialSettings(
                annotators_per_trial=self.annotators_per_trial,
                per_annotator=self.trials_per_annotator,
                ties="neither" if self.offer_neither else "none",
                undo=self.allow_undo,
            )
        )

    @property
    def has_responses(self) -> bool:
        """Whether anyone has answered a trial: from then on the protocol and the trials are fixed. One query.

        Previews do not count: researchers try a study before they settle how it is run.
        """
        return self.participations.filter(assignments__revision__gte=1, is_preview=False).exists()

    def natural_key(self) -> tuple[str]:
        return (self.slug,)


class PictureManager(models.Manager["Picture"]):
    def get_by_natural_key(self, digest: str) -> "Picture":
        return self.get(digest=digest)


class Picture(models.Model):
    """A PNG in the storage, named by the SHA-256 of its bytes. Width and height are in pixels."""

    digest = models.CharField(max_length=64, unique=True, validators=[SHA256])
    width = models.PositiveIntegerField(validators=[MinValueValidator(1)])
    height = models.PositiveIntegerField(validators=[MinValueValidator(1)])

    objects = PictureManager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(width__gte=1) & models.Q(height__gte=1), name="picture_has_an_area"
            ),
        ]

    def __str__(self) -> str:
        return self.digest[:12]

    def natural_key(self) -> tuple[str]:
        return (self.digest,)

    @property
    def path(self) -> str:
        """The name in the storage."""
        return self.path_of(self.digest)

    @staticmethod
    def path_of(digest: str) -> str:
        return f"pictures/{digest}.png"


class ConditionManager(models.Manager["Condition"]):
    def get_by_natural_key(self, study: str, dataset: str, metric: str, network: str, attributor: str) -> "Condition":
        return self.get(study__slug=study, dataset=dataset, metric=metric, network=network, attributor=attributor)


class Condition(models.Model):
    """One cell of a study: dataset x metric x network x attributor, by their display names."""

    class Direction(models.TextChoices):
        HIGHER = "higher", "higher is better"
        LOWER = "lower", "lower is better"

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="conditions")
    dataset = models.CharField(max_length=100)
    metric = models.CharField(max_length=100)
    network = models.CharField(max_length=100)
    attributor = models.CharField(max_length=100)
    direction = models.CharField(max_length=6, choices=Direction.choices)
    improved = models.BooleanField(help_text="Fine-tuning improved the metric.")
    summary = models.JSONField(default=dict, blank=True)

    objects = ConditionManager()

    class Meta:
        ordering = ["study", "dataset", "metric", "network", "attributor"]
        constraints = [
            models.UniqueConstraint(
                fields=["study", "dataset", "metric", "network", "attributor"], name="condition_once_per_study"
            ),
            models.CheckConstraint(
                condition=models.Q(direction__in=["higher", "lower"]), name="condition_direction_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.dataset} / {self.metric} / {self.network} / {self.attributor}"

    def natural_key(self) -> tuple[str, str, str, str, str]:
        return (*self.study.natural_key(), self.dataset, self.metric, self.network, self.attributor)

    natural_key.dependencies = ["studies.study"]  # type: ignore[attr-defined]


class ImageManager(models.Manager["Image"]):
    def get_by_natural_key(self, study: str, name: str) -> "Image":
        return self.get(study__slug=study, name=name)


class Image(models.Model):
    """An image whose attribution maps are shown; `label` is the name of its class."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="images")
    name = models.CharField(max_length=255)
    picture = models.ForeignKey(Picture, on_delete=models.PROTECT, related_name="images")
    label = models.CharField(max_length=200)

    objects = ImageManager()

    class Meta:
        ordering = ["study", "name"]
        constraints = [models.UniqueConstraint(fields=["study", "name"], name="image_once_per_study")]

    def __str__(self) -> str:
        return self.name

    def natural_key(self) -> tuple[str, str]:
        return (*self.study.natural_key(), self.name)

    natural_key.dependencies = ["studies.study", "studies.picture"]  # type: ignore[attr-defined]


class PairManager(models.Manager["Pair"]):
    def get_by_natural_key(
        self, study: str, dataset: str, metric: str, network: str, attributor: str, image: str
    ) -> "Pair":
        return self.get(
            condition__study__slug=study,
            condition__dataset=dataset,
            condition__metric=metric,
            condition__network=network,
            condition__attributor=attributor,
            image__name=image,
        )


class Pair(models.Model):
    """The original and the finetuned map of one image in one condition, with both scores (null: undefined)."""

    condition = models.ForeignKey(Condition, on_delete=models.CASCADE, related_name="pairs")
    image = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="pairs")
    original = models.ForeignKey(Picture, on_delete=models.PROTECT, related_name="pairs_as_original")
    finetuned = models.ForeignKey(Picture, on_delete=models.PROTECT, related_name="pairs_as_finetuned")
    score_original = models.FloatField(null=True, blank=True)
    score_finetuned = models.FloatField(null=True, blank=True)
    target = models.CharField(max_length=200)
    prediction_original = models.CharField(max_length=200)
    prediction_finetuned = models.CharField(max_length=200)
    confidence_original = models.FloatField()
    confidence_finetuned = models.FloatField()

    objects = PairManager()

    class Meta:
        ordering = ["condition", "image"]
        constraints = [models.UniqueConstraint(fields=["condition", "image"], name="pair_once_per_condition")]

    def __str__(self) -> str:
        return f"pair {self.pk}"

    def natural_key(self) -> tuple[str, ...]:
        return (*self.condition.natural_key(), self.image.name)

    natural_key.dependencies = [  # type: ignore[attr-defined]
        "studies.condition",
        "studies.image",
        "studies.picture",
    ]


class TrialManager(models.Manager["Trial"]):
    def get_by_natural_key(self, study: str, key: str) -> "Trial":
        return self.get(study__slug=study, key=key)


class Trial(Fixed):
    """One question about one pair. `assigned` counts the assignments that hold one of its wanted places.

    Catch and practice trials are made by a protocol from the study's own pairs. `expected` is their right answer, and
    `decoy`, where there is one, is shown in place of the map that is not expected.
    """

    class Kind(models.TextChoices):
        MAIN = "main"
        CATCH = "catch"
        PRACTICE = "practice"

    bookkeeping = frozenset({"assigned", "expected", "decoy", "feedback", "is_retired"})

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="trials")
    key = models.CharField(max_length=200)
    pair = models.ForeignKey(Pair, on_delete=models.CASCADE, related_name="trials")
    trial_type = models.CharField(max_length=40, default="forced_choice")
    kind = models.CharField(max_length=20, choices=Kind.choices, default=Kind.MAIN)
    assigned = models.PositiveIntegerField(default=0, editable=False)
    expected = models.CharField(max_length=10, blank=True, default="", editable=False)
    decoy = models.ForeignKey(
        Picture, on_delete=models.PROTECT, null=True, blank=True, related_name="decoys", editable=False
    )
    feedback = models.TextField(blank=True, default="", editable=False)
    is_retired = models.BooleanField(default=False, editable=False, help_text="Of an earlier version of the protocol.")

    objects = TrialManager()

    class Meta:
        ordering = ["study", "key"]
        constraints = [
            models.UniqueConstraint(fields=["study", "key"], name="trial_once_per_study"),
            models.CheckConstraint(
                condition=models.Q(kind__in=["main", "catch", "practice"]), name="trial_kind_is_known"
            ),
            models.CheckConstraint(
                condition=models.Q(kind="main", expected="", decoy__isnull=True)
                | (~models.Q(kind="main") & models.Q(expected__in=["original", "finetuned", "neither"])),
                name="trial_only_known_ones_have_an_answer",
            ),
        ]
        indexes = [models.Index(fields=["study", "assigned"], name="trial_by_fill")]

    def __str__(self) -> str:
        return self.key

    def natural_key(self) -> tuple[str, str]:
        return (*self.study.natural_key(), self.key)

    natural_key.dependencies = ["studies.pair"]  # type: ignore[attr-defined]
