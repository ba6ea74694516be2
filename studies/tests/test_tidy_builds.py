"""`manage.py tidy_builds` deletes the chunks that no build needs any more, and nothing else."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from attribution.shared_storage import StorageError
from studies.builds import ticking
from studies.builds.asking import build_cancel, build_retry
from studies.models import Build
from studies.tests.build_site import BuildSite, ago, fresh
from studies.tests.build_worker import order_faults


def tidied(*arguments: str) -> str:
    told = StringIO()
    call_command("tidy_builds", *arguments, stdout=told)
    return told.getvalue()


def chunks(site: BuildSite) -> int:
    return sum("/chunks/" in name for name in site.storage.list("runs"))


def test_the_chunks_of_a_build_that_is_done_are_deleted_and_its_networks_stay(build_site: BuildSite) -> None:
    build_site.start()
    build_site.work()
    others = [name for name in build_site.storage.list() if "/chunks/" not in name]
    assert chunks(build_site) > 0
    assert "can be deleted" in tidied()
    assert chunks(build_site) > 0
    assert "deleted" in tidied("--yes")
    assert build_site.storage.list() == others


def test_what_a_build_under_way_has_made_stays(build_site: BuildSite) -> None:
    build_site.start()
    build_site.work(5)
    assert chunks(build_site) > 0
    before = chunks(build_site)
    assert "are kept" in tidied("--yes", "--days", "0")
    assert chunks(build_site) == before


def test_what_a_build_will_find_that_is_planned_again_stays(build_site: BuildSite) -> None:
    build = build_site.start()
    build_site.work(5)
    before = chunks(build_site)
    build_cancel(build=build, actor=None)
    build_retry(build=fresh(build), actor=None)
    assert "are kept" in tidied("--yes", "--days", "0")
    assert chunks(build_site) == before


def test_a_failed_build_can_be_gone_on_with_for_some_days(build_site: BuildSite) -> None:
    build = build_site.start()
    order_faults(build_site.storage, merge=["input"])
    build_site.work()
    ticking.builds_tick()
    assert fresh(build).state == "failed"
    Build.objects.update(finished_at=ago(3 * 24 * 3600))
    assert "are kept" in tidied("--yes", "--days", "4")
    assert chunks(build_site) > 0
    assert "deleted" in tidied("--yes", "--days", "2")
    assert chunks(build_site) == 0


def test_chunks_that_were_deleted_are_made_again(build_site: BuildSite) -> None:
    build_site.start()
    build_site.work()
    tidied("--yes")
    again = build_site.start()
    build_site.work()
    assert fresh(again).state == "done"


def test_a_storage_that_is_down_is_told(build_site: BuildSite, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*_: object) -> None:
        raise StorageError("the storage cannot be reached")

    monkeypatch.setattr(type(build_site.storage), "list", down)
    with pytest.raises(CommandError, match="the storage of builds: the storage cannot be reached"):
        tidied()
