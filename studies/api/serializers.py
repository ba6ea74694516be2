"""Bodies of requests."""

from typing import Any

from rest_framework import serializers

from studies.models import Response

MOST_ASSIGNMENTS = 20


class NextSerializer(serializers.Serializer[Any]):
    """How many open assignments are asked for."""

    count = serializers.IntegerField(min_value=1, max_value=MOST_ASSIGNMENTS, default=3)


class AnswerSerializer(serializers.Serializer[Any]):
    """An answer. Whether it is offered in this study is the service's matter.

    `next` asks for this many open assignments in the same reply.
    """

    uuid = serializers.UUIDField()
    revision = serializers.IntegerField(min_value=1, max_value=1_000_000)
    choice = serializers.ChoiceField(choices=Response.Given.choices)
    rt_ms = serializers.FloatField(min_value=0)
    timing = serializers.DictField(default=dict)
    confidence = serializers.IntegerField(allow_null=True, default=None)
    reason = serializers.CharField(allow_blank=True, default="", trim_whitespace=False)
    next = serializers.IntegerField(min_value=0, max_value=MOST_ASSIGNMENTS, default=0)
