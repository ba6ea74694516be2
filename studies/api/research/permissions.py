"""Who may use the researchers' API at all. Which studies are theirs is asked by `studies.roles`."""

from django.utils.translation import gettext_lazy as _
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from studies.roles import is_researcher


class IsResearcher(BasePermission):
    """Refuse everyone but researchers and admins: 401 without a log-in or token, 403 with one."""

    message = _("Only researchers have studies of their own.")

    def has_permission(self, request: Request, view: APIView) -> bool:
        return is_researcher(request.user)
