"""`manage.py erase_annotator`: nothing anywhere tells any more who somebody was."""

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client, override_settings

from studies.builds.log import CANCELLED, TRIED_AGAIN, line_write
from studies.consistency import study_is_consistent
from studies.models import (
    ApiToken,
    AuditEntry,
    Build,
    Collaborator,
    ExternalIdentity,
    Link,
    LinkUse,
    Participation,
    Response,
    Study,
    Trial,
    User,
)
from studies.recruiting.prolific import Arrival
from studies.services import assignments_draw
from studies.services.collaboration import collaborator_remove, owner_set
from studies.services.erasure import Answers, annotators_erase, users_known_as
from studies.services.identities import identities_erase
from studies.services.links import links_create
from studies.services.quality import participation_exclude
from studies.services.recruitment import join_by_link, join_from_prolific
from studies.services.tokens import token_make
from studies.services.withdrawal import participation_withdraw
from studies.tests.flow_studies import ABOUT_YOU, CONSENT, GOODBYE, TRIALS, add_protocol, complete, step
from studies.tests.test_drawing import answer

NO_BROWSER: dict[str, Any] = {"user_agent": "", "http_accept": "", "failures_since_start": 1}
PERSON = "5f9a7c0123456789abcdef01"
SECRETS = [
    "marija.horvat", "Marija", "Horvat", "marija@lab.example", "my name is Mara", "because Mara left",
    PERSON, "study-at-prolific", "session-at-prolific", "for Mara H.", "192.0.2.77",
]  # fmt: skip


@pytest.fixture(autouse=True)
def _own_storage(tmp_path: Path) -> Iterator[None]:
    media = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(tmp_path)}}
    static = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    with override_settings(STORAGES={"default": media, "staticfiles": static}):
        yield


@pytest.fixture
def study(_own_storage: None, tiny_study: Study) -> Study:
    add_protocol(tiny_study, CONSENT, ABOUT_YOU, TRIALS, GOODBYE, recruitment={"prolific": {"completed": "C1"}})
    return tiny_study


@pytest.fixture
def person(study: Study) -> Participation:
    """Somebody who came by an invitation, logged in, failed to log in, entered and answered something."""
    link = links_create(study=study, kind="invitation", label="for Mara H.")[0]
    participation = join_by_link(token=link.token)
    user = participation.annotator
    user.username, user.first_name, user.last_name = "marija.horvat", "Marija", "Horvat"
    user.email = "marija@lab.example"
    user.set_password("correct horse")
    user.save()
    browser = Client()
    browser.force_login(user)
    for answers in ({"accepted": True}, {"age": 31, "sight": "good", "remarks": "my name is Mara"}):
        assert complete(browser, step(browser)["step"]["page"], answers).status_code == 201
    first, _second = assignments_draw(participation=participation, count=2)
    answer(first)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE studies_response SET reason = 'my name is Mara'")
    ExternalIdentity.objects.create(
        study=study,
        participation=participation,
        service="prolific",
        digest="0" * 64,
        external_id=PERSON,
        external_study="study-at-prolific",
        external_session="session-at-prolific",
    )
    token_make(user=user, name="Mara's desk")
    for name in ("marija.horvat", "Marija.Horvat"):
        AccessAttempt.objects.create(username=name, ip_address="192.0.2.77", **NO_BROWSER)
    kind = ContentType.objects.get_for_model(User)
    LogEntry.objects.create(
        user=user, content_type=kind, object_id=str(user.pk), object_repr="marija.horvat", action_flag=CHANGE
    )
    default_storage.save(
        "reports/tiny/1-1-1/judgements.csv", ContentFile(f"annotator\n{participation.code}\n".encode())
    )
    participation.refresh_from_db()
    return participation


def everything() -> str:
    """Every value of every table, past the models, and every file of the storage."""
    found: list[str] = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            found.extend(f"{table}: {row}" for row in cursor.fetchall())
    for path in Path(default_storage.path("")).rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            plain = gzip.decompress(content) if path.suffix == ".gz" else content
            found.append(f"{path}: {plain!r}")
    return "\n".join(found)


def secrets_in(text: str) -> list[str]:
    return [secret for secret in SECRETS if secret.lower() in text.lower()]


@pytest.mark.parametrize("answers", list(Answers))
def test_no_table_and_no_file_holds_what_somebody_was_known_by(person: Participation, answers: Answers) -> None:
    assert set(SECRETS) - set(secrets_in(everything())) == {"because Mara left"}
    link = Link.objects.get()
    annotators_erase(users=[person.annotator], answers=answers)
    after = everything()
    assert secrets_in(after) == []
    for gone in (link.token, person.code + "\\n", "0" * 64):
        assert gone not in after


def test_the_old_code_leads_to_nobody(person: Participation) -> None:
    annotators_erase(users=[person.annotator], answers=Answers.KEEP)
    part = Participation.objects.get()
    assert part.code.startswith("erased-")
    assert part.code not in str(list(AuditEntry.objects.values_list("detail", flat=True)))


def test_deleted_answers_give_their_places_back(person: Participation) -> None:
    assert sum(Trial.objects.values_list("assigned", flat=True)) == 10
    annotators_erase(users=[person.annotator], answers=Answers.DELETE)
    assert Response.objects.count() == 0
    assert sum(Trial.objects.values_list("assigned", flat=True)) == 0
    assert study_is_consistent(person.study) == []


def test_kept_answers_still_count_without_their_words(person: Participation) -> None:
    before = Response.objects.get()
    annotators_erase(users=[person.annotator], answers=Answers.KEEP)
    after = Response.objects.get()
    assert (after.choice, after.rt_ms, after.uuid) == (before.choice, before.rt_ms, before.uuid)
    assert after.reason == ""
    assert Participation.objects.get().state == Participation.State.ACTIVE
    assert sum(Trial.objects.values_list("assigned", flat=True)) == 1
    assert study_is_consistent(person.study) == []


def test_somebody_excluded_stays_excluded(person: Participation) -> None:
    participation_exclude(participation=person, because="because Mara left")
    annotators_erase(users=[person.annotator], answers=Answers.KEEP)
    assert Participation.objects.get().is_excluded
    assert study_is_consistent(person.study) == []


def test_why_somebody_was_excluded_goes_from_the_audit_log(person: Participation) -> None:
    participation_exclude(participation=person, because="because Mara left")
    assert "because Mara left" in everything()
    annotators_erase(users=[person.annotator], answers=Answers.KEEP)
    assert "because Mara left" not in everything()


def test_why_somebody_was_excluded_goes_with_a_withdrawal_that_deletes(person: Participation) -> None:
    participation_exclude(participation=person, because="because Mara left")
    participation_withdraw(participation=person, delete=True)
    assert "because Mara left" not in str(list(AuditEntry.objects.values_list("detail", flat=True)))


def test_whoever_ran_a_study_once_is_not_named_in_its_log(person: Participation, new_user: Callable[..., User]) -> None:
    other = new_user("other.researcher")
    User.objects.filter(pk__in=[person.annotator_id, other.pk]).update(is_staff=True)
    for name in ("marija.horvat", other.username):
        owner_set(study=person.study, username=name, actor=None)
        collaborator_remove(study=person.study, username="marija.horvat", actor=None)
    User.objects.filter(pk=person.annotator_id).update(is_staff=False)
    annotators_erase(users=[User.objects.get(username="marija.horvat")], answers=Answers.DELETE)
    assert secrets_in(everything()) == []
    assert {"from": "erased", "to": "other.researcher"} in AuditEntry.objects.values_list("detail", flat=True)


def test_the_log_of_a_build_does_not_name_whoever_is_erased(person: Participation) -> None:
    build = Build.objects.create(name="built", state="cancelled")
    for name in ("marija.horvat", "marija.horvat2"):
        line_write(build=build, text=CANCELLED.format(name=name))
        line_write(build=build, text=f"{TRIED_AGAIN.format(name=name)}2)")
    annotators_erase(users=[person.annotator], answers=Answers.DELETE)
    assert list(build.lines.order_by("pk").values_list("text", flat=True)) == [
        "cancelled by somebody erased",
        "tried again by somebody erased (attempt 2)",
        "cancelled by marija.horvat2",
        "tried again by marija.horvat2 (attempt 2)",
    ]


@pytest.mark.parametrize("empty", ["", "  "])
def test_an_empty_id_is_nobodys_also_where_ids_were_emptied(study: Study, empty: str) -> None:
    join_from_prolific(study=study, arrival=Arrival(PERSON, "s", "t"))
    identities_erase(study=study)
    with pytest.raises(CommandError, match="the id is empty"):
        call_command("erase_annotator", "--external-id", empty, "--yes")
    assert not User.objects.filter(is_active=False).exists()


def test_nobody_can_log_in_or_go_on_as_somebody_erased(person: Participation) -> None:
    browser = Client()
    browser.force_login(person.annotator)
    token = Link.objects.get().token
    annotators_erase(users=[person.annotator], answers=Answers.KEEP)
    assert browser.get("/").status_code == 302
    form = {"username": "marija.horvat", "password": "correct horse"}
    assert browser.post("/accounts/login/", form).status_code == 200
    assert browser.get("/").status_code == 302
    assert Session.objects.count() == 0
    assert ApiToken.objects.count() == 0
    assert LinkUse.objects.count() == 0
    assert Client().get(f"/join/{token}/").status_code in (404, 410)


def test_a_log_entry_says_that_somebody_was_erased(person: Participation) -> None:
    annotators_erase(users=[person.annotator], answers=Answers.KEEP)
    entry = AuditEntry.objects.filter(action="annotator_erased").get()
    assert (entry.actor, entry.detail) == (None, {"answers": "keep-anonymous"})


def test_others_are_left_as_they_are(person: Participation) -> None:
    other = join_by_link(token=links_create(study=person.study, kind="open")[0].token)
    before = User.objects.values().get(pk=other.annotator_id)
    annotators_erase(users=[person.annotator], answers=Answers.DELETE)
    assert User.objects.values().get(pk=other.annotator_id) == before
    assert Participation.objects.get(pk=other.pk).code == other.code


def test_an_id_is_found_in_every_study_also_after_it_was_emptied(study: Study) -> None:
    first = join_from_prolific(study=study, arrival=Arrival(PERSON, "s", "t"))
    ExternalIdentity.objects.update(external_id="", external_study="", external_session="")
    assert users_known_as(PERSON.upper()) == [first.annotator]
    assert users_known_as("5f9a7c0123456789abcdef02") == []


def test_without_yes_it_only_lists(person: Participation, capsys: pytest.CaptureFixture[str]) -> None:
    before = everything()
    call_command("erase_annotator", "marija.horvat")
    said = capsys.readouterr().out
    assert everything() == before
    assert "answers: 1" in said
    assert "failed log ins: 2" in said
    assert "nothing was changed; the answers would be deleted; add --yes" in said


def test_by_the_id_of_the_service_with_yes_it_erases(person: Participation, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("erase_annotator", "--external-id", PERSON, "--answers", "keep-anonymous", "--yes")
    assert "erased; the answers were kept under a new code" in capsys.readouterr().out
    assert secrets_in(everything()) == []


def test_somebody_unknown_is_said(db: None) -> None:
    with pytest.raises(CommandError, match="no account with this name"):
        call_command("erase_annotator", "nobody")
    with pytest.raises(CommandError, match="nobody with this id"):
        call_command("erase_annotator", "--external-id", "x")


def test_whoever_runs_studies_is_not_erased(person: Participation) -> None:
    Collaborator.objects.create(study=person.study, user=person.annotator)
    with pytest.raises(CommandError, match="runs studies; hand them over"):
        call_command("erase_annotator", "marija.horvat", "--yes")
    assert User.objects.filter(username="marija.horvat").exists()


def test_a_storage_that_refuses_undoes_everything(person: Participation, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**arguments: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("studies.services.erasure.derived_files_erase", refuse)
    with pytest.raises(CommandError, match="the storage refuses, so nothing was erased"):
        call_command("erase_annotator", "marija.horvat", "--yes")
    assert User.objects.filter(username="marija.horvat").exists()
    assert Response.objects.count() == 1
