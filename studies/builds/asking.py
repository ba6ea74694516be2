"""Asking for builds: beginning, cancelling, trying again, removing."""

import logging
from datetime import timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from attribution.config import RunConfig
from studies.builds.broker import nudge
from studies.builds.configs import LONGEST_FILE_NAME, checked_config
from studies.builds.driving import first_step
from studies.builds.log import CANCELLED, TRIED_AGAIN, line_write
from studies.builds.starting import build_start, is_dead
from studies.builds.steps import SENT_OUT
from studies.builds.storage import STORAGE_ERRORS, cancelled_name, folder_of, open_storage
from studies.models import Build, BuildStep, Study, User
from studies.models.builds import UNDER_WAY
from studies.roles import is_researcher, may_manage

logger = logging.getLogger(__name__)

State = Build.State


class BuildError(ValueError):
    """A build cannot be changed as asked; nothing was written. The message is for whoever asked."""


def build_queue(*, owner: User | None, text: str, file_name: str, base: str = "", trusted: bool = False) -> Build:
    """Have a study built from a run config, in the background; no owner means the command line.

    Raises ConfigError for a config that cannot be used, and BuildError where the study is not to be replaced, or is
    being built already.
    """
    config = checked_config(text, file_name)
    if owner is not None and not is_researcher(owner):
        raise BuildError(_("Only researchers and admins start builds."))
    _refuse_slug(owner, config)
    try:
        with transaction.atomic():
            build = Build.objects.create(
                owner=owner,
                name=config.name,
                title=config.title,
                config=text,
                file_name=file_name[-LONGEST_FILE_NAME:] or "study.toml",
                base=base,
                trusted=trusted,
            )
            first_step(build).save()
            line_write(build=build, text="queued")
            build_start(build)
    except IntegrityError as error:
        raise _under_way(config.name) from error
    return build


@transaction.atomic
def build_cancel(*, build: Build, actor: User | None) -> Build:
    """End a build at once; what is finished is kept. Raises BuildError where it has ended already.

    A build whose study is just being imported can be cancelled until the import is committed: then the study is not
    there. After that it is done.
    """
    under_way = Build.objects.filter(pk=build.pk, attempt=build.attempt, state__in=UNDER_WAY)
    if not under_way.update(state=State.CANCELLED, finished_at=timezone.now(), error=""):
        build.refresh_from_db()
        raise BuildError(_("The build is {state} already.").format(state=build.get_state_display()))
    line_write(build=build, text=CANCELLED.format(name=_name(actor)))
    # Its workers are told by whoever looks after the builds: the storage may be slow.
    nudge()
    build.refresh_from_db()
    return build


def build_retry(*, build: Build, actor: User | None, text: str | None = None) -> Build:
    """Go on with a build that failed, was cancelled or stopped, from what is finished; `text` is a changed config.

    What somebody changes in the browser is not trusted, also where the first config came from the command line. A build
    that is not trusted and whose owner's account is gone becomes the `actor`'s. Raises ConfigError for a config that
    cannot be used, and BuildError where the state does not allow it, or its owner is no researcher any more.
    """
    config = checked_config(text if text is not None else build.config, build.file_name)
    if config.name != build.name:
        raise BuildError(_("This is the build of “{name}”: start a new one for another name.").format(name=build.name))
    if build.owner is not None and not is_researcher(build.owner):
        raise BuildError(_("Whoever started this build is no researcher any more: start a new one from its config."))
    _refuse_slug(build.owner, config)
    try:
        with transaction.atomic():
            locked = Build.objects.select_for_update(no_key=True).get(pk=build.pk)
            if locked.state == State.DONE or (locked.is_under_way and not is_dead(locked)):
                raise BuildError(
                    _("The build is {state}: only one that has failed, or was cancelled, can be tried again.").format(
                        state=locked.get_state_display()
                    )
                )
            if text is not None and text != locked.config:
                locked.config = text
                if actor is not None:
                    locked.trusted, locked.base = False, ""
            if not locked.trusted:
                # Its study has to be somebody's.
                locked.owner = locked.owner or actor
            _begin_again(locked, config)
            line_write(build=locked, text=f"{TRIED_AGAIN.format(name=_name(actor))}{locked.attempt})")
            build_start(locked)
    except IntegrityError as error:
        raise _under_way(build.name) from error
    build.refresh_from_db()
    return build


def build_remove(*, build: Build, actor: User | None) -> None:
    """Delete a build that is not under way: its rows, and its folder in the storage. Its study stays.

    Where workers may still be at it, the empty markers stay that tell them to stop. Raises BuildError where it is under
    way, or where the storage cannot be reached: then it is still there.
    """
    with transaction.atomic():
        locked = Build.objects.select_for_update(no_key=True).filter(pk=build.pk).first()
        if locked is None:
            return
        if locked.is_under_way:
            raise BuildError(_("The build is under way: cancel it first."))
        folder = folder_of(locked)
        untold = _untold_attempts(locked)
        locked.delete()
        try:
            # The row is locked meanwhile, and somebody waits.
            storage = open_storage(is_hurried=True)
            storage.remove_all(folder)
            for attempt in untold:
                storage.write(cancelled_name(locked, attempt), b"")
        except STORAGE_ERRORS as error:
            raise BuildError(_("The storage of builds cannot be reached: {error}").format(error=error)) from error
    logger.info("build %s (%s) was removed by %s", build.key, build.name, "nobody" if actor is None else actor.pk)


def _untold_attempts(build: Build) -> set[int]:
    """The attempts that workers may still be at: they look for the marker every few seconds."""
    untold = set(BuildStep.objects.filter(build=build, state__in=SENT_OUT).values_list("attempt", flat=True))
    recent = timezone.now() - timedelta(seconds=settings.BUILD_SILENT_SECONDS)
    if build.state != State.DONE and build.finished_at is not None and build.finished_at > recent:
        untold.add(build.attempt)
    return untold


def _begin_again(build: Build, config: RunConfig) -> None:
    before = BuildStep.objects.filter(build=build)
    # By what workers have not given back it is known whom to tell that the earlier attempt is over.
    (before if build.host else before.exclude(state__in=SENT_OUT)).delete()
    build.attempt += 1
    build.title = config.title
    build.state, build.error = State.QUEUED, ""
    build.plan, build.manifest = {}, {}
    build.host, build.pid, build.seen_at = "", None, None
    build.requested_at = timezone.now()
    build.started_at = build.finished_at = None
    build.save()
    first_step(build).save()


def _refuse_slug(owner: User | None, config: RunConfig) -> None:
    """Refuse before the work what the import would refuse after it. Raises BuildError."""
    study = Study.objects.filter(slug=config.name).first()
    if study is None:
        return
    another = _("choose another name in the config")
    if owner is not None and not may_manage(owner, study):
        raise BuildError(_("The name “{name}” is taken: {remedy}.").format(name=config.name, remedy=another))
    if study.is_imported:
        why = _("holds imported responses")
    elif study.has_responses:
        why = _("has responses")
    elif study.archived_at is not None:
        why = _("is archived")
    else:
        return
    raise BuildError(
        _("The study “{name}” {why}, so it cannot be replaced: {remedy}.").format(
            name=config.name, why=why, remedy=another
        )
    )


def _under_way(name: str) -> BuildError:
    return BuildError(_("A build of “{name}” is under way already: wait for its end, or cancel it.").format(name=name))


def _name(actor: User | None) -> str:
    return "the command line" if actor is None else actor.username
