"""Reports as they are computed in the background."""

import json
import threading
import time
import zipfile
from io import BytesIO

import pytest
from django.db.models import QuerySet
from django.test import Client

from analysis import computing, running
from analysis.computing import Beating
from analysis.models import ReportRun
from analysis.run_files import BODY, files_of, open_file, zip_of
from analysis.running import run_progress, run_request, run_start
from analysis.tests.computed import computed_report
from studies.models import Response, Study


def content(run: ReportRun, name: str) -> bytes:
    file = open_file(run, name)
    assert file is not None
    with file:
        return bytes(file.read())


def test_its_stages_are_told(answered_study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, float]] = []

    def watched(*, run: ReportRun, stage: str, fraction: float) -> None:
        told.append((stage, fraction))
        run_progress(run=run, stage=stage, fraction=fraction)

    monkeypatch.setattr(computing, "run_progress", watched)
    computed_report(answered_study)
    assert list(dict.fromkeys(stage for stage, _ in told)) == ["reading", "measuring", "writing", "packing"]
    fractions = [fraction for _, fraction in told]
    assert fractions == sorted(fractions)
    assert 0 <= fractions[0] <= fractions[-1] <= 1


def test_answers_that_do_not_fit_are_the_reason(answered_study: Study) -> None:
    Study.objects.filter(pk=answered_study.pk).update(offer_neither=False)
    answered_study.refresh_from_db()
    run = computed_report(answered_study)
    assert (run.state, run.failure) == ("failed", "unfit")
    assert "let the study offer neither" in run.error


def test_trials_that_nobody_answered_in_time_are_no_answers(answered_study: Study) -> None:
    QuerySet(Response).update(given="timeout", choice="timeout")
    run = computed_report(answered_study)
    assert (run.state, run.failure) == ("failed", "no_responses")


def test_its_files_are_those_of_the_study(answered_study: Study) -> None:
    run = computed_report(answered_study)
    document = json.loads(content(run, "report.json"))
    assert (document["study"]["slug"], document["overall"]["answers"]) == ("answered", 24)
    sizes = {file.name: file.size for file in files_of(run)}
    assert {"report.zip", "report.html", "report.json", "judgements.csv"} <= set(sizes)
    assert BODY not in sizes
    assert all(len(content(run, name)) == size for name, size in sizes.items())


def test_the_archive_holds_every_other_file(answered_study: Study) -> None:
    run = computed_report(answered_study)
    with zipfile.ZipFile(BytesIO(content(run, "report.zip"))) as archive:
        assert archive.testzip() is None
        assert set(archive.namelist()) == {file.name for file in files_of(run)} - {"report.zip"}
        assert archive.read("report.json") == content(run, "report.json")


def test_the_same_files_make_the_same_archive() -> None:
    files = {"tables/b.csv": b"b" * 1000, "a.png": b"a", "report.html": b"c"}
    packed = zip_of(files)
    assert packed == zip_of(dict(reversed(files.items())))
    with zipfile.ZipFile(BytesIO(packed)) as archive:
        assert archive.namelist() == sorted(files)
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


@pytest.mark.django_db(transaction=True)
def test_signs_of_life_come_while_it_is_computed_and_end_with_it(
    answered_study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "start_computing", lambda run: None)
    run = run_request(study=answered_study)
    begun = run_start(run_id=run.pk, attempt=run.attempt)
    assert begun is not None
    with Beating(begun, seconds=0.01):
        deadline = time.monotonic() + 60
        while ReportRun.objects.get().seen_at == begun.seen_at:
            assert time.monotonic() < deadline, "no sign of life came"
    assert not any(thread.name == f"signs of report {run.pk}" for thread in threading.enumerate())


def test_the_whole_report_on_its_page_needs_no_inline_style_or_script(
    staff_client: Client, answered_study: Study
) -> None:
    computed_report(answered_study)
    response = staff_client.get("/studies/answered/report/")
    page = response.content.decode()
    assert "Simulated annotators" in page
    assert page.count("<svg") >= 3
    assert "'unsafe-inline'" not in response["Content-Security-Policy"]
    assert "<style" not in page
    assert " style=" not in page
    assert "<script" not in page
