"""Who is logged in: sessions in the database, and their users, found by queries that are composed once.

Every request of a logged-in person asks for both, and composing the two queries would take longer than asking them.
"""

from django.contrib.auth.backends import ModelBackend
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.contrib.sessions.models import Session
from django.utils import timezone

from studies.models import User
from studies.prepared import Prepared

_SESSION = Prepared(lambda key: Session.objects.filter(session_key=key), key=str)
_USER = Prepared(lambda user: User.objects.filter(pk=user), user=int)


class SessionStore(DatabaseStore):
    """Django's sessions in the database."""

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def _get_session_from_db(self) -> Session | None:
        """Return the row of this session; without one, or with one that has expired, the session starts anew."""
        # Cookies hold whatever they like; a NUL, for one, would be an error of the database.
        key = self.session_key or ""
        found = _SESSION.first(key=key) if key.isalnum() and key.isascii() else None
        if found is None or found.expire_date <= timezone.now():
            self._session_key = None
            return None
        return found


class UserBackend(ModelBackend):
    """Django's users with passwords."""

    def get_user(self, user_id: int) -> User | None:
        user = _USER.first(user=user_id)
        return user if user is not None and self.user_can_authenticate(user) else None
