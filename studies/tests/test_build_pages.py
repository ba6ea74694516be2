"""The pages of builds: what they show in every state, and what may be done from them."""

import re
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from studies.builds.log import line_write
from studies.models import Build, BuildStep, Study, User
from studies.tests.build_pages import address, client_of, page_of, words
from studies.tests.build_site import BuildSite, config


@pytest.fixture
def client_of_builder(builder: User) -> Client:
    return client_of(builder)


# What the pages show


def test_a_build_that_is_queued_says_that_it_waits_and_can_be_cancelled(
    client_of_builder: Client, build_site: BuildSite, builder: User
) -> None:
    build = build_site.start(builder)
    page = page_of(client_of_builder, build)
    assert "Waiting for a worker" in words(page)
    assert address("build_progress", build) in page
    assert address("build_cancel", build) in page
    assert address("build_retry", build) not in page


def test_a_build_under_way_shows_conditions_images_and_who_does_what(
    client_of_builder: Client, build_site: BuildSite, builder: User
) -> None:
    build = build_site.start(builder)
    build_site.work(2)
    running = BuildStep.objects.filter(kind="finetune").exclude(state="done").first()
    assert running is not None
    BuildStep.objects.filter(pk=running.pk).update(
        state="running", worker="gpu@lab/7", what="RMA: fine-tuning", done=3, total=10
    )
    text = words(page_of(client_of_builder, build))
    assert "gpu@lab/7 RMA: fine-tuning 3 of 10" in text
    assert "1 of 2 conditions" in text
    assert "Checking (done)" in text
    assert "Import (not begun)" in text


def test_a_build_that_is_done_shows_its_results_and_leads_to_the_study(
    client_of_builder: Client, build_site: BuildSite, builder: User
) -> None:
    build = build_site.start(builder)
    build_site.work()
    build.refresh_from_db()
    assert build.state == Build.State.DONE
    page = page_of(client_of_builder, build)
    assert reverse("dashboard_study", args=["built"]) in page
    assert "Import (done)" in words(page)
    assert "data-url" not in page
    study = client_of_builder.get(reverse("dashboard_study", args=["built"])).content.decode()
    assert address("build", build) in study


def test_a_manifest_is_shown_with_intervals_and_verdicts(
    client_of_builder: Client, build_site: BuildSite, builder: User
) -> None:
    build = build_site.start(builder)
    condition = {
        "metric": "RMA", "attributor": "GradCAM", "network": "SmallCNN", "direction": "higher", "control": False,
        "improved": True, "confirmed": False, "agreement": 0.9861,
        "export": {"n": 72, "before": 0.2, "after": 0.15, "difference": -0.05, "ci": [-0.06, 0.01]},
    }  # fmt: skip
    undefined = {
        **condition, "metric": "Focus", "improved": False, "agreement": None,
        "export": {"n": 0, "before": None, "after": None, "difference": None, "ci": [None, None]},
    }  # fmt: skip
    Build.objects.filter(pk=build.pk).update(
        state="done", manifest={"conditions": [condition, undefined], "device": "cuda", "seed": 1}
    )
    text = words(page_of(client_of_builder, build))
    assert "72 0.200 0.150 −0.050 −0.060 … +0.010 98.6 % improved, not confirmed" in text
    assert "0 – – – – not improved" in text


def test_results_are_written_with_the_decimal_sign_of_the_language(
    client_of_builder: Client, build_site: BuildSite, builder: User
) -> None:
    build = build_site.start(builder)
    condition = {
        "metric": "RMA", "attributor": "GradCAM", "network": "SmallCNN", "direction": "higher", "agreement": 0.9861,
        "export": {"n": 72, "before": 0.2, "after": 0.15, "difference": -0.05, "ci": [-0.06, 0.01]},
    }  # fmt: skip
    Build.objects.filter(pk=build.pk).update(
        state="done", manifest={"conditions": [condition], "device": "cpu", "seed": 1}
    )
    page = client_of_builder.get(address("build", build), headers={"accept-language": "de"})
    assert "72 0,200 0,150 −0,050 −0,060 … +0,010 98,6 % nicht verbessert" in words(page.content.decode())


def test_a_failed_build_says_why_and_can_be_tried_again_with_another_config(
    client_of_builder: Client, build_site: BuildSite, builder: User
) -> None:
    build = build_site.start(builder)
    Build.objects.update(state="failed", error="study.toml: dataset.images: no such folder: name the folder")
    page = page_of(client_of_builder, build)
    assert "no such folder: name the folder" in words(page)
    changed = config(pairs=4)
    reply = client_of_builder.post(address("build_retry", build), {"text": changed.replace("\n", "\r\n")})
    assert reply.status_code == 302
    build.refresh_from_db()
    assert (build.state, build.attempt, build.config) == ("queued", 2, changed)


def test_a_wrong_config_of_another_try_is_told_and_kept(
    client_of_builder: Client, build_site: BuildSite, builder: User
) -> None:
    build = build_site.start(builder)
    Build.objects.update(state="failed", error="no images")
    reply = client_of_builder.post(address("build_retry", build), {"text": "pairs = 0 # mine"})
    assert reply.status_code == 400
    page = reply.content.decode()
    assert "# mine" in page
    assert "name: missing: add it" in words(page)
    build.refresh_from_db()
    assert (build.state, build.attempt) == ("failed", 1)


def test_a_build_without_workers_says_so(client_of_builder: Client, build_site: BuildSite, builder: User) -> None:
    build = build_site.start(builder)
    build_site.pass_time(build, 3600)
    text = words(page_of(client_of_builder, build))
    assert "Nobody is at work on it" in text
    assert "celery --app attribution.worker worker --queues gpu" in text


# What may be done


def test_cancelling_asks_first_and_then_cancels(
    client_of_builder: Client, build_site: BuildSite, builder: User
) -> None:
    build = build_site.start(builder)
    asked = client_of_builder.get(address("build_cancel", build))
    assert "Cancel the build?" in asked.content.decode()
    build.refresh_from_db()
    assert build.state == "queued"
    client_of_builder.post(address("build_cancel", build))
    build.refresh_from_db()
    assert build.state == "cancelled"
    assert "Go on with it" in words(page_of(client_of_builder, build))


@pytest.mark.parametrize(
    ("name", "state"), [("build_cancel", "done"), ("build_retry", "done"), ("build_remove", "running")]
)
def test_what_the_state_does_not_allow_is_refused_in_words(
    client_of_builder: Client, build_site: BuildSite, builder: User, name: str, state: str
) -> None:
    build = build_site.start(builder)
    Build.objects.update(state=state)
    reply = client_of_builder.post(address(name, build), follow=True)
    assert 'class="flash error"' in reply.content.decode()
    build.refresh_from_db()
    assert (build.state, build.attempt) == (state, 1)


def test_removing_asks_first_and_leaves_the_study(
    client_of_builder: Client, build_site: BuildSite, builder: User
) -> None:
    build = build_site.start(builder)
    build_site.work()
    client_of_builder.get(address("build_remove", build))
    assert Build.objects.exists()
    client_of_builder.post(address("build_remove", build))
    assert not Build.objects.exists()
    assert Study.objects.filter(slug="built").exists()
    assert client_of_builder.get(address("build", build)).status_code == 404


def test_others_cannot_tell_a_build_from_none(client_of_builder: Client, build_site: BuildSite) -> None:
    theirs = build_site.start(None)
    for name in ("build", "build_progress", "build_config", "build_log", "build_cancel", "build_remove"):
        there = client_of_builder.get(address(name, theirs))
        nowhere = client_of_builder.get(reverse(name, args=[uuid4()]))
        assert there.status_code == nowhere.status_code == 404
    assert "built" not in client_of_builder.get(reverse("builds")).content.decode()


def test_admins_see_everyones_builds_with_their_owners(
    staff_client: Client, build_site: BuildSite, builder: User
) -> None:
    build = build_site.start(builder)
    assert "of builder" in words(staff_client.get(reverse("builds")).content.decode())
    assert "of builder" in words(page_of(staff_client, build))


# Files, the fragment and queries


def test_config_and_log_come_as_files(client_of_builder: Client, build_site: BuildSite, builder: User) -> None:
    build = build_site.start(builder)
    line_write(build=build, text="memory ran out", level="warning")
    stored = client_of_builder.get(address("build_config", build))
    assert stored.content.decode() == build.config
    assert stored.headers["Content-Disposition"] == 'attachment; filename="built.toml"'
    log = client_of_builder.get(address("build_log", build)).content.decode().splitlines()
    assert [line.split("\t")[1:] for line in log][-1] == ["warning", "", "memory ran out"]


@pytest.mark.parametrize("after", ["", "-1", "x", "9" * 40, "١", "1.5"])
def test_any_place_in_the_log_may_be_asked_for(
    client_of_builder: Client, build_site: BuildSite, builder: User, after: str
) -> None:
    build = build_site.start(builder)
    reply = client_of_builder.get(address("build_progress", build), {"after": after})
    assert reply.status_code == 200
    assert "queued" in reply.content.decode()


def test_the_fragment_has_only_lines_that_are_newer(
    client_of_builder: Client, build_site: BuildSite, builder: User
) -> None:
    build = build_site.start(builder)
    last = build.lines.order_by("pk").last()
    line_write(build=build, text="something new")
    reply = client_of_builder.get(address("build_progress", build), {"after": last.pk if last else 0})
    lines = re.findall(r'<li class="log-line.*?</li>', reply.content.decode(), re.DOTALL)
    assert [words(line).split(" ", 1)[1] for line in lines] == ["something new"]


def test_the_list_takes_as_many_queries_for_many_builds_as_for_two(
    client_of_builder: Client, build_site: BuildSite, builder: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for name in ("one", "two", "three", "four"):
        build_site.start(builder, config(name))
    build_site.work(6)
    with django_assert_num_queries(5):
        client_of_builder.get(reverse("builds"))


def test_a_page_takes_as_many_queries_for_many_steps_as_for_few(
    client_of_builder: Client,
    build_site: BuildSite,
    builder: User,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    build = build_site.start(builder, config(pairs=200))
    build_site.work(10)
    with django_assert_max_num_queries(16):
        page_of(client_of_builder, build)
