"""GET /pictures/<token>/<slot>."""

import io
from collections.abc import Callable

import numpy as np
import pytest
from django.core.files.storage import default_storage
from django.test import Client
from django.urls import reverse
from PIL import Image
from pytest_django import DjangoAssertNumQueries

from studies.models import Assignment, Participation, Picture, User
from studies.services import assignments_draw


def pixels(content: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(content)) as picture:
        return np.asarray(picture.convert("RGB")).astype(int)


def stored(picture: Picture) -> np.ndarray:
    with default_storage.open(picture.path) as file:
        return pixels(file.read())


@pytest.fixture
def drawn(participation: Participation) -> list[Assignment]:
    return assignments_draw(participation=participation, count=12)


def address(assignment: Assignment, slot: str) -> str:
    return reverse("picture", args=[assignment.token, slot])


def test_the_finetuned_map_is_on_its_side(annotator_client: Client, drawn: list[Assignment]) -> None:
    assert {assignment.side for assignment in drawn} == {"left", "right"}
    for assignment in drawn:
        pair = assignment.trial.pair
        other = "left" if assignment.side == "right" else "right"
        expected = {"image": pair.image.picture, assignment.side: pair.finetuned, other: pair.original}
        for slot, picture in expected.items():
            shown = pixels(annotator_client.get(address(assignment, slot)).content)
            assert np.abs(shown - stored(picture)).max() == 1, (assignment.side, slot)


def test_another_annotator_gets_404(drawn: list[Assignment], new_user: Callable[..., User], client: Client) -> None:
    client.force_login(new_user("other"))
    assert client.get(address(drawn[0], "left")).status_code == 404


def test_someone_who_is_not_logged_in_gets_404(drawn: list[Assignment], client: Client) -> None:
    assert client.get(address(drawn[0], "left")).status_code == 404


def test_staff_may_look(drawn: list[Assignment], staff_client: Client) -> None:
    assert staff_client.get(address(drawn[0], "left")).status_code == 200


@pytest.mark.parametrize("slot", ["original", "finetuned", "middle"])
def test_an_unknown_slot_gets_404(annotator_client: Client, drawn: list[Assignment], slot: str) -> None:
    assert annotator_client.get(address(drawn[0], slot)).status_code == 404


def test_a_token_that_was_never_issued_gets_404(annotator_client: Client, drawn: list[Assignment]) -> None:
    assert annotator_client.get(reverse("picture", args=["x" * 32, "left"])).status_code == 404


def test_the_browser_alone_may_keep_a_picture(annotator_client: Client, drawn: list[Assignment]) -> None:
    response = annotator_client.get(address(drawn[0], "left"))
    assert response.headers["Cache-Control"] == "private, max-age=3600"
    assert response.headers["Content-Type"] == "image/png"
    assert not {"Last-Modified", "ETag", "Content-Disposition"} & set(response.headers)


def test_a_picture_takes_two_queries_besides_the_session(
    annotator_client: Client, drawn: list[Assignment], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(4):
        annotator_client.get(address(drawn[0], "left"))
