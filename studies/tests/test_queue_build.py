"""`manage.py queue_build --wait`, where nobody does the build."""

import time
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from studies.builds import starting
from studies.models import Build
from studies.tests.build_site import BuildSite, config


@pytest.fixture
def config_file(tmp_path: Path) -> str:
    file = tmp_path / "study.toml"
    file.write_text(config())
    return str(file)


def test_waiting_ends_where_the_process_of_the_build_never_began(
    db: None, config_file: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.BUILDS = "process"
    monkeypatch.setattr(starting, "BEGUN_SECONDS", -1.0)
    # Whoever goes on waiting comes here.
    monkeypatch.setattr(time, "sleep", lambda _: Build.objects.update(state="cancelled"))
    with pytest.raises(CommandError, match="The process that did this build has ended"):
        call_command("queue_build", config_file, "--wait")


def test_whoever_waits_is_told_once_that_there_is_no_worker(
    build_site: BuildSite,
    config_file: str,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings.BUILD_SILENT_SECONDS = -1.0
    looks = iter([False, False, True])

    def pass_time(_: float) -> None:
        if next(looks):
            Build.objects.update(state="cancelled")

    monkeypatch.setattr(time, "sleep", pass_time)
    with pytest.raises(CommandError, match="built: cancelled"):
        call_command("queue_build", config_file, "--wait")
    assert capsys.readouterr().err.count("No worker has been heard of") == 1
