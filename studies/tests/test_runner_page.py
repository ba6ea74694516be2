"""What the runner's page is made with."""

import json
import re
from collections.abc import Callable

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from studies.models import Participation, Study, User
from studies.services import enrol
from studies.services.protocols import protocol_set
from studies.templatetags.runner_modules import imported_modules

TRIALS = '[[pages]]\nkind = "trials"\n'
PLUGIN = '[[pages]]\nkind = "plugin"\nkey = "after"\ntitle = "After"\nplugin = "survey-text"\n'
GERMAN = (
    f'format = "harmony-protocol/1"\nlanguage = "de"\n{TRIALS}[trials]\nconfidence = 5\n[screen]\nleast_width = 900\n'
)


def page(client: Client, participation: Participation) -> str:
    return client.get(reverse("runner", args=[participation.study.slug])).content.decode()


def shown_settings(html: str) -> dict[str, object]:
    found = re.search(r'data-settings="([^"]*)"', html)
    assert found is not None
    parsed: dict[str, object] = json.loads(found[1].replace("&quot;", '"'))
    return parsed


@pytest.fixture
def german(participation: Participation) -> Participation:
    """A participation that has not started, in a study with a German protocol."""
    protocol_set(study=participation.study, text=GERMAN, name="german.toml")
    return participation


def test_without_a_protocol_trials_are_shown_as_the_study_says(
    annotator_client: Client, participation: Participation
) -> None:
    shown = shown_settings(page(annotator_client, participation))
    assert (shown["ties"], shown["undo"], shown["confidence"]) == ("neither", True, 0)


def test_the_page_shows_the_protocol_that_the_first_step_will_pin(
    annotator_client: Client, german: Participation
) -> None:
    html = page(annotator_client, german)
    assert shown_settings(html)["confidence"] == 5
    assert 'data-least-width="900"' in html
    assert '<html lang="de">' in html


def test_looking_at_the_page_starts_nothing(annotator_client: Client, german: Participation) -> None:
    page(annotator_client, german)
    german.refresh_from_db()
    assert german.started_at is None
    assert not german.assignments.exists()


def test_a_started_participation_keeps_its_protocol(annotator_client: Client, german: Participation) -> None:
    annotator_client.post(reverse("steps_next", args=[german.study.slug]), {}, content_type="application/json")
    later = GERMAN.replace("confidence = 5", "confidence = 3").replace('"de"', '"en"')
    protocol_set(study=german.study, text=later, name="later.toml", reason="Three points are enough.")
    html = page(annotator_client, german)
    assert shown_settings(html)["confidence"] == 5
    assert '<html lang="de">' in html


def test_inline_styles_are_allowed_for_stock_plugins_alone(
    tiny_study: Study, new_user: Callable[..., User], client: Client
) -> None:
    annotator = enrol(study=tiny_study, annotator=new_user("someone"))
    client.force_login(annotator.annotator)
    address = reverse("runner", args=[tiny_study.slug])
    assert "unsafe" not in client.get(address).headers["Content-Security-Policy"]
    protocol_set(study=tiny_study, text=f'format = "harmony-protocol/1"\n{TRIALS}{PLUGIN}', name="plugin.toml")
    policy = client.get(address).headers["Content-Security-Policy"]
    assert policy.count("unsafe") == 1
    assert "style-src 'self' 'unsafe-inline';" in policy


def test_the_page_takes_few_queries(
    annotator_client: Client, german: Participation, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(10):
        page(annotator_client, german)


def test_every_module_of_the_runner_is_preloaded(annotator_client: Client, participation: Participation) -> None:
    html = page(annotator_client, participation)
    folder = settings.BASE_DIR / "static" / "studies"
    preloaded = re.findall(r'rel="modulepreload" href="/static/studies/([a-z-]+\.js)"', html)
    assert sorted(preloaded) == sorted(imported_modules())
    imported = {
        name
        for module in ["runner.js", *preloaded]
        for name in re.findall(r'^import [^"]*"\./([a-z-]+\.js)"', (folder / module).read_text(), re.MULTILINE)
    }
    assert imported == set(preloaded)
