"""Letting people into a study by links and from Prolific."""

from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.crypto import get_random_string

from studies.models import ExternalIdentity, Link, LinkUse, Participation, Study, User
from studies.recruiting.prolific import Arrival, identity_digest, identity_of
from studies.recruiting.selectors import (
    Refusal,
    link_refusal,
    participation_by_link,
    places_free,
    study_refusal,
)
from studies.selectors_protocol import current_protocol
from studies.services.annotators import next_code
from studies.services.finishing import participation_finish
from studies.services.staying import place_keep

Source, State = Participation.Source, Participation.State

SOURCES = {Link.Kind.INVITATION: Source.INVITATION, Link.Kind.OPEN: Source.OPEN, Link.Kind.TEST: Source.PREVIEW}
NAME_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"


class UnknownLinkError(LookupError):
    """No link has this token."""


class NoProlificError(LookupError):
    """The study takes nobody from Prolific."""


class JoinRefusedError(Exception):
    """Nobody new is let in; nothing was written."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.value)
        self.refusal = refusal


@transaction.atomic
def join_by_link(*, token: str, user: User | None = None) -> Participation:
    """Let somebody in by a link: return their participation, made now with an account if there was none.

    `user` is who is logged in, if that is somebody without an account of their own. Raises UnknownLinkError, and
    JoinRefusedError where nobody new is let in; a revoked link lets in nobody at all.
    """
    link = Link.objects.filter(token=token).first()
    if link is None:
        raise UnknownLinkError(token)
    study = _lock(link.study_id)
    # Again, as it may have been revoked while others held the lock.
    link.refresh_from_db()
    if link.revoked_at is not None:
        raise JoinRefusedError(Refusal.REVOKED)
    known = participation_by_link(link, None if user is None else user.pk)
    if known is not None:
        return _back(known)
    used = link.uses.aggregate(most=Max("number"))["most"] or 0
    refusal = link_refusal(link, study, used)
    if refusal is not None:
        raise JoinRefusedError(refusal)
    is_test = link.kind == Link.Kind.TEST
    code = f"TEST-{link.pk}-{used + 1}" if is_test else None
    participation = _newcomer(study, SOURCES[Link.Kind(link.kind)], code)
    LinkUse.objects.create(link=link, participation=participation, number=used + 1)
    return participation


@transaction.atomic
def join_from_prolific(*, study: Study, arrival: Arrival) -> Participation:
    """Let somebody from Prolific in: return the one participation of their id, made now if there was none.

    Without a free place the participation ends at once as `over_quota`: Prolific wants to hear of everybody it has
    sent. Raises NoProlificError, and JoinRefusedError where the study lets in nobody new.
    """
    locked = _lock(study.pk)
    identity = identity_of(locked, arrival.person)
    if identity is not None:
        return _back(identity.participation)
    protocol = current_protocol(locked)
    if protocol is None or protocol.spec.recruitment.prolific is None:
        raise NoProlificError(locked.slug)
    refusal = study_refusal(locked)
    if refusal is not None:
        raise JoinRefusedError(refusal)
    is_full = places_free(locked, protocol.spec) == 0
    participation = _newcomer(locked, Source.PROLIFIC)
    ExternalIdentity.objects.create(
        study=locked,
        participation=participation,
        service=ExternalIdentity.Service.PROLIFIC,
        digest=identity_digest(locked, arrival.person),
        external_id=arrival.person,
        external_study=arrival.study,
        external_session=arrival.session,
    )
    if is_full:
        participation_finish(participation, State.OVER_QUOTA)
    return participation


def _lock(study_id: int) -> Study:
    """Lock the study, so that places and quotas are counted one by one; constraints hold them besides."""
    return Study.objects.select_for_update(no_key=True).get(pk=study_id)


def _newcomer(study: Study, source: Participation.Source, code: str | None = None) -> Participation:
    """Make an account that nobody can log in to by name, and its part in the study, which holds a place from now on."""
    # The name tells nothing: not the study, not the code, not where the person came from.
    user = User(username=f"guest-{get_random_string(16, NAME_LETTERS)}")
    user.set_unusable_password()
    user.save()
    codes = set(Participation.objects.filter(study=study).values_list("code", flat=True))
    return Participation.objects.create(
        study=study,
        annotator=user,
        code=code or next_code(codes),
        protocol=current_protocol(study),
        source=source,
        is_preview=source == Source.PREVIEW,
        last_seen_at=timezone.now(),
    )


def _back(participation: Participation) -> Participation:
    """Let somebody go on who may."""
    if participation.state == State.ACTIVE and not participation.is_preview:
        place_keep(participation)
    return participation
