"""The API that the runner talks to: thin edges over selectors and services."""

from typing import Any, cast

from django.http import Http404
from rest_framework import status
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from studies.api.descriptions import next_assignments_described, response_described
from studies.api.flow_views import hindered
from studies.api.payloads import assignment_payload, trial_settings
from studies.api.permissions import IsAnnotatorOfPage
from studies.api.serializers import AnswerSerializer, NextSerializer
from studies.models import Participation, User
from studies.selectors import participation_find, progress_get, undoable
from studies.selectors_flow import trials_hindrance
from studies.services import (
    InvalidAnswerError,
    Outcome,
    UnknownAssignmentError,
    assignments_draw,
    response_record,
)
from studies.services.flow import participation_visit, trials_settle

STATUS = {
    Outcome.STORED: status.HTTP_201_CREATED,
    Outcome.STORED_BEFORE: status.HTTP_200_OK,
    Outcome.ANSWERED: status.HTTP_409_CONFLICT,
    Outcome.FINAL: status.HTTP_409_CONFLICT,
    Outcome.ENDED: status.HTTP_409_CONFLICT,
}


def next_payload(participation: Participation, count: int) -> dict[str, Any]:
    """Return the annotator's open assignments in order, drawn as needed, and how the runner shows them."""
    spec = participation.spec
    assignments = assignments_draw(participation=participation, count=count)
    if not assignments and participation.state == Participation.State.ACTIVE:
        trials_settle(participation)
    previous = undoable(participation)
    return {
        "assignments": [assignment_payload(assignment, participation) for assignment in assignments],
        "previous": None if previous is None else assignment_payload(previous, participation),
        "settings": trial_settings(spec),
        "progress": progress_get(participation).as_dict(),
        "state": participation.study_state,
    }


class NextAssignmentsView(APIView):
    """POST: the annotator's open assignments in order, drawn as needed; 404 for those who take no part.

    409 with the code `pages_first` before the pages ahead of the trials are completed, and `ended` after the end.
    """

    permission_classes = (IsAuthenticated, IsAnnotatorOfPage)

    @next_assignments_described
    def post(self, request: Request, slug: str) -> Response:
        body = NextSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        participation = participation_find(slug=slug, annotator=cast(User, request.user))
        if participation is None:
            raise Http404
        participation_visit(participation)
        hindrance = trials_hindrance(participation)
        if hindrance is not None:
            return hindered(participation, hindrance)
        return Response(next_payload(participation, body.validated_data["count"]))


class ResponsesView(APIView):
    """POST: records an answer. 201 stored, 200 stored before, 409 conflict, 404 not yours, 400 malformed.

    With `next` in the body the reply also holds what `assignments/next/` would reply for this count, in so far as
    trials are given out.
    """

    permission_classes = (IsAuthenticated, IsAnnotatorOfPage)

    @response_described
    def post(self, request: Request, token: str) -> Response:
        body = AnswerSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        answer = body.validated_data
        count = answer.pop("next")
        try:
            recorded = response_record(annotator=cast(User, request.user), token=token, **answer)
        except UnknownAssignmentError as error:
            raise Http404 from error
        except InvalidAnswerError as error:
            raise ValidationError({field: [message] for field, message in error.errors.items()}) from error
        participation = recorded.participation
        reply: dict[str, Any] = {
            "code": recorded.outcome.value,
            "detail": recorded.outcome.detail,
            "feedback": recorded.feedback,
        }
        if count and trials_hindrance(participation) is None:
            participation_visit(participation)
            reply |= next_payload(participation, count)
        else:
            reply |= {"progress": progress_get(participation).as_dict(), "state": participation.study_state}
        # The draw may have ended it.
        reply["participation_state"] = participation.state
        return Response(reply, status=STATUS[recorded.outcome])
