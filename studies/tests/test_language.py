"""In which language pages are, and where their scripts get their texts from."""

import re
from uuid import uuid4

import pytest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.test import Client, RequestFactory
from django.utils import translation

from studies.language import in_language, use_language
from studies.models import Participation, Study
from studies.selectors import Progress
from studies.services import assignments_draw

GERMAN = {"accept-language": "de-AT,de;q=0.9,en;q=0.2"}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("accepted", "language"),
    [("de-AT,de;q=0.9,en;q=0.2", "de"), ("en-US,en;q=0.9", "en"), ("hr,de;q=0.1", "de"), ("hr", "en"), ("", "en")],
)
def test_a_page_is_in_the_language_that_the_browser_likes_best(client: Client, accepted: str, language: str) -> None:
    response = client.get("/accounts/login/", headers={"accept-language": accepted})
    assert f'<html lang="{language}">' in response.content.decode()
    assert response.headers["Content-Language"] == language
    assert "Accept-Language" in response.headers["Vary"]


@pytest.mark.django_db
def test_a_page_with_a_form_is_in_german_as_a_whole(client: Client) -> None:
    page = client.get("/accounts/login/", headers=GERMAN).content.decode()
    for text in ("Anmelden", "Benutzername", "Passwort", "Zum Inhalt springen"):
        assert text in page
    assert "Log in" not in page


@pytest.mark.django_db
def test_an_error_page_is_in_german(client: Client) -> None:
    page = client.get("/nowhere/", headers=GERMAN).content.decode()
    assert "Diese Seite gibt es nicht" in page
    assert '<html lang="de">' in page


def test_the_api_refuses_in_german(annotator_client: Client, participation: Participation) -> None:
    [assignment] = assignments_draw(participation=participation, count=1)
    body = {"uuid": str(uuid4()), "revision": 9, "choice": "left", "rt_ms": 900, "timing": {}}
    address = f"/api/v1/assignments/{assignment.token}/responses/"
    response = annotator_client.post(address, body, content_type="application/json", headers=GERMAN)
    assert response.status_code == 400
    assert response.json() == {"revision": ["die nächste Fassung ist 1, nicht 9"]}


@pytest.mark.django_db
def test_the_admin_stays_english(client: Client) -> None:
    response = client.get("/admin/login/", headers=GERMAN)
    assert response.headers["Content-Language"] == "en"
    assert "Username" in response.content.decode()


def test_a_view_can_name_the_language() -> None:
    request = RequestFactory().get("/", headers={"accept-language": "en"})
    with translation.override("en"):
        use_language(request, "de")
        assert translation.get_language() == "de"
    assert request.LANGUAGE_CODE == "de"


def test_a_page_in_a_named_language_is_so_whatever_the_browser_prefers() -> None:
    @in_language("de")
    def view(request: HttpRequest) -> HttpResponse:
        return render(request, "404.html")

    with translation.override("en"):
        page = view(RequestFactory().get("/", headers={"accept-language": "en"})).content.decode()
    assert '<html lang="de">' in page
    assert "Diese Seite gibt es nicht" in page


def test_the_title_of_a_study_is_escaped_in_every_language() -> None:
    for language in ("en", "de"):
        with translation.override(language):
            context = {"study": Study(slug="maps", title="<script>alert(1)</script>"), "progress": Progress(1, 2)}
            page = render_to_string("studies/done.html", context)
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert" in page


def test_an_unknown_language_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r'unknown language "xx" \(known: en, de\)'):
        use_language(RequestFactory().get("/"), "xx")


def test_a_decorated_view_is_in_its_own_language() -> None:
    @in_language("en")
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(translation.get_language())

    with translation.override("de"):
        assert view(RequestFactory().get("/")).content == b"en"


@pytest.mark.parametrize("accepted", ["de", "en"])
def test_the_catalogue_is_in_the_language_of_its_address(client: Client, accepted: str) -> None:
    response = client.get("/texts/de.js", headers={"accept-language": accepted})
    assert response.headers["Content-Type"].startswith("text/javascript")
    assert response.headers["Content-Language"] == "de"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "Linke Karte" in response.content.decode()


def test_the_catalogue_has_plurals_and_leaves_out_what_only_the_admin_says(client: Client) -> None:
    script = client.get("/texts/de.js").content.decode()
    assert "%(count)s Antworten werden gerade gesendet." in script
    assert "Verfügbare" not in script
    assert len(script) < 40_000


@pytest.mark.parametrize("language", ["fr", "en-gb", "..", "DE"])
def test_there_is_no_catalogue_in_an_unknown_language(client: Client, language: str) -> None:
    assert client.get(f"/texts/{language}.js").status_code == 404


def test_the_catalogue_changes_nothing_and_is_only_read(client: Client) -> None:
    assert client.post("/texts/de.js").status_code == 405


def test_the_english_catalogue_is_empty(client: Client) -> None:
    assert "newcatalog" not in client.get("/texts/en.js", headers=GERMAN).content.decode()


@pytest.fixture
def german_runner(annotator_client: Client) -> HttpResponse:
    response = annotator_client.get("/studies/tiny/", headers=GERMAN)
    assert isinstance(response, HttpResponse)
    return response


def catalogue_in(page: HttpResponse) -> str:
    [address] = re.findall(r'<script src="(/texts/[^"]+)" defer></script>', page.content.decode())
    return str(address)


def test_the_runner_loads_the_catalogue_before_its_own_script(german_runner: HttpResponse) -> None:
    page = german_runner.content.decode()
    assert page.index(catalogue_in(german_runner)) < page.index("studies/runner.js")


def test_the_catalogue_is_allowed_by_the_policy(german_runner: HttpResponse) -> None:
    assert "default-src 'self'" in german_runner.headers["Content-Security-Policy"]
    assert "script-src" not in german_runner.headers["Content-Security-Policy"]
    assert catalogue_in(german_runner).startswith("/texts/de.js?v=")


def test_an_english_page_loads_no_catalogue(annotator_client: Client) -> None:
    assert "/texts/" not in annotator_client.get("/studies/tiny/").content.decode()


def test_browsers_keep_the_catalogue_that_a_page_names(client: Client, german_runner: HttpResponse) -> None:
    response = client.get(catalogue_in(german_runner))
    assert {"public", "immutable", "max-age=31536000"} == set(response.headers["Cache-Control"].split(", "))
    assert "Cookie" not in response.headers["Vary"]


def test_a_catalogue_of_another_version_is_not_kept(client: Client) -> None:
    assert client.get("/texts/de.js?v=0123456789ab").headers["Cache-Control"] == "no-cache"
    assert client.get("/texts/de.js").headers["Cache-Control"] == "no-cache"
