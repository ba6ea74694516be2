"""Builds as the API takes and shows them."""

from typing import Any

from rest_framework import serializers

from studies.api.research.serializers import PageOf
from studies.api.strict import JsonText, PageQuery, RunConfigText, StrictSerializer
from studies.models import Build

LONGEST_NAME = 200
Text = serializers.CharField
Whole = serializers.IntegerField
Time = serializers.DateTimeField
Number = serializers.FloatField


class BuildsQuery(PageQuery):
    state = serializers.ChoiceField(choices=Build.State.choices, required=False)


class BuildStart(StrictSerializer):
    """A run config. Its relative paths are meant from the workers' folder of data sets."""

    config = RunConfigText(trim_whitespace=False, help_text="TOML (docs/offline.md).")
    file_name = JsonText(
        max_length=LONGEST_NAME, allow_blank=True, default="study.toml", help_text="What messages call the config."
    )


class BuildRetry(StrictSerializer):
    """How to go on: with the config as it was, unless another one is given."""

    config = RunConfigText(trim_whitespace=False, required=False, help_text="TOML; left out: as it was.")


class BuildSerializer(serializers.Serializer[Any]):
    """A build. `error` says what to do about a failure; `study` is the slug of what came of it."""

    key = serializers.UUIDField()
    name = Text(help_text="The slug of the study to be.")
    title = Text()
    owner = Text(source="owner.username", allow_null=True, default=None, help_text="A user name.")
    state = serializers.ChoiceField(choices=Build.State.choices)
    attempt = Whole(help_text="From 1; every retry is another.")
    error = Text(allow_blank=True)
    study = Text(source="study.slug", allow_null=True, default=None)
    requested_at = Time()
    started_at = Time(allow_null=True)
    finished_at = Time(allow_null=True)


class BuildPage(PageOf):
    results = BuildSerializer(many=True)


class ConditionProgressSerializer(serializers.Serializer[Any]):
    """A condition: the step of fine-tuning, scores on the validation images, and its images with maps and scores."""

    name = Text()
    finetuning = Text(source="state")
    step = Whole()
    steps = Whole()
    improved = serializers.BooleanField(allow_null=True)
    before = Number(allow_null=True)
    after = Number(allow_null=True)
    agreement = Number(allow_null=True)
    images_done = Whole()
    images = Whole()


class ProgressSerializer(serializers.Serializer[Any]):
    """How far a build is. An image counts once in each condition."""

    stage = Text()
    fraction = Number(help_text="Of all there is to do, from 0 to 1.")
    conditions_done = Whole()
    conditions = Whole()
    images_done = Whole()
    images = Whole()
    rate = Number(allow_null=True, help_text="Images a second over the last minutes.")
    remaining = Number(allow_null=True, help_text="Seconds.")
    is_stalled = serializers.BooleanField(help_text="Nobody is at work on it.")
    stalled_because = Text(allow_blank=True)
    per_condition = ConditionProgressSerializer(many=True)


class BuildDetailSerializer(BuildSerializer):
    """A build with its config, how far it is, and its bundle's manifest."""

    config = Text()
    file_name = Text()
    manifest = serializers.DictField(help_text="docs/architecture.md; empty before there is a bundle.")
    progress = ProgressSerializer()


class LogQuery(StrictSerializer):
    after = Whole(min_value=0, max_value=2**63 - 1, default=0, help_text="Only lines after the one of this id.")


class LineSerializer(serializers.Serializer[Any]):
    id = Whole(source="pk")
    at = Time()
    worker = Text(allow_blank=True)
    level = Text()
    text = Text()


class LogSerializer(serializers.Serializer[Any]):
    """The last lines of a build's log, the oldest first."""

    lines = LineSerializer(many=True)
