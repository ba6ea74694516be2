"""Downloads of a study's answers: who gets them, how they are sent, and what is written down."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from studies.exports.files import FILES
from studies.models import AuditEntry, Participation, Study, User
from studies.tests.psych_ds import errors
from studies.tests.test_drawing import draw_all

NewUser = Callable[..., User]


def address(name: str, slug: str = "tiny") -> str:
    return reverse("dashboard_export", args=[slug, name])


@pytest.mark.parametrize("name", list(FILES))
def test_every_file_can_be_downloaded(participation: Participation, staff_client: Client, name: str) -> None:
    draw_all(participation)
    reply = staff_client.post(address(name))
    assert reply.status_code == 200
    assert reply.streaming
    assert reply["Content-Disposition"] == f'attachment; filename="tiny-{name}"'
    assert reply["Content-Type"] == FILES[name].content_type
    assert b"".join(reply)


def test_a_download_is_written_into_the_log(tiny_study: Study, staff_client: Client) -> None:
    staff_client.post(address("responses.csv"))
    entry = AuditEntry.objects.get(study=tiny_study)
    assert (entry.action, entry.detail, entry.actor) == (
        "export",
        {"file": "responses.csv"},
        User.objects.get(username="admin"),
    )


def test_asking_by_get_gives_nothing_and_writes_nothing(tiny_study: Study, staff_client: Client) -> None:
    assert staff_client.get(address("responses.csv")).status_code == 405
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize("name", ["unknown.csv", "..", "responses.csv.bak", "RESPONSES.CSV"])
def test_an_unknown_file_is_not_found_and_not_written_down(tiny_study: Study, staff_client: Client, name: str) -> None:
    assert staff_client.post(address(name)).status_code == 404
    assert not AuditEntry.objects.exists()


def test_an_annotator_gets_no_answers(annotator_client: Client) -> None:
    assert annotator_client.post(address("responses.csv")).status_code == 404


def test_a_researcher_of_another_study_gets_no_answers(tiny_study: Study, new_user: NewUser) -> None:
    user = new_user("researcher")
    user.is_staff = True
    user.save()
    client = Client()
    client.force_login(user)
    assert client.post(address("responses.csv")).status_code == 404
    assert not AuditEntry.objects.exists()


def test_another_site_cannot_ask_for_a_download(tiny_study: Study, new_user: NewUser) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(new_user("admin", is_admin=True))
    assert client.post(address("responses.csv")).status_code == 403


def test_the_results_of_an_archived_study_can_be_downloaded(tiny_study: Study, staff_client: Client) -> None:
    staff_client.post(reverse("dashboard_archive", args=["tiny"]))
    assert staff_client.post(address("trials.csv")).status_code == 200


def test_the_page_offers_every_file(tiny_study: Study, staff_client: Client) -> None:
    page = staff_client.get(reverse("dashboard_exports", args=["tiny"])).content.decode()
    assert all(f'action="{address(name)}"' in page for name in FILES)


def test_the_page_takes_few_queries(
    tiny_study: Study, staff_client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(3):
        staff_client.get(reverse("dashboard_exports", args=["tiny"]))


def test_the_command_writes_the_files_that_are_named(participation: Participation, tmp_path: Path) -> None:
    draw_all(participation)
    call_command("export_study", "tiny", "responses.csv", "psych-ds", out=tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["psych-ds", "responses.csv"]
    assert (tmp_path / "out" / "responses.csv").read_text().count("\n") == 13
    assert errors(tmp_path / "out" / "psych-ds") == []
    entries = AuditEntry.objects.filter(action="export").order_by("pk")
    assert [(entry.detail["file"], entry.actor) for entry in entries] == [("responses.csv", None), ("psych-ds", None)]


def test_the_command_writes_every_file_unless_some_are_named(tiny_study: Study, tmp_path: Path) -> None:
    call_command("export_study", "tiny", out=tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(FILES)


def test_the_command_names_what_it_does_not_know(tiny_study: Study, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"unknown file 'answers.csv' \(known: responses.csv"):
        call_command("export_study", "tiny", "answers.csv", out=tmp_path)
    with pytest.raises(CommandError, match=r"unknown study 'other' \(known: tiny\)"):
        call_command("export_study", "other", out=tmp_path)


def test_the_command_keeps_a_dataset_that_is_there(tiny_study: Study, tmp_path: Path) -> None:
    (tmp_path / "psych-ds").mkdir()
    with pytest.raises(CommandError, match="is there already"):
        call_command("export_study", "tiny", "psych-ds", out=tmp_path)


def test_a_file_that_cannot_be_finished_leaves_the_one_before(
    participation: Participation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "responses.csv").write_text("before")

    def broken(table: str, rows: object) -> Iterator[bytes]:
        yield b"half"
        raise OSError("the disk is full")

    monkeypatch.setattr("studies.exports.files.csv_chunks", broken)
    with pytest.raises(OSError, match="full"):
        call_command("export_study", "tiny", "responses.csv", out=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["responses.csv"]
    assert (tmp_path / "responses.csv").read_text() == "before"
