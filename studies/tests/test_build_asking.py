"""Asking for builds: who may, what is refused, cancelling, trying again, removing."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.http import Http404
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from attribution.shared_storage import SharedStorage
from studies.builds import broker, ticking
from studies.builds.asking import BuildError, build_cancel, build_queue, build_remove, build_retry
from studies.builds.configs import ConfigError, checked_config
from studies.builds.selectors import build_for, builds_for
from studies.models import Build, BuildStep, Study, User
from studies.services import assignments_draw, enrol, load_bundle, response_record
from studies.services.lifecycle import study_archive
from studies.tests.build_site import BuildSite, ago, config, fresh, states
from studies.tests.build_worker import order_faults
from studies.tests.bundles import write_bundle


def test_a_config_that_is_wrong_makes_no_build(build_site: BuildSite, builder: User) -> None:
    with pytest.raises(ConfigError, match=r"study\.toml: nmae: unknown key"):
        build_queue(owner=builder, text=config() + "\n[nmae]\nx = 1\n", file_name="study.toml")
    assert not Build.objects.exists()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "name: missing"),
        ("name = ", "not valid TOML"),
        ("x = " + "[" * 60_000, "study.toml: "),
        ("#" * 300_000, "longer than 256 KiB"),
        (config().replace("Maps of shapes", "Maps\\u0000"), r"title: .* has control characters"),
        (config().replace("Maps of shapes", "RMA maps"), "it says 'RMA'"),
    ],
)
def test_a_config_that_cannot_be_used_says_why(text: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        checked_config(text, "study.toml")


def test_paths_of_a_config_are_left_to_the_workers() -> None:
    text = config().replace('images = "shapes"', 'images = "$NOT_SET_HERE/shapes"')
    assert str(checked_config(text, "study.toml").dataset.images) == "$NOT_SET_HERE/shapes"


def test_annotators_start_no_builds(build_site: BuildSite, new_user: Callable[..., User]) -> None:
    with pytest.raises(BuildError, match="Only researchers"):
        build_queue(owner=new_user(), text=config(), file_name="study.toml")


def test_a_study_of_somebody_else_is_not_replaced(build_site: BuildSite, builder: User, tmp_path: Path) -> None:
    study = load_bundle(folder=write_bundle(tmp_path / "bundle", slug="built")).study
    with pytest.raises(BuildError, match="taken"):
        build_queue(owner=builder, text=config(), file_name="study.toml")
    study.owner = builder
    study.save()
    assert build_queue(owner=builder, text=config(), file_name="study.toml").state == "queued"


@pytest.mark.parametrize("why", ["imported", "archived", "answered"])
def test_a_study_that_cannot_be_replaced_is_refused_before_the_work(
    build_site: BuildSite, tmp_path: Path, why: str, new_user: Callable[..., User]
) -> None:
    study = load_bundle(folder=write_bundle(tmp_path / "bundle", slug="built")).study
    if why == "imported":
        Study.objects.filter(pk=study.pk).update(is_imported=True, state="closed")
    elif why == "archived":
        study_archive(study=study, actor=None)
    else:
        annotator = new_user()
        (assignment,) = assignments_draw(participation=enrol(study=study, annotator=annotator), count=1)
        answer: dict[str, Any] = {"revision": 1, "choice": "left", "rt_ms": 500, "timing": {}}
        response_record(annotator=annotator, token=assignment.token, uuid=uuid4(), **answer)
    with pytest.raises(BuildError, match="cannot be replaced"):
        build_queue(owner=None, text=config(), file_name="study.toml", trusted=True)


def test_one_build_of_a_study_is_under_way_at_a_time(build_site: BuildSite) -> None:
    build = build_site.start()
    with pytest.raises(BuildError, match="under way already"):
        build_queue(owner=None, text=config(), file_name="study.toml", trusted=True)
    build_cancel(build=build, actor=None)
    assert build_queue(owner=None, text=config(), file_name="study.toml", trusted=True).pk != build.pk


@pytest.mark.parametrize("steps", range(9))
def test_a_build_can_be_cancelled_at_every_step_and_gone_on_with(build_site: BuildSite, steps: int) -> None:
    build = build_site.start()
    first = build_site.work(steps) if steps else []
    cancelled = build_cancel(build=fresh(build), actor=None)
    assert (cancelled.state, fresh(build).state) == ("cancelled", "cancelled")
    ticking.builds_tick()
    assert build_site.storage.exists(f"builds/{build.key}/cancelled-1")
    build_site.work()
    assert fresh(build).state == "cancelled"
    assert not Study.objects.exists()
    build_retry(build=fresh(build), actor=None)
    ticking.builds_tick()
    second = build_site.work()
    again = set(first) & set(second)
    assert again <= {"plan", "merge", "import"}
    assert fresh(build).state == "done"


def test_a_cancelled_build_whose_worker_goes_on_stays_cancelled(build_site: BuildSite) -> None:
    build = build_site.start()
    build_site.work(1)
    build_site.work(2, is_heard=False)
    build_cancel(build=fresh(build), actor=None)
    ticking.heard(build_site.told)
    assert fresh(build).state == "cancelled"
    assert not any(name.startswith("chunk") for name in states(build))


def test_a_build_that_is_done_is_not_cancelled(build_site: BuildSite) -> None:
    build = build_site.start()
    build_site.work()
    with pytest.raises(BuildError, match="done already"):
        build_cancel(build=build, actor=None)
    assert fresh(build).state == "done"


def test_the_marker_is_written_once_the_storage_is_back(build_site: BuildSite, tmp_path: Path) -> None:
    build = build_site.start()
    (tmp_path / "builds").rename(tmp_path / "away")
    (tmp_path / "builds").write_text("no folder")
    build_cancel(build=build, actor=None)
    ticking.builds_tick()
    assert states(build) == {"plan": "sent"}
    (tmp_path / "builds").unlink()
    ticking.builds_tick()
    assert build_site.storage.exists(f"builds/{build.key}/cancelled-1")
    assert states(build) == {"plan": "waiting"}


def test_a_failed_build_goes_on_from_what_is_finished(build_site: BuildSite, builder: User) -> None:
    build = build_site.start(builder)
    build_site.storage.write("faults.json", b'{"chunk:rma-gradcam:0002": ["image"]}')
    build_site.work()
    assert fresh(build).state == "failed"
    ticking.builds_tick()
    again = build_retry(build=fresh(build), actor=builder)
    assert (again.state, again.attempt, again.error) == ("queued", 2, "")
    ticking.builds_tick()
    assert build_site.work() == ["plan", "chunk:rma-gradcam:0002", "merge", "import"]
    assert fresh(build).state == "done"


def test_a_changed_config_makes_again_what_it_changes(build_site: BuildSite, builder: User) -> None:
    build = build_site.start(builder)
    order_faults(build_site.storage, merge=["input"])
    build_site.work()
    build_retry(build=fresh(build), actor=builder, text=config(pairs=10))
    ticking.builds_tick()
    done = build_site.work()
    assert [name for name in done if name.startswith("finetune")] == [
        "finetune:rma-gradcam",
        "finetune:rma-guidedbackprop",
    ]
    # Chunks of the same images are there.
    assert sum(name.startswith("chunk") for name in done) == 4
    assert fresh(build).state == "done"


def test_a_build_under_way_or_done_is_not_tried_again(build_site: BuildSite) -> None:
    build = build_site.start()
    with pytest.raises(BuildError, match="only one that has failed"):
        build_retry(build=build, actor=None)
    build_site.work()
    with pytest.raises(BuildError, match="is done"):
        build_retry(build=fresh(build), actor=None)


def test_a_build_keeps_its_name(build_site: BuildSite) -> None:
    build = build_cancel(build=build_site.start(), actor=None)
    with pytest.raises(BuildError, match="start a new one"):
        build_retry(build=build, actor=None, text=config("other"))
    with pytest.raises(ConfigError):
        build_retry(build=build, actor=None, text="name = 1")
    assert fresh(build).state == "cancelled"


def test_a_config_that_was_changed_in_the_browser_is_not_trusted(build_site: BuildSite, builder: User) -> None:
    build = build_queue(
        owner=builder, text=config(), file_name="study.toml", base="/data/of/the/command/line", trusted=True
    )
    build_cancel(build=build, actor=builder)
    build_retry(build=fresh(build), actor=builder, text=config())
    assert fresh(build).trusted
    build_cancel(build=fresh(build), actor=builder)
    build_retry(build=fresh(build), actor=builder, text=config(pairs=9))
    assert (fresh(build).trusted, fresh(build).base) == (False, "")


def test_whoever_changes_the_config_of_nobodys_build_owns_the_study(
    build_site: BuildSite, new_user: Callable[..., User]
) -> None:
    admin = new_user("admin")
    admin.is_superuser = True
    admin.save()
    build = build_cancel(build=build_site.start(), actor=admin)
    build_retry(build=build, actor=admin)
    assert fresh(build).owner is None
    build_cancel(build=fresh(build), actor=admin)
    build_retry(build=fresh(build), actor=admin, text=config(pairs=9))
    ticking.builds_tick()
    build_site.work()
    assert (fresh(build).state, fresh(build).error) == ("done", "")
    assert Study.objects.get(slug="built").owner == admin


def test_whoever_tries_the_build_of_a_deleted_account_again_owns_the_study(
    build_site: BuildSite, builder: User, new_user: Callable[..., User]
) -> None:
    admin = new_user("admin")
    admin.is_superuser = True
    admin.save()
    build = build_cancel(build=build_site.start(builder), actor=builder)
    builder.delete()
    build_retry(build=fresh(build), actor=admin)
    ticking.builds_tick()
    build_site.work()
    assert (fresh(build).state, fresh(build).error) == ("done", "")
    assert Study.objects.get(slug="built").owner == admin


def test_a_build_of_somebody_who_is_no_researcher_any_more_is_not_tried_again(
    build_site: BuildSite, builder: User
) -> None:
    build = build_cancel(build=build_site.start(builder), actor=None)
    User.objects.update(is_staff=False)
    with pytest.raises(BuildError, match="no researcher any more"):
        build_retry(build=fresh(build), actor=None)
    assert fresh(build).state == "cancelled"


def test_workers_of_an_attempt_are_told_to_stop_also_where_the_next_one_has_begun(build_site: BuildSite) -> None:
    build = build_site.start()
    build_site.work(1)
    build_cancel(build=fresh(build), actor=None)
    build_retry(build=fresh(build), actor=None, text=config(pairs=9))
    ticking.builds_tick()
    assert build_site.storage.exists(f"builds/{build.key}/cancelled-1")
    assert not build_site.storage.exists(f"builds/{build.key}/cancelled-2")
    assert not BuildStep.objects.filter(attempt=1).exists()
    build_site.work()
    assert fresh(build).state == "done"


def test_workers_of_a_build_that_is_removed_at_once_are_told_to_stop(build_site: BuildSite) -> None:
    build = build_site.start()
    build_site.work(1)
    build_cancel(build=fresh(build), actor=None)
    build_remove(build=fresh(build), actor=None)
    assert build_site.storage.list("builds") == [f"builds/{build.key}/cancelled-1"]


def test_whoever_removes_a_build_is_patient_with_no_part_of_the_storage(
    build_site: BuildSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    build = build_site.start()
    build_cancel(build=build, actor=None)
    opened = []

    def open_noted(url: str, *, is_hurried: bool = False) -> SharedStorage:
        opened.append(is_hurried)
        return build_site.storage

    monkeypatch.setattr(SharedStorage, "open", open_noted)
    build_remove(build=fresh(build), actor=None)
    assert build_site.storage.list("builds") == [f"builds/{build.key}/cancelled-1"]
    assert set(opened) == {True}


def test_of_a_build_that_ended_long_ago_nothing_is_left(build_site: BuildSite) -> None:
    build = build_site.start()
    build_cancel(build=build, actor=None)
    ticking.builds_tick()
    Build.objects.update(finished_at=ago(120))
    build_remove(build=fresh(build), actor=None)
    assert build_site.storage.list("builds") == []


def test_the_servers_log_does_not_name_who_removed_a_build(
    build_site: BuildSite, builder: User, caplog: pytest.LogCaptureFixture
) -> None:
    build = build_cancel(build=build_site.start(builder), actor=builder)
    with caplog.at_level("INFO"):
        build_remove(build=build, actor=builder)
    assert str(build.key) in caplog.text
    assert builder.username not in caplog.text


def test_removing_takes_the_rows_and_the_folder_and_leaves_the_study(build_site: BuildSite) -> None:
    build = build_site.start()
    with pytest.raises(BuildError, match="under way"):
        build_remove(build=build, actor=None)
    build_site.work()
    build_remove(build=fresh(build), actor=None)
    assert not Build.objects.exists()
    assert build_site.storage.list("builds") == []
    assert build_site.storage.list("runs") != []
    assert Study.objects.filter(slug="built").exists()
    build_remove(build=build, actor=None)


def test_a_build_whose_folder_cannot_be_removed_stays(build_site: BuildSite, monkeypatch: pytest.MonkeyPatch) -> None:
    build = build_cancel(build=build_site.start(), actor=None)

    def down(*_given: object) -> None:
        raise OSError("the storage cannot be reached")

    monkeypatch.setattr(type(build_site.storage), "remove_all", down)
    with pytest.raises(BuildError, match="cannot be reached"):
        build_remove(build=build, actor=None)
    assert Build.objects.filter(pk=build.pk).exists()


def test_researchers_see_their_own_builds_and_admins_all(
    build_site: BuildSite, builder: User, new_user: Callable[..., User]
) -> None:
    mine = build_site.start(builder)
    nobodys = build_site.start(text=config("another"))
    admin, other = new_user("admin", is_admin=True), new_user("other")
    assert list(builds_for(builder)) == [mine]
    assert list(builds_for(admin)) == [nobodys, mine]
    assert not builds_for(other).exists()
    assert build_for(builder, str(mine.key)) == build_for(admin, mine.key) == mine
    for key in (nobodys.key, "no key", str(nobodys.key)):
        with pytest.raises(Http404):
            build_for(builder, key)


def test_somebody_looks_after_a_new_build_soon_and_a_broker_that_is_down_does_not_matter(
    build_site: BuildSite,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent: list[object] = []
    monkeypatch.setattr(broker, "publish", sent.extend)
    with django_capture_on_commit_callbacks(execute=True):
        build = build_queue(owner=None, text=config(), file_name="study.toml", trusted=True)
    assert sent == [("default", "studies.builds.tick", {})]

    def down(_messages: object) -> None:
        raise broker.BrokerDownError(0)

    monkeypatch.setattr(broker, "publish", down)
    with django_capture_on_commit_callbacks(execute=True):
        assert build_cancel(build=build, actor=None).state == "cancelled"


def test_a_machine_that_cannot_start_a_process_says_so(
    build_site: BuildSite,
    settings: Settings,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    settings.BUILDS, settings.DATA_DIR = "process", tmp_path

    def refused(*_given: object, **_more: object) -> None:
        raise BlockingIOError("no more processes")

    monkeypatch.setattr(subprocess, "Popen", refused)
    with django_capture_on_commit_callbacks(execute=True):
        build = build_queue(owner=None, text=config(), file_name="study.toml", trusted=True)
    assert fresh(build).state == "failed"
    assert "no process can be started" in fresh(build).error
