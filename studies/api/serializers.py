"""Bodies of requests."""

from typing import Any

from rest_framework import serializers

from studies.models import Response

MOST_ASSIGNMENTS = 20


class NextSerializer(serializers.Serializer[Any]):
    """How many open assignments are asked for."""

    count = serializers.IntegerField(min_value=1, max_value=MOST_ASSIGNMENTS, default=3)


class AnswerSerializer(serializers.Serializer[Any]):
    """An answer. Whether it is offered in this study is the service's matter."""

    uuid = serializers.UUIDField()
    revision = serializers.IntegerField(min_value=1, max_value=1_000_000)
    choice = serializers.ChoiceField(choices=Response.Given.choices)
    rt_ms = serializers.FloatField(min_value=0)
    timing = serializers.DictField(default=dict)
