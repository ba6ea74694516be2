"""What the annotators' API takes and replies, for its description. Nothing at run time depends on it."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers

from studies.api.flow_serializers import PageSerializer, WithdrawalSerializer
from studies.api.serializers import AnswerSerializer, NextSerializer
from studies.models import Participation, Study

Text = serializers.CharField
Whole = serializers.IntegerField


class AssignmentShown(serializers.Serializer[Any]):
    token = Text()
    position = Whole()
    trial_type = Text()
    question = Text()
    prediction = Text()
    options = serializers.ListField(child=Text())
    revision = Whole(help_text="The one that the next answer has.")
    pictures = serializers.DictField(child=Text(), help_text="Addresses by slot.")


class ProgressShown(serializers.Serializer[Any]):
    answered = Whole()
    total = Whole()


class SettingsShown(serializers.Serializer[Any]):
    """How trials are shown, the same for all of a protocol."""

    ties = Text()
    confidence = Whole()
    reason = serializers.BooleanField()
    undo = serializers.BooleanField()
    break_every = Whole(allow_null=True)
    show_for_ms = Whole(allow_null=True)
    least_ms = Whole()
    most_ms = Whole(allow_null=True)
    overlay_controls = serializers.BooleanField()


class StateShown(serializers.Serializer[Any]):
    progress = ProgressShown()
    state = serializers.ChoiceField(choices=Study.State.choices)


class TrialsShown(StateShown):
    assignments = AssignmentShown(many=True)
    previous = AssignmentShown(allow_null=True, help_text="The last answered one, where it may be undone.")
    settings = SettingsShown()


class FeedbackShown(serializers.Serializer[Any]):
    correct = serializers.BooleanField()
    text = Text(allow_blank=True)


class RecordedShown(StateShown):
    """With `next` in the request, also what `assignments/next/` replies."""

    code = Text()
    detail = Text(allow_blank=True)
    feedback = FeedbackShown(allow_null=True, help_text="Of practice trials.")
    assignments = AssignmentShown(many=True, required=False)
    previous = AssignmentShown(allow_null=True, required=False)
    settings = SettingsShown(required=False)


class HinderedShown(serializers.Serializer[Any]):
    """No trials are given out: `pages_first` or `ended`."""

    code = Text()
    detail = Text()
    state = serializers.ChoiceField(choices=Study.State.choices)
    participation_state = serializers.ChoiceField(choices=Participation.State.choices)


class PlaceShown(serializers.Serializer[Any]):
    index = Whole()
    of = Whole()


class StepShown(StateShown):
    """The next step: a `page`, a `practice`, `trials`, or `finished`."""

    step = serializers.DictField()
    place = PlaceShown()
    participation_state = serializers.ChoiceField(choices=Participation.State.choices)


class StepAfter(StepShown):
    code = Text()
    detail = Text(required=False, allow_blank=True)


next_step_described = extend_schema(operation_id="steps_next", request=None, responses=StepShown)
page_described = extend_schema(
    operation_id="page_complete", request=PageSerializer, responses={200: StepAfter, 201: StepAfter, 409: StepAfter}
)
withdrawal_described = extend_schema(operation_id="withdraw", request=WithdrawalSerializer, responses=StepAfter)
next_assignments_described = extend_schema(
    operation_id="assignments_next", request=NextSerializer, responses={200: TrialsShown, 409: HinderedShown}
)
response_described = extend_schema(
    operation_id="responses_record",
    request=AnswerSerializer,
    responses={200: RecordedShown, 201: RecordedShown, 409: RecordedShown},
)
