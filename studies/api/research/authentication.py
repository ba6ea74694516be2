"""Who a program is: the bearer of a token."""

from django.utils.translation import gettext as _
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from studies.models import ApiToken, User
from studies.services.tokens import token_use

KEYWORD = "bearer"


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer <token>`; a token that is not valid is refused (401), whatever else the request has."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        words = get_authorization_header(request).split()
        if not words or words[0].lower() != KEYWORD.encode():
            return None
        token = None
        if len(words) == 2 and words[1].isascii():
            token = token_use(words[1].decode("ascii"))
        if token is None:
            raise AuthenticationFailed(_("The token is unknown, revoked or expired, or its owner may not log in."))
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"
