"""Bodies that are too large are refused by their header."""

from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.views import View

from harmony_app.body_size import LARGEST_BODY, BodySizeMiddleware


def answer_to(view: Any, length: str) -> HttpResponse | None:
    request = RequestFactory().post("/", b"", content_type="application/json")
    request.META["CONTENT_LENGTH"] = length
    return BodySizeMiddleware(lambda _: HttpResponse()).process_view(request, view, (), {})


def plain(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


class Upload(View):
    largest_body = 2 * LARGEST_BODY


@pytest.mark.parametrize(
    ("length", "is_taken"), [("", True), ("0", True), (str(LARGEST_BODY), True), (str(LARGEST_BODY + 1), False)]
)
def test_a_view_takes_so_much_and_no_more(length: str, is_taken: bool) -> None:
    assert (answer_to(plain, length) is None) == is_taken


def test_a_view_that_takes_uploads_says_how_much() -> None:
    assert answer_to(Upload.as_view(), str(2 * LARGEST_BODY)) is None
    refusal = answer_to(Upload.as_view(), str(2 * LARGEST_BODY + 1))
    assert refusal is not None
    assert refusal.status_code == 413


@pytest.mark.parametrize("length", ["-5", "1e9", "0x10", "ten", "²"])
def test_a_length_that_is_no_number_is_none(length: str) -> None:
    assert answer_to(plain, length) is None


@pytest.mark.django_db
def test_people_get_a_page_about_it(client: Client) -> None:
    response = client.post("/accounts/login/", {"username": "x" * (LARGEST_BODY + 1)})
    assert response.status_code == 413
    assert "This was too large" in response.content.decode()
