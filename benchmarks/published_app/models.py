"""Examples in groups of four names, and votes on them. Nothing is unique."""

from django.conf import settings
from django.db import models


class Named(models.Model):
    """A part of a group's address."""

    name = models.CharField(max_length=128)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name


class Dataset(Named):
    """Where the images are from."""


class Experiment(Named):
    """The metric."""


class Network(Named):
    """The classifier."""


class Method(Named):
    """What made the maps."""


class Example(models.Model):
    """An image with its two maps, as names of files."""

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE)
    experiment = models.ForeignKey(Experiment, on_delete=models.CASCADE)
    network = models.ForeignKey(Network, on_delete=models.CASCADE)
    method = models.ForeignKey(Method, on_delete=models.CASCADE)
    prediction = models.CharField(max_length=512)
    image = models.CharField(max_length=512)
    original = models.CharField(max_length=512)
    finetuned = models.CharField(max_length=512)

    def __str__(self) -> str:
        return f"example {self.pk}"


class Vote(models.Model):
    """Someone's choice."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    example = models.ForeignKey(Example, on_delete=models.CASCADE)
    choice = models.CharField(max_length=128)

    def __str__(self) -> str:
        return f"vote {self.pk}"
