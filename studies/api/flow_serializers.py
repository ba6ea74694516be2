"""Bodies of requests about steps and pages."""

from typing import Any

from rest_framework import serializers


class PageSerializer(serializers.Serializer[Any]):
    """A completed page. Whether its answers are allowed is the service's matter."""

    uuid = serializers.UUIDField()
    answers = serializers.DictField(default=dict)
    digest = serializers.CharField(max_length=64, allow_blank=True, default="", trim_whitespace=False)
    shown_seconds = serializers.FloatField(min_value=0, allow_null=True, default=None)


class WithdrawalSerializer(serializers.Serializer[Any]):
    """Whether the answers are to be deleted."""

    delete = serializers.BooleanField(default=False)
