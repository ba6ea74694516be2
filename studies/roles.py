"""Who may run which study.

Admins (superusers) run every study. Researchers (staff) run those that they own and those on which they collaborate.
Everyone else is an annotator and runs none. Those who may not cannot tell a study from none.
"""

from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import Http404

from studies.models import Collaborator, Image, Pair, Picture, Study, Trial, User

Someone = User | AnonymousUser


def is_admin(user: Someone) -> bool:
    return user.is_active and user.is_superuser


def is_researcher(user: Someone) -> bool:
    """Whether the user has pages of researchers at all; admins have."""
    return user.is_active and (user.is_staff or user.is_superuser)


def studies_for(user: Someone) -> QuerySet[Study]:
    """Return the studies that the user may see and run, archived ones among them, newest first."""
    studies = Study.objects.order_by("-created_at", "slug")
    if is_admin(user):
        return studies
    if not is_researcher(user):
        return studies.none()
    shared = Collaborator.objects.filter(study=OuterRef("pk"), user=user.pk)
    return studies.filter(Q(owner=user.pk) | Exists(shared))


def may_manage(user: Someone, study: Study) -> bool:
    """Whether the user may see and run this study. Takes no query for its owner and for admins."""
    if is_admin(user):
        return True
    if not is_researcher(user):
        return False
    return study.owner_id == user.pk or Collaborator.objects.filter(study=study, user=user.pk).exists()


def study_for(user: Someone, slug: str, *related: str) -> Study:
    """Return the study of this slug, with related rows, if the user may run it. Raises Http404 otherwise."""
    studies: Any = studies_for(user)
    study: Study | None = (studies.select_related(*related) if related else studies).filter(slug=slug).first()
    if study is None:
        raise Http404("there is no such study among yours")
    return study


def pictures_for(user: Someone) -> QuerySet[Picture]:
    """Return the stored pictures that the studies of the user show."""
    if is_admin(user):
        return Picture.objects.all()
    studies = studies_for(user).order_by()
    image = Image.objects.filter(study__in=studies, picture=OuterRef("pk"))
    pair = Pair.objects.filter(condition__study__in=studies)
    decoy = Trial.objects.filter(study__in=studies, decoy=OuterRef("pk"))
    return Picture.objects.filter(
        Exists(image)
        | Exists(pair.filter(original=OuterRef("pk")))
        | Exists(pair.filter(finetuned=OuterRef("pk")))
        | Exists(decoy)
    )


def may_share(user: Someone, study: Study) -> bool:
    """Whether the user decides who else runs the study, and when it is archived: its owner and admins."""
    return is_admin(user) or (is_researcher(user) and study.owner_id == user.pk)
