"""Tokens of the API: made, found by their secret, taken back."""

import hashlib
import secrets
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from studies.models import ApiToken, User

SECRET_START = "harmony_"
SHOWN_CHARACTERS = len(SECRET_START) + 4
LONGEST_SECRET = 100
MOST_TOKENS = 50
# Not written at each request: every writer waits for the others where the database is SQLite.
USE_NOTED_EVERY = timedelta(minutes=1)


class TokenError(ValueError):
    """The token cannot be made; nothing was written."""


def secret_digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def token_make(*, user: User, name: str, expires_at: datetime | None = None) -> tuple[ApiToken, str]:
    """Make a token; returns it with its secret, which cannot be had again.

    Raises TokenError where the user has a token of this name that is not revoked, or as many as anyone may have.
    """
    if ApiToken.objects.filter(user=user, revoked_at=None).count() >= MOST_TOKENS:
        raise TokenError(_("You have %(most)s tokens. Revoke one that you do not need.") % {"most": MOST_TOKENS})
    secret = SECRET_START + secrets.token_urlsafe(32)
    try:
        with transaction.atomic():
            token = ApiToken.objects.create(
                user=user,
                name=name,
                digest=secret_digest(secret),
                start=secret[:SHOWN_CHARACTERS],
                expires_at=expires_at,
            )
    except IntegrityError as error:
        raise TokenError(_("You have a token of this name. Revoke it first, or take another name.")) from error
    return token, secret


def token_use(secret: str) -> ApiToken | None:
    """Return the token of this secret with its user, and note that it is used. None: it is unknown, or no more valid.

    Tokens of people who may not log in are not valid.
    """
    if len(secret) > LONGEST_SECRET:
        return None
    now = timezone.now()
    token = (
        ApiToken.objects.select_related("user")
        .filter(Q(expires_at=None) | Q(expires_at__gt=now))
        .filter(digest=secret_digest(secret), revoked_at=None, user__is_active=True)
        .first()
    )
    if token is not None and (token.last_used_at is None or token.last_used_at < now - USE_NOTED_EVERY):
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return token


def token_revoke(*, user: User, pk: int) -> bool:
    """End a token of the user's at once; returns whether there was such a one."""
    token = ApiToken.objects.filter(user=user, pk=pk, revoked_at=None).first()
    if token is None:
        return False
    token.revoked_at = timezone.now()
    token.save(update_fields=["revoked_at"])
    return True
