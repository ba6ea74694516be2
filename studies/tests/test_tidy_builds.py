"""`manage.py tidy_builds` deletes what no build needs any more, and nothing else."""

import os
import time
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.management import CommandError, call_command

from attribution.shared_storage import StorageError
from studies.builds import ticking, tidying
from studies.builds.asking import build_cancel, build_remove, build_retry
from studies.builds.tidying import left_networks, networks_tidy
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


def networks(site: BuildSite) -> list[str]:
    return [name for name in site.storage.list("runs") if "/conditions/" in name]


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Let days pass for what is in the storage, and not for the database."""

    def pass_days(days: int) -> None:
        monkeypatch.setattr(tidying, "time", SimpleNamespace(time=lambda: time.time() + days * 24 * 3600))

    return pass_days


def test_old_networks_of_a_build_that_is_done_are_deleted_if_asked_for(
    build_site: BuildSite, later: Callable[[int], None]
) -> None:
    build_site.start()
    build_site.work()
    run = networks(build_site)[0].split("/")[1]
    # Weights and an unfinished fine-tuning beside what the stand-in leaves.
    for name in (f"runs/{run}/conditions/a.pt", f"runs/{run}/conditions/b.partial.pt"):
        build_site.storage.write(name, b"w" * 2048)
    others = [name for name in build_site.storage.list() if "/conditions/" not in name and "/chunks/" not in name]
    later(91)
    tidied("--yes")
    assert len(networks(build_site)) == 4
    told = tidied("--networks", "90")
    assert f"{run}: 4 fine-tuned networks (" in told
    assert "can be deleted" in told
    assert "a later build of the same config fine-tunes again" in told
    assert len(networks(build_site)) == 4
    assert "fine-tuned networks" in tidied("--networks", "90", "--yes")
    assert networks(build_site) == []
    assert build_site.storage.list() == others


def test_networks_that_are_not_so_old_stay(build_site: BuildSite, later: Callable[[int], None]) -> None:
    build_site.start()
    build_site.work()
    before = networks(build_site)
    later(89)
    told = tidied("--networks", "90", "--yes")
    assert "there are no fine-tuned networks of 90 days or more" in told
    assert networks(build_site) == before


def test_a_network_that_is_young_stays_beside_old_ones(build_site: BuildSite) -> None:
    build_site.start()
    build_site.work()
    old, young = networks(build_site)
    path = Path(build_site.storage.address.removeprefix("file://"), old)
    os.utime(path, (time.time() - 10 * 24 * 3600,) * 2)
    tidied("--networks", "9", "--yes")
    assert networks(build_site) == [young]


def test_old_networks_stay_that_a_build_under_way_or_failed_of_late_needs(
    build_site: BuildSite, later: Callable[[int], None]
) -> None:
    build = build_site.start()
    build_site.work(5)
    before = networks(build_site)
    assert before
    later(1000)
    assert "fine-tuned networks" in tidied("--networks", "90", "--days", "0", "--yes")
    assert networks(build_site) == before
    build_cancel(build=build, actor=None)
    assert "are kept" in tidied("--networks", "90", "--days", "1", "--yes")
    assert networks(build_site) == before
    Build.objects.update(finished_at=ago(2 * 24 * 3600))
    tidied("--networks", "90", "--days", "1", "--yes")
    assert networks(build_site) == []


def test_networks_that_a_build_has_begun_to_need_since_they_were_listed_stay(
    build_site: BuildSite, later: Callable[[int], None]
) -> None:
    build_site.start()
    build_site.work()
    later(91)
    [left] = left_networks(days=30, older_than=90)
    assert not left.is_needed
    build_site.start()
    assert not networks_tidy(networks=left, days=30)
    assert set(left.objects) <= set(networks(build_site))


def test_networks_that_were_deleted_are_fine_tuned_again(build_site: BuildSite, later: Callable[[int], None]) -> None:
    build_site.start()
    assert any(name.startswith("finetune:") for name in build_site.work())
    later(91)
    tidied("--networks", "90", "--yes")
    again = build_site.start()
    assert any(name.startswith("finetune:") for name in build_site.work())
    assert fresh(again).state == "done"


def removed_at_once(site: BuildSite) -> Build:
    """A build that is removed while a worker may be at it, which leaves a marker."""
    build = site.start()
    build_cancel(build=build, actor=None)
    build_remove(build=fresh(build), actor=None)
    assert site.storage.list("builds") == [f"builds/{build.key}/cancelled-1"]
    return build


def test_the_marker_of_a_build_that_was_removed_goes_after_a_day(
    build_site: BuildSite, later: Callable[[int], None]
) -> None:
    build = removed_at_once(build_site)
    # What a worker was still writing meanwhile.
    build_site.storage.write(f"builds/{build.key}/bundle-1.zip", b"late")
    tidied("--yes")
    assert len(build_site.storage.list("builds")) == 2
    later(2)
    told = tidied()
    assert f"builds/{build.key}: what a removed build has left can be deleted" in told
    assert "nothing was deleted; give --yes" in told
    assert len(build_site.storage.list("builds")) == 2
    tidied("--yes")
    assert build_site.storage.list("builds") == []


def test_the_folder_of_a_build_that_was_cancelled_and_is_still_there_stays(
    build_site: BuildSite, later: Callable[[int], None]
) -> None:
    build_cancel(build=build_site.start(), actor=None)
    ticking.builds_tick()
    before = build_site.storage.list("builds")
    assert any("/cancelled-1" in name for name in before)
    later(2)
    assert "removed build" not in tidied("--yes")
    assert build_site.storage.list("builds") == before


def test_what_no_build_was_removed_from_stays(build_site: BuildSite, later: Callable[[int], None]) -> None:
    # Of another site, or put there by hand.
    build_site.storage.write("builds/notes/cancelled-1", b"")
    build_site.storage.write("builds/0b8e9f6a-6a51-4e0c-8f0e-0a3c5c1d2e3f/bundle-1.zip", b"kept")
    later(2)
    tidied("--yes")
    assert len(build_site.storage.list("builds")) == 2


def test_days_below_zero_are_refused_by_name() -> None:
    with pytest.raises(CommandError, match="--networks: give 0 or more"):
        tidied("--networks", "-1")


def test_a_storage_that_is_down_is_told(build_site: BuildSite, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*_: object) -> None:
        raise StorageError("the storage cannot be reached")

    monkeypatch.setattr(type(build_site.storage), "list", down)
    with pytest.raises(CommandError, match="the storage of builds: the storage cannot be reached"):
        tidied()
