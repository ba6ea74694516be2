"""Answering what one was not given, and answering otherwise than one may."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from harmony_app.tests.scene import Scene, build_scene
from studies.models import Assignment, Participation, Response, Study, User, new_token
from studies.services import assignments_draw

FORGED_TOKENS = [
    "0" * 32,
    "a" * 4000,
    "-",
    "..",
    "%2e%2e",
    "%00",
    "' OR 1=1 --",
    "1",
    "null",
    "LIVE",
    "🙂",
]
FORGED_UUIDS = ["", "1", "not-a-uuid", "g" * 36, None, ["a"], {"a": 1}, "00000000-0000-0000-0000-00000000000"]
FORGED_CHOICES = [
    "finetuned",
    "original",
    "LEFT",
    "left ",
    "image",
    "timeout",
    "",
    None,
    0,
    True,
    ["left"],
    {"left": 1},
    "left\x00",
    "x" * 60_000,
]


@pytest.fixture
def scene(db: None, tiny_bundle: Path) -> Scene:
    return build_scene(tiny_bundle)


def client_of(user: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


def post(client: Client, token: str, **changes: Any) -> Any:
    body = {"uuid": str(uuid4()), "revision": 1, "choice": "left", "rt_ms": 900, "timing": {}, **changes}
    return client.post(f"/api/v1/assignments/{token}/responses/", json.dumps(body), content_type="application/json")


def rows() -> list[tuple[int, str, int]]:
    return list(Response.objects.order_by("pk").values_list("assignment", "given", "revision"))


def test_someone_elses_trial_cannot_be_answered(scene: Scene) -> None:
    before = rows()
    for stranger in (scene.other_annotator, scene.owner, scene.collaborator, scene.other_researcher, scene.admin):
        assert post(client_of(stranger), scene.live.token).status_code == 404
    assert post(Client(), scene.live.token).status_code == 403
    assert rows() == before


def test_a_stranger_cannot_tell_an_issued_token_from_a_made_up_one(scene: Scene) -> None:
    stranger = client_of(scene.other_annotator)
    issued, made_up = post(stranger, scene.live.token), post(stranger, new_token())
    assert (issued.status_code, issued.content) == (made_up.status_code, made_up.content)


def test_naming_another_annotator_in_the_header_gives_nothing(scene: Scene) -> None:
    stranger = client_of(scene.other_annotator)
    stranger.defaults["HTTP_X_ANNOTATOR"] = str(scene.annotator.pk)
    assert post(stranger, scene.live.token).status_code == 403
    assert len(rows()) == 1


@pytest.mark.parametrize("token", FORGED_TOKENS)
def test_a_forged_token_is_no_trial(scene: Scene, token: str) -> None:
    assert post(client_of(scene.annotator), token).status_code in (404, 400)
    assert len(rows()) == 1


def test_the_primary_key_of_an_assignment_is_no_token(scene: Scene) -> None:
    assert post(client_of(scene.annotator), str(scene.live.pk)).status_code == 404


def test_tokens_cannot_be_guessed_from_others() -> None:
    tokens = {new_token() for _ in range(2000)}
    assert len(tokens) == 2000
    assert {len(token) for token in tokens} == {32}


def test_a_trial_that_expired_and_was_given_to_others_counts_once(scene: Scene) -> None:
    Assignment.objects.filter(pk=scene.live.pk).update(expires_at=timezone.now() - timedelta(hours=1))
    Assignment.objects.filter(pk=scene.live.pk).update(state=Assignment.State.RELEASED)
    annotator = client_of(scene.annotator)
    first, again = post(annotator, scene.live.token), post(annotator, scene.live.token, choice="right")
    assert (first.status_code, again.status_code) == (201, 409)
    assert rows()[1:] == [(scene.live.pk, "left", 1)]


def test_a_closed_study_gives_out_nothing_and_keeps_its_answers(scene: Scene) -> None:
    Study.objects.filter(pk=scene.study.pk).update(state=Study.State.CLOSED)
    annotator = client_of(scene.annotator)
    before = Assignment.objects.filter(participation=scene.participation).count()
    address = f"/api/v1/studies/{scene.study.slug}/assignments/next/"
    annotator.post(address, json.dumps({"count": 20}), content_type="application/json")
    assert Assignment.objects.filter(participation=scene.participation).count() == before
    assert post(annotator, scene.answered.token, choice="right").status_code == 409
    assert len(rows()) == 1


def test_whoever_has_withdrawn_leaves_no_more_answers(scene: Scene) -> None:
    Participation.objects.filter(pk=scene.participation.pk).update(state="withdrawn", finished_at=timezone.now())
    assert post(client_of(scene.annotator), scene.live.token).status_code == 409
    assert len(rows()) == 1


@pytest.mark.parametrize("state", ["screened_out", "failed_checks", "over_quota", "completed"])
def test_whoever_is_at_the_end_is_given_no_more_trials(scene: Scene, state: str) -> None:
    Participation.objects.filter(pk=scene.participation.pk).update(state=state, finished_at=timezone.now())
    before = Assignment.objects.count()
    address = f"/api/v1/studies/{scene.study.slug}/assignments/next/"
    reply = client_of(scene.annotator).post(address, json.dumps({"count": 20}), content_type="application/json")
    assert reply.status_code == 409
    assert Assignment.objects.count() == before


def test_a_replayed_answer_with_another_choice_changes_nothing(scene: Scene) -> None:
    annotator, uuid = client_of(scene.annotator), str(uuid4())
    assert post(annotator, scene.live.token, uuid=uuid).status_code == 201
    stored = rows()
    assert post(annotator, scene.live.token, uuid=uuid).status_code == 200
    assert post(annotator, scene.live.token, uuid=uuid, choice="right").status_code == 409
    assert rows() == stored


def test_the_uuid_of_someone_elses_answer_neither_replaces_nor_reveals_it(scene: Scene) -> None:
    uuid = str(Response.objects.get().uuid)
    [mine] = assignments_draw(participation=scene.other_participation, count=1)
    assert post(client_of(scene.other_annotator), mine.token, uuid=uuid).status_code == 409
    assert rows() == [(scene.answered.pk, "left", 1)]


@pytest.mark.parametrize("choice", FORGED_CHOICES, ids=lambda choice: repr(choice)[:20])
def test_what_is_not_offered_cannot_be_chosen(scene: Scene, choice: Any) -> None:
    assert post(client_of(scene.annotator), scene.live.token, choice=choice).status_code == 400
    assert len(rows()) == 1


@pytest.mark.parametrize("uuid", FORGED_UUIDS, ids=repr)
def test_a_forged_uuid_is_refused_by_its_field(scene: Scene, uuid: Any) -> None:
    reply = post(client_of(scene.annotator), scene.live.token, uuid=uuid)
    assert reply.status_code == 400
    assert "uuid" in reply.json()


@pytest.mark.parametrize("revision", [0, -1, 3, 999_999, 10**30, 1.5, "1e3", None, [1]])
def test_a_revision_that_is_not_the_next_is_refused(scene: Scene, revision: Any) -> None:
    assert post(client_of(scene.annotator), scene.live.token, revision=revision).status_code == 400
    assert len(rows()) == 1


def test_what_the_server_decides_cannot_be_sent_along(scene: Scene) -> None:
    sent = {"side": "left", "assignment": 1, "state": "live", "created_at": "2000-01-01", "flags": [], "is_counted": 0}
    before = Assignment.objects.get(pk=scene.live.pk).side
    assert post(client_of(scene.annotator), scene.live.token, **sent).status_code in (201, 400)
    assert Assignment.objects.get(pk=scene.live.pk).side == before
    assert all(row.created_at.year > 2000 for row in Response.objects.all())


def test_pictures_of_others_are_not_sent(scene: Scene) -> None:
    for stranger in (scene.other_annotator, scene.other_researcher):
        for slot in ("image", "left", "right"):
            assert client_of(stranger).get(f"/pictures/{scene.live.token}/{slot}").status_code == 404
    assert Client().get(f"/pictures/{scene.live.token}/left").status_code == 404


@pytest.mark.parametrize("slot", ["original", "finetuned", "..", "%2e%2e%2fleft", "left.png", "LEFT", "0"])
def test_there_is_no_picture_under_another_name(scene: Scene, slot: str) -> None:
    assert client_of(scene.annotator).get(f"/pictures/{scene.live.token}/{slot}").status_code == 404


def test_annotators_cannot_ask_for_a_picture_by_its_digest(scene: Scene) -> None:
    digest = scene.live.trial.pair.finetuned.digest
    assert client_of(scene.annotator).get(f"/admin-pictures/{digest}.png").status_code == 404
    assert client_of(scene.annotator).get(f"/media/pictures/{digest}.png").status_code == 404


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "https://evil.example/",
        "/\\evil.example",
        "javascript:alert(1)",
        "http:///evil.example",
        "\t//e",
    ],
)
def test_logging_in_leads_to_no_other_site(scene: Scene, target: str) -> None:
    annotator = scene.annotator
    annotator.set_password("correct horse battery staple")
    annotator.save()
    form = {"username": annotator.username, "password": "correct horse battery staple", "next": target}
    for page in ("/accounts/login/", "/accounts/logout/"):
        location = Client().post(page, form).headers.get("Location", "/")
        assert location in ("/", "/accounts/login/")
