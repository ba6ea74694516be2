"""Reads: builds, and how far they are."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404

from studies.builds.progress import Progress, build_progress
from studies.models import Build
from studies.roles import Someone, is_admin, is_researcher

__all__ = ["Progress", "build_for", "build_progress", "builds_for"]


def builds_for(user: Someone) -> QuerySet[Build]:
    """Return the builds that the user may see and change, newest first: their own, and all for admins."""
    builds = Build.objects.select_related("owner", "study").order_by("-requested_at", "-pk")
    if is_admin(user):
        return builds
    if not is_researcher(user):
        return builds.none()
    return builds.filter(owner=user.pk)


def build_for(user: Someone, key: UUID | str) -> Build:
    """Return a build that the user may see. Raises Http404 otherwise."""
    wanted: Any = key
    if isinstance(key, str):
        try:
            wanted = UUID(key)
        except ValueError as error:
            raise Http404("there is no such build among yours") from error
    build = builds_for(user).filter(key=wanted).first()
    if build is None:
        raise Http404("there is no such build among yours")
    return build
