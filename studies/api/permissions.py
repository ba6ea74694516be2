"""Who may use the API: someone logged in, and the person for whom the asking page was made."""

from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

ANNOTATOR_HEADER = "X-Annotator"


class OtherUser(PermissionDenied):
    """Another person has logged in since the page was opened. Says nothing about what was asked for."""

    default_detail = {"code": "other_user", "detail": _("Another person is logged in than the one this page is for.")}
    default_code = "other_user"


class IsAnnotatorOfPage(BasePermission):
    """Refuse (403, code `other_user`) a request whose header `X-Annotator` names another user than the session's.

    A page sends the primary key of the user it was made for, so that a tab left open never gets, or answers, the
    trials of whoever logs in next. Requests without the header pass.
    """

    def has_permission(self, request: Request, view: APIView) -> bool:
        annotator = request.headers.get(ANNOTATOR_HEADER)
        if annotator is not None and annotator != str(request.user.pk):
            raise OtherUser
        return True
