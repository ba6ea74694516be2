"""How often a program may ask: per token, and per user for those who are logged in."""

from django.conf import settings
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle
from rest_framework.views import APIView

from studies.models import ApiToken


class _ByToken(SimpleRateThrottle):
    def get_cache_key(self, request: Request, view: APIView) -> str | None:
        if isinstance(request.auth, ApiToken):
            return f"api-{self.scope}-token-{request.auth.pk}"
        # Those without an account are refused by the permissions, which are asked first.
        return f"api-{self.scope}-user-{request.user.pk}"


class RequestThrottle(_ByToken):
    """All requests."""

    scope = "requests"

    def get_rate(self) -> str:
        return f"{settings.API_REQUESTS_PER_MINUTE}/min"


class ImportThrottle(_ByToken):
    """Imports, each of which may take a while."""

    scope = "imports"

    def get_rate(self) -> str:
        return f"{settings.API_IMPORTS_PER_HOUR}/hour"
