"""What researchers do to a study from its pages: by POST alone, by those who may, and never to an archived study."""

import re
from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from studies.models import AuditEntry, Collaborator, Participation, Protocol, Study, User
from studies.services import assignments_draw, enrol
from studies.services.lifecycle import study_archive
from studies.tests.test_drawing import answer

NewUser = Callable[..., User]
PROTOCOL = '[[pages]]\nkind = "trials"\n\n[trials]\nannotators_per_trial = 3\n'
CHANGES = {
    "dashboard_state": {"state": "paused"},
    "dashboard_archive": {},
    "dashboard_copy": {},
    "dashboard_preview": {},
    "dashboard_collaborator_add": {},
    "dashboard_collaborator_remove": {},
    "dashboard_owner": {},
    "dashboard_protocol": {},
    "dashboard_exclude": {"code": "A01"},
    "dashboard_readmit": {"code": "A01"},
}
BODY = {"slug": "copied", "title": "Copied", "username": "bob", "because": "no reason", "text": PROTOCOL, "reason": "-"}
OF_SHARERS = {
    "dashboard_archive",
    "dashboard_collaborator_add",
    "dashboard_collaborator_remove",
    "dashboard_owner",
}


def logged_in(user: User, *, enforce_csrf_checks: bool = False) -> Client:
    client = Client(enforce_csrf_checks=enforce_csrf_checks)
    client.force_login(user)
    return client


@pytest.fixture
def people(new_user: NewUser, tiny_study: Study) -> dict[str, User]:
    """`ada` owns the tiny study, `bob` runs it with her, `eve` has nothing to do with it, `ann` annotates."""
    made = {name: new_user(name) for name in ("ada", "bob", "eve", "ann")}
    User.objects.filter(username__in=["ada", "bob", "eve"]).update(is_staff=True)
    made = {name: User.objects.get(username=name) for name in made}
    tiny_study.owner = made["ada"]
    tiny_study.save()
    Collaborator.objects.create(study=tiny_study, user=made["bob"])
    enrol(study=tiny_study, annotator=made["ann"])
    return made


@pytest.fixture
def ada_client(people: dict[str, User]) -> Client:
    return logged_in(people["ada"])


def address(name: str) -> str:
    return reverse(name, kwargs={"slug": "tiny", **CHANGES[name]})


def everything() -> list[object]:
    """What a change would change."""
    return [
        list(Study.objects.values_list("slug", "state", "owner", "archived_at", "annotators_per_trial")),
        list(Collaborator.objects.values_list("user")),
        list(Participation.objects.values_list("code", "is_excluded", "is_preview")),
        Protocol.objects.count(),
        AuditEntry.objects.count(),
    ]


@pytest.mark.parametrize("name", CHANGES)
def test_a_get_changes_nothing(ada_client: Client, name: str) -> None:
    before = everything()
    assert ada_client.get(address(name)).status_code in (200, 405)
    assert everything() == before


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("who", ["eve", "ann"])
def test_those_who_do_not_run_the_study_are_told_of_none(people: dict[str, User], who: str, name: str) -> None:
    before = everything()
    assert logged_in(people[who]).post(address(name), BODY).status_code == 404
    assert everything() == before


@pytest.mark.parametrize("name", CHANGES)
def test_a_form_of_another_site_changes_nothing(people: dict[str, User], name: str) -> None:
    before = everything()
    assert logged_in(people["ada"], enforce_csrf_checks=True).post(address(name), BODY).status_code == 403
    assert everything() == before


@pytest.mark.parametrize("name", sorted(OF_SHARERS))
def test_collaborators_do_not_decide_who_runs_the_study(people: dict[str, User], name: str) -> None:
    before = everything()
    assert logged_in(people["bob"]).post(address(name), BODY).status_code == 403
    assert everything() == before


@pytest.mark.parametrize("name", sorted(set(CHANGES) - {"dashboard_archive", "dashboard_copy"}))
def test_an_archived_study_is_not_changed(ada_client: Client, tiny_study: Study, name: str) -> None:
    study_archive(study=tiny_study, actor=None)
    before = everything()
    response = ada_client.post(address(name), BODY, follow=True)
    assert "The study is archived, so it is only read" in response.content.decode()
    assert everything() == before


@pytest.mark.parametrize("name", ["study", "annotators", "trials", "protocol", "links", "exports", "audit", "settings"])
def test_an_archived_study_can_be_read(ada_client: Client, tiny_study: Study, name: str) -> None:
    study_archive(study=tiny_study, actor=None)
    page = ada_client.get(reverse(f"dashboard_{name}", args=["tiny"])).content.decode()
    assert "archived" in page
    # Nothing but logging out, copying and downloads is offered.
    offered = set(re.findall(r'<form[^>]* action="([^"]*)"', page)) - {reverse("logout"), address("dashboard_copy")}
    assert all(where.startswith("/dashboard/tiny/exports/") for where in offered)
    assert page.count('method="post"') == len(re.findall(r'<form[^>]* action="', page))


def test_a_study_is_paused_only_after_the_question(ada_client: Client, people: dict[str, User]) -> None:
    assert "Pause the study?" in ada_client.get(address("dashboard_state")).content.decode()
    assert Study.objects.get().state == "open"
    response = ada_client.post(address("dashboard_state"))
    assert response.headers["Location"] == reverse("dashboard_study", args=["tiny"])
    assert Study.objects.get().state == "paused"
    assert AuditEntry.objects.get().actor == people["ada"]


@pytest.mark.parametrize("state", ["deleted", "OPEN"])
def test_an_unknown_state_is_404(ada_client: Client, state: str) -> None:
    assert ada_client.post(reverse("dashboard_state", args=["tiny", state])).status_code == 404


def test_a_copy_belongs_to_the_collaborator_who_made_it(people: dict[str, User]) -> None:
    logged_in(people["bob"]).post(address("dashboard_copy"), {"slug": "mine", "title": "Mine"})
    assert Study.objects.get(slug="mine").owner == people["bob"]
    assert logged_in(people["ada"]).get(reverse("dashboard_study", args=["mine"])).status_code == 404


@pytest.mark.parametrize("slug", ["", "tiny", "two words", "../x", "x" * 101])
def test_a_copy_under_an_unusable_name_says_so_and_keeps_what_was_entered(ada_client: Client, slug: str) -> None:
    response = ada_client.post(address("dashboard_copy"), {"slug": slug, "title": "My title"})
    assert response.status_code == 400
    assert response.context["copy_form"].errors["slug"]
    assert "My title" in response.content.decode()
    assert Study.objects.count() == 1


def test_a_preview_leads_to_the_runner(ada_client: Client) -> None:
    response = ada_client.post(address("dashboard_preview"))
    assert response.headers["Location"] == reverse("runner", args=["tiny"])
    assert ada_client.get(response.headers["Location"]).status_code == 200


def test_a_preview_of_someone_who_takes_part_is_refused_in_words(people: dict[str, User]) -> None:
    User.objects.filter(username="ann").update(is_staff=True, is_superuser=True)
    response = logged_in(User.objects.get(username="ann")).post(address("dashboard_preview"), follow=True)
    assert "You take part in this study yourself, as A01" in response.content.decode()


def test_a_collaborator_is_added_and_removed_by_name(ada_client: Client, people: dict[str, User]) -> None:
    ada_client.post(address("dashboard_collaborator_remove"), {"username": "bob"})
    assert not Collaborator.objects.exists()
    page = ada_client.post(address("dashboard_collaborator_add"), {"username": "eve"}, follow=True).content.decode()
    assert "eve runs this study with you." in page
    assert Collaborator.objects.get().user == people["eve"]


def test_adding_someone_who_is_no_researcher_is_refused_in_words(ada_client: Client) -> None:
    page = ada_client.post(address("dashboard_collaborator_add"), {"username": "ann"}, follow=True).content.decode()
    assert "There is no researcher of the name “ann”." in page


def test_an_owner_who_hands_the_study_over_still_sees_it(ada_client: Client, people: dict[str, User]) -> None:
    assert ada_client.post(address("dashboard_owner"), {"username": "eve"}, follow=True).status_code == 200
    assert Study.objects.get().owner == people["eve"]
    assert ada_client.post(address("dashboard_owner"), {"username": "ada"}).status_code == 403


def test_answers_are_left_out_with_a_reason_and_counted_again(ada_client: Client, people: dict[str, User]) -> None:
    participation = Participation.objects.get(code="A01")
    answer(assignments_draw(participation=participation, count=1)[0])
    page = ada_client.post(address("dashboard_exclude"), {"because": "a <b>bot</b>"}, follow=True).content.decode()
    participation.refresh_from_db()
    assert (participation.is_excluded, participation.excluded_because) == (True, "a <b>bot</b>")
    assert "The answers do not count: a &lt;b&gt;bot&lt;/b&gt;" in page
    ada_client.post(address("dashboard_readmit"))
    participation.refresh_from_db()
    assert not participation.is_excluded
    assert AuditEntry.objects.filter(actor=people["ada"]).count() == 2


@pytest.mark.parametrize("because", ["", "   ", "x" * 301])
def test_answers_are_not_left_out_without_a_reason(ada_client: Client, because: str) -> None:
    page = ada_client.post(address("dashboard_exclude"), {"because": because}, follow=True).content.decode()
    assert "Say why the answers are not to count" in page
    assert not Participation.objects.get().is_excluded


def test_a_code_that_nobody_has_cannot_be_left_out(ada_client: Client) -> None:
    for name in ("dashboard_exclude", "dashboard_readmit"):
        path = reverse(name, kwargs={"slug": "tiny", "code": "A99"})
        assert ada_client.post(path, {"because": "why"}).status_code == 404


def test_a_protocol_is_put_in_force_as_text(ada_client: Client, people: dict[str, User]) -> None:
    # As browsers send it.
    body = {"text": PROTOCOL.replace("\n", "\r\n")}
    page = ada_client.post(address("dashboard_protocol"), body, follow=True).content.decode()
    assert "Version 1 is in force" in page
    protocol = Protocol.objects.get()
    assert (protocol.created_by, protocol.source) == (people["ada"], PROTOCOL)
    assert Study.objects.get().annotators_per_trial == 3


def test_a_protocol_is_put_in_force_as_a_file_and_comes_back_as_it_was(ada_client: Client) -> None:
    file = SimpleUploadedFile("pilot.toml", PROTOCOL.encode())
    ada_client.post(address("dashboard_protocol"), {"file": file})
    response = ada_client.get(reverse("dashboard_protocol_file", args=["tiny", 1]))
    assert response.content.decode() == PROTOCOL
    assert response.headers["Content-Disposition"] == 'attachment; filename="tiny-protocol-1.toml"'


def test_every_fault_of_a_protocol_is_told_at_once_and_the_text_is_kept(ada_client: Client) -> None:
    text = '[[pages]]\nkind = "trials"\n[trials]\nties = "<script>"\nannotators_per_trail = 3\n'
    response = ada_client.post(address("dashboard_protocol"), {"text": text})
    page = response.content.decode()
    assert response.status_code == 400
    assert "2 things are wrong" in page
    assert "<code>trials.annotators_per_trail</code>" in page
    assert "<script>" not in page
    assert "annotators_per_trail = 3" in page
    assert not Protocol.objects.exists()


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "Choose a file or write the protocol’s text."),
        ({"text": "  \n"}, "Choose a file or write the protocol’s text."),
        ({"file": SimpleUploadedFile("x.toml", b"\xff\xfe\x00")}, "The file is not UTF-8 text"),
        ({"file": SimpleUploadedFile("x.toml", b"#" * 500_001)}, "The file is larger than 500 kB"),
        ({"text": "x = " + "1" * 600_000}, "at most 500000 characters"),
        ({"text": "title = 'a\0b'"}, "Null characters are not allowed"),
    ],
)
def test_an_unusable_upload_is_refused_in_words(ada_client: Client, body: dict[str, object], said: str) -> None:
    response = ada_client.post(address("dashboard_protocol"), body)
    assert response.status_code == 400
    assert said in response.content.decode()
    assert not Protocol.objects.exists()


def test_each_version_of_a_protocol_can_be_read(ada_client: Client) -> None:
    for number in (3, 4):
        ada_client.post(address("dashboard_protocol"), {"text": PROTOCOL.replace("3", str(number))})
    for version, number in ((1, 3), (2, 4)):
        page = ada_client.get(reverse("dashboard_protocol_version", args=["tiny", version]))
        assert page.context["spec"].trials.annotators_per_trial == number
    for name in ("dashboard_protocol_version", "dashboard_protocol_file"):
        assert ada_client.get(reverse(name, args=["tiny", 3])).status_code == 404


def test_the_log_shows_who_did_what(ada_client: Client) -> None:
    ada_client.post(address("dashboard_state"))
    page = ada_client.get(reverse("dashboard_audit", args=["tiny"])).content.decode()
    assert "changed the state" in page
    assert "<td>ada</td>" in page


def test_the_log_shows_what_was_entered_and_does_not_run_it(ada_client: Client, tiny_study: Study) -> None:
    AuditEntry.objects.create(study=tiny_study, action="<i>", detail={"<b>": "<script>", "items": 3})
    page = ada_client.get(reverse("dashboard_audit", args=["tiny"])).content.decode()
    assert "<script>" not in page.replace("<script src=", "")
    assert "&lt;script&gt;" in page
