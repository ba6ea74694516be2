"""The API of the pages around the trials: thin edges over the services."""

from collections.abc import Mapping
from typing import Any, cast

from django.http import Http404
from rest_framework import status
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from studies.api.descriptions import next_step_described, page_described, withdrawal_described
from studies.api.flow_payloads import flow_payload
from studies.api.flow_serializers import PageSerializer, WithdrawalSerializer
from studies.api.permissions import IsAnnotatorOfPage
from studies.language import use_language
from studies.models import Participation, User
from studies.selectors import participation_find
from studies.selectors_flow import Hindrance
from studies.services.flow import flow_advance, participation_visit
from studies.services.page_answers import InvalidPageError
from studies.services.pages import PageOutcome, UnknownPageError, page_complete
from studies.services.withdrawal import participation_withdraw

STATUS = {
    PageOutcome.STORED: status.HTTP_201_CREATED,
    PageOutcome.STORED_BEFORE: status.HTTP_200_OK,
}


def hindered(participation: Participation, hindrance: Hindrance) -> Response:
    """Reply (409) that no trials are given out, and why; the next step says what comes instead."""
    body = {
        "code": hindrance.value,
        "detail": hindrance.detail,
        "state": participation.study_state,
        "participation_state": participation.state,
    }
    return Response(body, status=status.HTTP_409_CONFLICT)


def in_lists(errors: Mapping[str, Any]) -> dict[str, Any]:
    """Return errors by field, and by field within a field, each as a list of messages, as everywhere in the API."""
    return {name: in_lists(what) if isinstance(what, Mapping) else [what] for name, what in errors.items()}


class FlowView(APIView):
    """What the views have in common: for those who take part, in the language of their protocol."""

    permission_classes = (IsAuthenticated, IsAnnotatorOfPage)

    def participation(self, request: Request, slug: str) -> Participation:
        """Return the participation of whoever asks; 404 for those who take no part."""
        participation = participation_find(slug=slug, annotator=cast(User, request.user))
        if participation is None:
            raise Http404
        # The first visit decides on the protocol, and with it on the language.
        participation_visit(participation)
        if participation.spec.language is not None:
            use_language(request._request, participation.spec.language)
        return participation

    def reply(self, participation: Participation, *, http: int = status.HTTP_200_OK, **extra: str) -> Response:
        """Return the next step, after doing the server's part of the way there."""
        step = flow_advance(participation=participation)
        body: dict[str, Any] = {**extra, **flow_payload(participation, step)}
        return Response(body, status=http)


class NextStepView(FlowView):
    """POST: the annotator's next step; the first call starts the participation."""

    @next_step_described
    def post(self, request: Request, slug: str) -> Response:
        return self.reply(self.participation(request, slug))


class PageView(FlowView):
    """POST: completes a page. 201 stored, 200 stored before, 409 conflict, 404 no such page, 400 malformed.

    All but the last two hold the next step.
    """

    @page_described
    def post(self, request: Request, slug: str, key: str) -> Response:
        participation = self.participation(request, slug)
        body = PageSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        try:
            completed = page_complete(participation=participation, key=key, **body.validated_data)
        except UnknownPageError as error:
            raise Http404 from error
        except InvalidPageError as error:
            raise ValidationError(in_lists(error.errors)) from error
        outcome = completed.outcome
        http = STATUS.get(outcome, status.HTTP_409_CONFLICT)
        return self.reply(completed.participation, http=http, code=outcome.value, detail=outcome.detail)


class WithdrawalView(FlowView):
    """POST: takes the consent back, and deletes the answers if asked to."""

    @withdrawal_described
    def post(self, request: Request, slug: str) -> Response:
        participation = self.participation(request, slug)
        body = WithdrawalSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        participation_withdraw(participation=participation, delete=body.validated_data["delete"])
        return self.reply(participation, code="withdrawn")
