"""The researchers' page of links, and erasing ids."""

from typing import Any

import pytest
from django.test import Client

from studies.models import AuditEntry, ExternalIdentity, Link, LinkUse, Participation, Study, User
from studies.services import enrol
from studies.services.lifecycle import study_archive
from studies.services.links import links_create
from studies.tests.flow_studies import PAGES, add_protocol

PATH = "/dashboard/tiny/links/"


@pytest.fixture
def recruiting(tiny_study: Study) -> Study:
    add_protocol(tiny_study, *PAGES, recruitment={"places": 5, "prolific": {"completed": "C1DONE"}})
    return tiny_study


def identify(participation: Participation) -> ExternalIdentity:
    return ExternalIdentity.objects.create(
        study=participation.study,
        participation=participation,
        service="prolific",
        digest="d" * 64,
        external_id="someone-at-prolific",
        external_study="their-study",
        external_session="their-session",
    )


def text(reply: Any, status: int = 200) -> str:
    assert reply.status_code == status
    return str(reply.content.decode())


def test_invitations_are_made_and_shown_with_their_addresses(recruiting: Study, staff_client: Client) -> None:
    reply = staff_client.post(PATH, {"kind": "invitation", "count": 3, "label": "First year"}, follow=True)
    assert "3 links are made." in text(reply)
    links = list(Link.objects.all())
    assert len(links) == 3
    for link in links:
        assert f"http://testserver/join/{link.token}/" in text(reply)


def test_what_cannot_be_made_is_said_in_the_form(recruiting: Study, staff_client: Client) -> None:
    sent = {"kind": "open", "count": 1, "expires_at": "2020-01-01T10:00"}
    assert "The end has passed already" in text(staff_client.post(PATH, sent), 400)
    assert not Link.objects.exists()


def test_a_revoked_link_does_not_show_its_address(recruiting: Study, staff_client: Client) -> None:
    (link,) = links_create(study=recruiting, kind="open")
    reply = staff_client.post(f"{PATH}{link.pk}/revoke/", follow=True)
    assert "revoked" in text(reply)
    assert link.token not in text(reply)


def test_a_link_of_another_study_is_not_revoked(recruiting: Study, staff_client: Client) -> None:
    other = Study.objects.create(slug="other", title="Other", question="?")
    (link,) = links_create(study=other, kind="open")
    assert staff_client.post(f"{PATH}{link.pk}/revoke/").status_code == 404
    link.refresh_from_db()
    assert link.revoked_at is None


def test_prolific_gets_an_address_with_its_placeholders(recruiting: Study, staff_client: Client) -> None:
    page = text(staff_client.get(PATH))
    address = (
        "http://testserver/prolific/tiny/?PROLIFIC_PID={{%PROLIFIC_PID%}}&amp;STUDY_ID={{%STUDY_ID%}}"
        "&amp;SESSION_ID={{%SESSION_ID%}}"
    )
    assert address in page
    assert "C1DONE" in page
    assert "5 places: 0 completed, 0 taken by people at work." in page


def test_a_hundred_links_take_as_many_queries_as_one(
    recruiting: Study, staff_client: Client, django_assert_num_queries: Any
) -> None:
    links_create(study=recruiting, kind="open")
    with django_assert_num_queries(8):
        staff_client.get(PATH)
    links_create(study=recruiting, kind="invitation", count=100)
    for number, link in enumerate(Link.objects.filter(kind="invitation")[:40]):
        annotator = User.objects.create(username=f"user-{number}")
        LinkUse.objects.create(link=link, participation=enrol(study=recruiting, annotator=annotator), number=1)
    with django_assert_num_queries(8):
        staff_client.get(PATH)


def test_ids_are_erased_after_asking(participation: Participation, staff_client: Client) -> None:
    identity = identify(participation)
    path = "/dashboard/tiny/identities/erase/"
    assert "one person" in text(staff_client.get(path))
    identity.refresh_from_db()
    assert identity.external_id
    assert "The ids of one person are erased." in text(staff_client.post(path, follow=True))
    identity.refresh_from_db()
    assert (identity.external_id, identity.external_study, identity.external_session) == ("", "", "")
    assert identity.erased_at is not None
    assert identity.digest == "d" * 64
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.detail) == ("identities_erased", {"count": 1})


def test_the_ids_of_an_archived_study_can_still_be_erased(participation: Participation, staff_client: Client) -> None:
    identify(participation)
    study_archive(study=participation.study, actor=None)
    assert staff_client.post("/dashboard/tiny/identities/erase/").status_code == 302
    assert ExternalIdentity.objects.get().external_id == ""


def test_the_ids_of_other_studies_stay(participation: Participation, staff_client: Client) -> None:
    other = Study.objects.create(slug="other", title="Other", question="?")
    identify(enrol(study=other, annotator=participation.annotator))
    staff_client.post("/dashboard/tiny/identities/erase/")
    assert ExternalIdentity.objects.get().external_id == "someone-at-prolific"


PAGES_OF_STAFF = [
    "/dashboard/tiny/",
    "/dashboard/tiny/annotators/",
    "/dashboard/tiny/annotators/A01/",
    "/dashboard/tiny/links/",
    "/dashboard/tiny/log/",
    "/admin/studies/participation/",
    "/admin/studies/user/",
    "/admin/",
]


@pytest.mark.parametrize("path", PAGES_OF_STAFF)
def test_no_page_shows_an_id(participation: Participation, staff_client: Client, path: str) -> None:
    identify(participation)
    page = text(staff_client.get(path))
    assert "someone-at-prolific" not in page
    assert "their-s" not in page


def test_the_admin_has_no_pages_of_identities_and_links(staff_client: Client) -> None:
    for model in ("externalidentity", "link", "linkuse"):
        assert staff_client.get(f"/admin/studies/{model}/").status_code == 404
