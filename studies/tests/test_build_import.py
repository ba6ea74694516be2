"""The last step of a build: its study is loaded once, or not at all."""

import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db import OperationalError, connection

from studies import tasks
from studies.builds import importing, ticking
from studies.builds.asking import BuildError, build_cancel
from studies.builds.importing import Beating, build_load
from studies.bundles.archive import BUILT, unpack_bundle
from studies.bundles.errors import BundleError
from studies.models import AuditEntry, Build, BuildStep, Study, Trial, User
from studies.services import imports, load_bundle
from studies.tests.build_site import BuildSite, ago, fresh, states, step_of
from studies.tests.bundles import write_bundle


@pytest.fixture
def build(build_site: BuildSite, builder: User) -> Build:
    """A build whose bundle is there, and whose import was sent."""
    started = build_site.start(builder)
    build_site.work(8)
    assert (fresh(started).state, states(started)["import"]) == ("importing", "sent")
    return fresh(started)


def load(build: Build) -> bool:
    return build_load(key=build.key, attempt=build.attempt)


def test_an_import_that_is_delivered_twice_loads_one_study(build: Build) -> None:
    assert [load(build), load(build)] == [True, False]
    assert (Study.objects.count(), Trial.objects.count(), AuditEntry.objects.filter(action="built").count()) == (
        1,
        4,
        1,
    )


def test_an_import_that_somebody_does_is_not_begun_again(build: Build, build_site: BuildSite) -> None:
    step = step_of(build, "import")
    step.state, step.worker, step.seen_at = "running", "somebody", ago(5)
    step.save()
    assert not load(build)
    step.seen_at = ago(61)
    step.save()
    assert load(build)


def test_an_import_of_another_attempt_or_of_no_build_does_nothing(build: Build) -> None:
    assert not build_load(key=build.key, attempt=2)
    assert not build_load(key=uuid4(), attempt=1)
    assert fresh(build).state == "importing"


def test_of_two_imports_at_once_the_later_leaves_nothing(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = importing._check

    def slow(archive: Path, step: BuildStep) -> None:
        monkeypatch.setattr(importing, "_check", whole)
        BuildStep.objects.filter(pk=step.pk).update(seen_at=ago(61))
        assert load(build)

    monkeypatch.setattr(importing, "_check", slow)
    assert not load(build)
    assert (fresh(build).state, states(build)["import"]) == ("done", "done")
    assert (Study.objects.count(), AuditEntry.objects.filter(action="built").count()) == (1, 1)


def test_whoever_cancels_during_the_import_leaves_no_study(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = importing._study

    def cancelled_meanwhile(present: Build, archive: Path) -> Study:
        study = whole(present, archive)
        build_cancel(build=fresh(build), actor=None)
        return study

    monkeypatch.setattr(importing, "_study", cancelled_meanwhile)
    # Both are one connection here: the cancellation is in the import's own transaction, and goes with it.
    assert not load(build)
    assert not Study.objects.exists()


def test_whoever_cancels_after_the_import_is_told_that_it_is_done(build: Build) -> None:
    load(build)
    with pytest.raises(BuildError, match="done already"):
        build_cancel(build=build, actor=None)


def test_a_bundle_that_is_not_the_noted_one_is_refused(build: Build, build_site: BuildSite) -> None:
    name = step_of(build, "import").output
    build_site.storage.write(name, build_site.storage.read(name) + b"x")
    assert not load(build)
    assert fresh(build).state == "failed"
    assert "SHA-256" in fresh(build).error
    assert not Study.objects.exists()


def test_a_bundle_of_another_study_is_refused(build: Build) -> None:
    Build.objects.filter(pk=build.pk).update(name="another")
    assert not load(build)
    assert "holds the study 'built', not 'another'" in fresh(build).error
    assert not Study.objects.exists()


def test_a_name_that_was_taken_meanwhile_ends_the_build(build: Build, tmp_path: Path) -> None:
    load_bundle(folder=write_bundle(tmp_path / "other", slug="built", seed=9))
    assert not load(build)
    assert fresh(build).state == "failed"
    assert "taken" in fresh(build).error


def test_a_build_of_somebody_whose_account_is_gone_loads_nothing(build: Build, builder: User) -> None:
    builder.delete()
    assert not load(build)
    assert "no account any more" in fresh(build).error
    assert not Study.objects.exists()


def test_a_build_of_somebody_who_is_no_researcher_any_more_loads_nothing(build: Build, builder: User) -> None:
    User.objects.filter(pk=builder.pk).update(is_staff=False)
    assert not load(build)
    assert "no researcher any more" in fresh(build).error
    assert not Study.objects.exists()


@pytest.mark.parametrize("error", [OperationalError("the connection was closed"), OSError("no space left")])
def test_what_may_pass_is_tried_again_later(
    build: Build, build_site: BuildSite, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fails(*_given: Any) -> Study:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(importing, "_study", fails)
        build_site.work()
    assert (fresh(build).state, states(build)["import"]) == ("importing", "waiting")
    assert not load(build)
    build_site.pass_time(build, 6)
    ticking.builds_tick()
    build_site.work()
    assert fresh(build).state == "done"


def test_a_bundle_that_is_gone_is_looked_for_again_and_then_ends_the_build(build: Build, build_site: BuildSite) -> None:
    build_site.storage.remove(step_of(build, "import").output)
    for _ in range(4):
        build_site.work()
        build_site.pass_time(build, 61)
        ticking.builds_tick()
    assert fresh(build).state == "failed"
    assert "not in the storage" in fresh(build).error


def test_the_tasks_hand_on_what_they_are_given(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[object] = []
    monkeypatch.setattr(ticking, "builds_tick", lambda: calls.append("tick"))
    monkeypatch.setattr(ticking, "heard", calls.append)
    tasks.tick.apply()
    tasks.heard.apply(kwargs={"events": [1]})
    tasks.load.apply(kwargs={"build": str(build.key), "attempt": 1})
    assert calls == ["tick", [1]]
    assert fresh(build).state == "done"


def test_what_a_killed_import_left_is_deleted_by_the_next(
    build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    left, others = (tmp_path / "temporary" / f"harmony-build-{key}-abc" for key in (build.key, "of-another"))
    for folder in (left, others):
        folder.mkdir(parents=True)
        (folder / "bundle.zip").write_bytes(b"half of it")
    assert load(build)
    assert list((tmp_path / "temporary").iterdir()) == [others]


def test_a_bundle_is_unpacked_where_the_next_try_would_look(
    build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    seen: list[str] = []

    def look(*given: Any) -> Any:
        seen.extend(path.name for path in (tmp_path / "temporary").iterdir())
        return unpack_bundle(*given)

    monkeypatch.setattr(imports, "unpack_bundle", look)
    assert load(build)
    assert [name.startswith(f"harmony-build-{build.key}-") for name in seen] == [True]


def test_signs_of_life_are_for_the_step_of_this_worker_only(
    build: Build, new_user: Callable[..., User], monkeypatch: pytest.MonkeyPatch
) -> None:
    step = step_of(build, "import")
    step.state, step.worker, step.seen_at = "running", "another", ago(30)
    step.save()
    step.worker = "me"
    beating = Beating(step, seconds=0.0)
    monkeypatch.setattr(connection, "close", lambda: None)
    monkeypatch.setattr(beating.ended, "wait", lambda _seconds: False)
    beating._beat()
    assert step_of(build, "import").seen_at == step.seen_at


@pytest.mark.parametrize("is_owned", [True, False])
def test_a_bundle_too_large_for_the_plain_format_of_archives_is_loaded(
    is_owned: bool, build_site: BuildSite, builder: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    # So few entries are then written as 65,536 are.
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 1)
    build = build_site.start(builder if is_owned else None)
    build_site.work(8)
    archive = build_site.storage.read(step_of(build, "import").output)
    assert b"PK\x06\x07" in archive[-42:]
    assert load(fresh(build))
    assert fresh(build).state == "done"


def test_what_workers_have_built_may_be_larger_than_what_people_upload(tmp_path: Path) -> None:
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("study.json", b"[]")
        archive.writestr("manifest.json", b"{}")
    few = replace(BUILT, entries=1)
    with pytest.raises(BundleError, match="has more than 1 entries"):
        unpack_bundle(packed, tmp_path / "few", few)
    small = replace(BUILT, unpacked=3)
    with pytest.raises(BundleError, match="unpacks to more than 0 GiB"):
        unpack_bundle(packed, tmp_path / "small", small)
    unpack_bundle(packed, tmp_path / "whole", BUILT)
    assert (tmp_path / "whole" / "study.json").read_bytes() == b"[]"
