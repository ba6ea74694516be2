"""Erasing who an annotator is, everywhere: the account, what it is known by elsewhere, and the answers if wanted."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.db import models, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.crypto import get_random_string

from studies.builds.log import line_names_forget
from studies.media import sizes_below
from studies.models import (
    ApiToken,
    Collaborator,
    ExternalIdentity,
    Link,
    LinkUse,
    PageRecord,
    Participation,
    Response,
    Study,
    User,
    new_token,
)
from studies.recruiting.prolific import identity_digest
from studies.services.audit import audit_names_forget, audit_reasons_forget, audit_write
from studies.services.derived_files import REPORTS_FOLDER, derived_files_erase
from studies.services.finishing import participation_lock
from studies.services.places import live_release
from studies.services.withdrawal import participation_withdraw

ERASED_CODE = "erased-"
"""How the codes begin of people who were erased."""
LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"
LOG_IN_TABLES = (AccessAttempt, AccessFailureLog, AccessLog)


class ErasureError(ValueError):
    """Somebody cannot be erased as asked; nothing was changed."""


class Answers(StrEnum):
    """What becomes of the answers: deleted, or kept under a new code that leads to nobody."""

    DELETE = "delete"
    KEEP = "keep-anonymous"


@dataclass(frozen=True)
class Traces:
    """What there is of somebody, counted: the names are those of the fields. `reports` are files in the storage."""

    accounts: int
    participations: int
    answers: int
    pages: int
    identities: int
    link_uses: int
    tokens: int
    sessions: int
    failed_log_ins: int
    log_lines: int
    reports: int


def users_known_as(external_id: str) -> list[User]:
    """Return the accounts that an id of a recruitment service stands for: one in each study, also of emptied ids.

    Raises ErasureError for an empty id.
    """
    person = external_id.strip()
    # Every id that was emptied would be the same as an empty one.
    if not person:
        raise ErasureError("the id is empty; give the one that the recruitment service knows the person by")
    digests = [identity_digest(study, person) for study in Study.objects.all()]
    known = ExternalIdentity.objects.filter(Q(external_id__iexact=person) | Q(digest__in=digests))
    return list(User.objects.filter(participations__identity__in=known).distinct().order_by("pk"))


def traces_of(users: Collection[User]) -> Traces:
    """Count what there is of people; changes nothing."""
    parts = _parts(users)
    studies = Study.objects.filter(participations__in=parts).distinct()
    return Traces(
        accounts=len(users),
        participations=parts.count(),
        answers=Response.objects.filter(assignment__participation__in=parts).count(),
        pages=PageRecord.objects.filter(participation__in=parts).count(),
        identities=ExternalIdentity.objects.filter(participation__in=parts).count(),
        link_uses=LinkUse.objects.filter(participation__in=parts).count(),
        tokens=ApiToken.objects.filter(user__in=users).count(),
        sessions=len(_sessions(users)),
        failed_log_ins=sum(_log_ins(table, users).count() for table in LOG_IN_TABLES),
        log_lines=_admin_log(users).count(),
        reports=sum(len(sizes_below(f"{REPORTS_FOLDER}/{study.slug}")) for study in studies),
    )


@transaction.atomic
def annotators_erase(*, users: Collection[User], answers: Answers) -> Traces:
    """Erase who these people are; returns what there was of them.

    Their accounts become nameless ones that nobody can log in to, as participations need one. Ids at recruitment
    services go with their digests, so the same person could come in again. With `Answers.DELETE` they withdraw with
    everything deleted; with `Answers.KEEP` the choices and times stay under a new code, without what was written in
    free text or entered in questionnaires. Reports of their studies are deleted, and can be made again. Raises
    ErasureError for people who run studies.
    """
    for user in users:
        _check(user)
    found = traces_of(users)
    # In the order in which everybody locks studies.
    parts = list(_parts(users).select_related("study").order_by("study_id", "pk"))
    _admin_log(users).update(object_repr="erased", change_message="")
    names = [user.username for user in users]
    audit_names_forget(usernames=names)
    line_names_forget(usernames=names)
    for participation in parts:
        _erase_part(participation, answers)
    ApiToken.objects.filter(user__in=users).delete()
    Session.objects.filter(pk__in=_sessions(users)).delete()
    for table in LOG_IN_TABLES:
        _log_ins(table, users).delete()
    for user in users:
        _empty(user)
    for study in {participation.study for participation in parts}:
        # Before the commit, so that a storage that refuses undoes everything; and after it, as a report may have been
        # made meanwhile of what was there before.
        derived_files_erase(study=study)
        transaction.on_commit(partial(derived_files_erase, study=study), robust=True)
    return found


def _check(user: User) -> None:
    runs = Study.objects.filter(owner=user).exists() or Collaborator.objects.filter(user=user).exists()
    if user.is_staff or user.is_superuser or runs:
        raise ErasureError(
            f"{user.username} runs studies; hand them over, end the collaborations and take away staff status first"
        )


def _parts(users: Collection[User]) -> QuerySet[Participation]:
    return Participation.objects.filter(annotator__in=users)


def _erase_part(participation: Participation, answers: Answers) -> None:
    study = participation_lock(participation).study
    _forget_links(participation)
    ExternalIdentity.objects.filter(participation=participation).delete()
    if participation.is_preview:
        Response.objects.filter(assignment__participation=participation).erase()
        participation.delete()
        return
    if answers is Answers.DELETE:
        participation_withdraw(participation=participation, delete=True)
    else:
        live_release(participation)
        # Rows are never changed, but for this: what somebody wrote may tell who they are.
        rows = Response.objects.filter(assignment__participation=participation)
        models.QuerySet.update(rows, reason="")
        PageRecord.objects.filter(participation=participation).exclude(kind="consent").update(answers={})
    audit_reasons_forget(study=study, code=participation.code)
    participation.refresh_from_db()
    code = f"{ERASED_CODE}{get_random_string(10, LETTERS)}"
    Participation.objects.filter(pk=participation.pk).update(
        code=code, completion_code="", excluded_because="", last_seen_at=None
    )
    # Nothing ties the new code to the old one.
    audit_write(study=study, actor=None, action="annotator_erased", detail={"answers": answers.value})
    if participation.is_excluded:
        audit_write(study=study, actor=None, action="participation_excluded", detail={"participation": code})


def _forget_links(participation: Participation) -> None:
    """An invitation is somebody's: its label may be a name, and its address was sent to them."""
    mine = Link.objects.filter(uses__participation=participation, kind=Link.Kind.INVITATION)
    for link in mine:
        Link.objects.filter(pk=link.pk).update(
            label="", token=new_token(), revoked_at=link.revoked_at or timezone.now()
        )
    LinkUse.objects.filter(participation=participation).delete()


def _sessions(users: Collection[User]) -> list[str]:
    """Return the keys of the sessions in which these people are logged in."""
    ids = {str(user.pk) for user in users}
    sessions = Session.objects.all().iterator()
    return [session.session_key for session in sessions if session.get_decoded().get("_auth_user_id") in ids]


def _log_ins(table: type[models.Model], users: Collection[User]) -> QuerySet[models.Model]:
    """Return the failed log-ins under these names, however they were written."""
    named = Q(pk__in=[])
    for user in users:
        named |= Q(username__iexact=user.username)
    return table._default_manager.filter(named)


def _admin_log(users: Collection[User]) -> QuerySet[LogEntry]:
    """Return the lines of Django's admin about these people, which repeat their names."""
    parts = _parts(users)
    about: dict[type[models.Model], list[int]] = {
        User: [user.pk for user in users],
        Participation: list(parts.values_list("pk", flat=True)),
        ExternalIdentity: list(ExternalIdentity.objects.filter(participation__in=parts).values_list("pk", flat=True)),
        ApiToken: list(ApiToken.objects.filter(user__in=users).values_list("pk", flat=True)),
    }
    wanted = Q(pk__in=[])
    for model, keys in about.items():
        kind = ContentType.objects.get_for_model(model)
        wanted |= Q(content_type=kind, object_id__in=[str(key) for key in keys])
    return LogEntry.objects.filter(wanted)


def _empty(user: User) -> None:
    user.username = f"erased-{get_random_string(16, LETTERS)}"
    user.first_name = user.last_name = user.email = ""
    user.is_active = False
    user.last_login = None
    user.date_joined = timezone.now()
    user.set_unusable_password()
    user.save()
    user.groups.clear()
    user.user_permissions.clear()
