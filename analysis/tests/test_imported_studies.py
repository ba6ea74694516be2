"""A study whose responses were given elsewhere: its pages, and that nobody comes into it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from analysis.tests.import_files import SMALL, refused, run, write
from studies.models import AuditEntry, Link, Participation, Study, User
from studies.protocol.faults import ProtocolError
from studies.services import AnnotatorError, CopyError, copy_study, create_annotators, enrol, protocol_set
from studies.services.lifecycle import ImportedStudyError, study_archive, study_set_state, study_unarchive
from studies.services.links import LinkError, links_create
from studies.services.previews import preview_start
from studies.services.recruitment import JoinRefusedError, join_by_link
from studies.tests.bundles import write_bundle

pytestmark = pytest.mark.usefixtures("own_media")

NewUser = Callable[..., User]
PROTOCOL = '[[pages]]\nkind = "trials"\n\n[trials]\nannotators_per_trial = 2\n'


@pytest.fixture
def study(tmp_path: Path, db: None) -> Study:
    run("import_responses", write(tmp_path / "a.csv", SMALL), slug="given", title="Given elsewhere")
    return Study.objects.get()


def address(name: str, *arguments: object) -> str:
    return reverse(name, args=["given", *arguments])


@pytest.mark.parametrize("state", ["open", "paused"])
def test_it_stays_closed(study: Study, state: str) -> None:
    with pytest.raises(ImportedStudyError, match="were given elsewhere"):
        study_set_state(study=study, state=state, actor=None)
    assert Study.objects.get().state == "closed"


def test_it_can_be_archived_and_brought_back(study: Study) -> None:
    study_archive(study=study, actor=None)
    study_unarchive(study=study, actor=None)
    assert (Study.objects.get().archived_at, Study.objects.get().state) == (None, "closed")


def test_nobody_is_enrolled(study: Study, new_user: NewUser) -> None:
    with pytest.raises(AnnotatorError, match="were given elsewhere"):
        enrol(study=study, annotator=new_user())
    with pytest.raises(AnnotatorError, match="were given elsewhere"):
        create_annotators(study=study, count=1)
    assert not Participation.objects.exists()


def test_there_are_no_links_and_no_way_in_by_one(study: Study) -> None:
    with pytest.raises(LinkError, match="were given elsewhere"):
        links_create(study=study, kind="test")
    link = Link.objects.create(study=study, kind="test")
    with pytest.raises(JoinRefusedError):
        join_by_link(token=link.token)
    assert not Participation.objects.exists()


def test_there_is_nothing_to_preview_or_to_copy(study: Study, new_user: NewUser) -> None:
    with pytest.raises(ImportedStudyError):
        preview_start(study=study, actor=new_user("admin", is_admin=True))
    with pytest.raises(CopyError, match="has no trials to copy"):
        copy_study(study=study, slug="copy")
    assert Study.objects.count() == 1


def test_it_has_no_protocol(study: Study) -> None:
    with pytest.raises(ProtocolError, match="were given elsewhere"):
        protocol_set(study=study, text=PROTOCOL, name="protocol.toml")


def test_no_bundle_is_loaded_over_it(study: Study, tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path / "bundle", slug="given", images=1)
    assert "the study given holds imported responses" in refused("load_study", bundle)
    assert not study.trials.exists()


def test_no_fixture_is_loaded_over_it(study: Study, tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path / "bundle", slug="given", images=1)
    with pytest.raises(CommandError, match="the study given has responses"):
        call_command("loaddata", bundle / "study.json", verbosity=0)
    assert Study.objects.get().title == "Given elsewhere"


def test_a_fixture_makes_no_imported_study_of_one_that_is_run_here(tiny_study: Study, tmp_path: Path) -> None:
    fields = {"slug": "tiny", "title": "Tiny", "question": "?", "is_imported": True, "state": "closed"}
    (tmp_path / "study.json").write_text(json.dumps([{"model": "studies.study", "fields": fields}]))
    call_command("loaddata", tmp_path / "study.json", verbosity=0)
    tiny_study.refresh_from_db()
    assert (tiny_study.is_imported, tiny_study.state) == (False, "open")


def test_its_responses_are_exported_by_another_command(study: Study, tmp_path: Path) -> None:
    told = refused("export_study", "given", out=tmp_path / "out")
    assert "use manage.py export_responses given --out FILE" in told
    assert not (tmp_path / "out").exists()


def test_the_list_of_studies_says_what_was_imported(study: Study, staff_client: Client) -> None:
    page = staff_client.get(reverse("dashboard")).content.decode()
    assert "imported" in page
    assert "4 responses," in page
    assert "2 participants;" in page
    assert reverse("report", args=["given"]) in page
    assert "<progress" not in page


def test_the_list_takes_one_query_more_for_any_number_of_imported_studies(
    study: Study, tmp_path: Path, staff_client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    def queries() -> int:
        with django_assert_max_num_queries(30) as counted:
            assert staff_client.get(reverse("dashboard")).status_code == 200
        return len(counted)

    staff_client.get(reverse("dashboard"))
    of_one = queries()
    for number in range(4):
        run("import_responses", write(tmp_path / "b.csv", SMALL), slug=f"more-{number}")
    assert queries() == of_one


def test_the_overview_shows_where_the_responses_come_from(study: Study, staff_client: Client) -> None:
    page = staff_client.get(address("dashboard_study")).content.decode()
    assert "choices between two maps" in page
    assert "a.csv" in page
    assert "a table with a row per answer" in page
    assert address("report") in page
    for hidden in ("dashboard_annotators", "dashboard_trials", "dashboard_protocol", "dashboard_links"):
        assert address(hidden) not in page
    assert "Preview" not in page
    assert "Open the study" not in page


@pytest.mark.parametrize("name", ["dashboard_annotators", "dashboard_trials", "dashboard_protocol", "dashboard_links"])
def test_pages_that_it_lacks_say_so(study: Study, staff_client: Client, name: str) -> None:
    reply = staff_client.get(address(name))
    assert reply.status_code == 200
    assert b"There is nothing here" in reply.content
    assert b"<form method" not in reply.content.split(b"<main", 1)[1]


def test_the_other_pages_are_there_without_what_makes_no_sense(study: Study, staff_client: Client) -> None:
    settings = staff_client.get(address("dashboard_settings")).content.decode()
    assert "Copy the study" not in settings
    assert "so it stays closed" in settings
    results = staff_client.get(address("dashboard_exports")).content.decode()
    assert address("report") in results
    assert "responses.jsonl" not in results
    assert "imported responses" in staff_client.get(address("dashboard_audit")).content.decode()


@pytest.mark.parametrize("method", ["get", "post"])
def test_asking_to_open_it_is_refused_in_words(study: Study, staff_client: Client, method: str) -> None:
    reply = getattr(staff_client, method)(address("dashboard_state", "open"), follow=True)
    assert "nobody takes part in it here" in reply.content.decode()
    assert Study.objects.get().state == "closed"


@pytest.mark.parametrize("name", ["dashboard_copy", "dashboard_preview", "dashboard_links", "dashboard_protocol"])
def test_changes_that_make_no_sense_change_nothing(study: Study, staff_client: Client, name: str) -> None:
    body = {"slug": "copy", "title": "Copy", "kind": "open", "count": 1, "text": PROTOCOL, "reason": "a try"}
    assert staff_client.post(address(name), body).status_code in (302, 400)
    assert Study.objects.count() == 1
    assert not Participation.objects.exists()
    assert not Link.objects.exists()
    assert AuditEntry.objects.count() == 1


def test_the_admin_does_not_open_it(study: Study, staff_client: Client) -> None:
    body = {"title": "T", "question": "?", "annotators_per_trial": 1, "offer_neither": "on", "state": "open"}
    reply = staff_client.post(reverse("admin:studies_study_change", args=[study.pk]), body)
    assert reply.status_code == 200
    assert b"it stays closed" in reply.content


def test_the_api_tells_it_and_does_not_open_it(study: Study, staff_client: Client) -> None:
    assert staff_client.get(address("api_study")).json()["is_imported"] is True
    reply = staff_client.patch(address("api_study"), {"state": "open"}, content_type="application/json")
    assert (reply.status_code, reply.json()["code"]) == (409, "imported")


def test_others_cannot_tell_it_from_no_study(study: Study, new_user: NewUser) -> None:
    other = new_user("other")
    other.is_staff = True
    other.save()
    client = Client()
    client.force_login(other)
    for name in ("dashboard_study", "dashboard_exports", "report", "api_study"):
        assert client.get(address(name)).status_code == 404
    assert "given" not in client.get(reverse("dashboard")).content.decode()
