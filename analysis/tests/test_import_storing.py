"""What an import writes, and what it leaves alone."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks

from analysis.imported import imported_frame, imported_judgements, kept_frame
from analysis.importing import storing
from analysis.measures.judgements import FrameError
from analysis.models import ImportedResponses
from analysis.selectors import judgement_frame, study_facts
from analysis.tests.import_files import SMALL, kept_files, refused, run, write
from conftest import PASSWORD
from studies.models import AuditEntry, Study, User
from studies.services.lifecycle import study_archive

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_media")]

OTHER = SMALL.replace("neither", "original")


def load(tmp_path: Path, text: str = SMALL, *, slug: str = "given", **options: Any) -> str:
    return run("import_responses", write(tmp_path / "a.csv", text), slug=slug, **options)


def refusal(tmp_path: Path, text: str = SMALL, *, slug: str = "given", **options: Any) -> str:
    return refused("import_responses", write(tmp_path / "a.csv", text), slug=slug, **options)


def test_an_import_makes_a_study_that_is_closed(tmp_path: Path) -> None:
    assert load(tmp_path, title="A study", question="Which?") == "given: imported, 4 responses of 2 participants\n"
    study = Study.objects.get()
    assert (study.slug, study.title, study.question) == ("given", "A study", "Which?")
    assert (study.state, study.is_imported, study.is_simulated, study.owner) == ("closed", True, False, None)
    row = ImportedResponses.objects.get()
    assert (row.kind, row.rows, row.participants, row.dropped_duplicates) == ("forced_choice", 4, 2, 0)
    [file] = row.source["files"]
    assert (file["name"], file["rows"]) == ("a.csv", 4)
    assert str(tmp_path) not in str(row.source)


def test_simulated_responses_stay_marked_as_simulated(tmp_path: Path) -> None:
    load(tmp_path, simulated=True)
    assert study_facts(Study.objects.get()).is_simulated
    assert "--replace" in refusal(tmp_path)
    load(tmp_path, replace=True)
    assert not study_facts(Study.objects.get()).is_simulated


def test_the_frame_and_the_facts_come_back(tmp_path: Path, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    load(tmp_path)
    study = Study.objects.get()
    with django_assert_num_queries(1):
        frame = judgement_frame(study)
    assert list(frame["study"].unique()) == ["given"]
    assert list(frame["choice"]) == ["finetuned", "neither", "original", "finetuned"]
    with django_assert_num_queries(1):
        facts = study_facts(study)
    assert (facts.trials, facts.annotators_per_trial, facts.options, facts.is_imported) == (2, 2, 3, True)
    assert [condition.improved for condition in facts.conditions] == [None]


def test_excluded_annotators_are_kept_apart(tmp_path: Path) -> None:
    load(tmp_path, "annotator,image,choice,is_excluded\nA1,cat,finetuned,0\nA2,cat,original,1\n")
    study = Study.objects.get()
    assert list(judgement_frame(study)["annotator"]) == ["A1"]
    assert list(judgement_frame(study, with_excluded=True)["annotator"]) == ["A1", "A2"]


def test_the_same_responses_again_change_nothing(tmp_path: Path) -> None:
    load(tmp_path)
    before, kept = ImportedResponses.objects.values().get(), kept_files()
    header, *rows = SMALL.splitlines()
    assert (
        load(tmp_path, "\n".join([header, *reversed(rows)]))
        == "given: holds these responses already; nothing of them changed\n"
    )
    assert (ImportedResponses.objects.values().get(), kept_files()) == (before, kept)
    assert AuditEntry.objects.count() == 1


@pytest.mark.parametrize("changed", [{"text": OTHER}, {"title": "Another"}, {"question": "Which one?"}])
def test_other_responses_need_a_word(tmp_path: Path, changed: dict[str, Any]) -> None:
    load(tmp_path)
    before = ImportedResponses.objects.values().get()
    assert "--slug given: holds other responses" in refusal(tmp_path, **changed)
    assert ImportedResponses.objects.values().get() == before


def test_replaced_responses_leave_no_file_behind(
    tmp_path: Path, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    load(tmp_path)
    before = kept_files()
    with django_capture_on_commit_callbacks(execute=True):
        assert load(tmp_path, OTHER, replace=True, title="New").startswith("given: replaced, 4 responses")
    study = Study.objects.get()
    assert study.title == "New"
    assert "neither" not in set(judgement_frame(study)["choice"])
    assert len(kept_files()) == 1
    assert kept_files() != before


def test_the_old_file_is_there_until_the_new_one_holds(tmp_path: Path) -> None:
    load(tmp_path)
    before = kept_files()
    load(tmp_path, OTHER, replace=True)
    # The test's own transaction has not ended.
    assert len(kept_files()) == 2
    assert set(before) < set(kept_files())


def test_a_failure_on_the_way_leaves_all_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load(tmp_path)
    before, kept = ImportedResponses.objects.values().get(), kept_files()

    def fail(**options: Any) -> None:
        raise IntegrityError("the disk is gone")

    monkeypatch.setattr(storing, "audit_write", fail)
    assert "another import made this study just now" in refusal(tmp_path, OTHER, replace=True)
    assert (ImportedResponses.objects.values().get(), kept_files()) == (before, kept)
    assert Study.objects.get().title == "given"


def test_a_reader_who_comes_between_gets_the_new_responses(
    tmp_path: Path, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    load(tmp_path)
    study = Study.objects.get()
    read_before = ImportedResponses.objects.select_related("study").get()
    with django_capture_on_commit_callbacks(execute=True):
        load(tmp_path, OTHER, replace=True)
    assert kept_frame(read_before).equals(imported_frame(study))


def test_a_file_that_is_gone_is_told_with_the_remedy(tmp_path: Path) -> None:
    load(tmp_path)
    default_storage.delete(ImportedResponses.objects.get().path)
    with pytest.raises(FrameError, match=r"is missing in the storage; import the responses of given again"):
        judgement_frame(Study.objects.get())


@pytest.mark.parametrize("slug", ["two words", "../up", "", "x" * 101, "ä"])
def test_a_slug_that_is_none_is_refused(tmp_path: Path, slug: str) -> None:
    assert "--slug" in refusal(tmp_path, slug=slug)
    assert not Study.objects.exists()
    assert not kept_files()


@pytest.mark.parametrize("options", [{"title": ""}, {"title": "x" * 201}, {"question": ""}, {"question": "x" * 501}])
def test_texts_that_do_not_fit_are_refused(tmp_path: Path, options: dict[str, str]) -> None:
    [name] = options
    assert refusal(tmp_path, **options).startswith(f"--{name}: give 1 to ")


def test_a_study_that_is_run_here_is_not_replaced(tmp_path: Path, tiny_study: Study) -> None:
    told = refusal(tmp_path, slug="tiny", replace=True)
    assert told == "--slug tiny: is taken by a study that is run here; choose another"
    assert not ImportedResponses.objects.exists()
    assert not kept_files()


def test_an_archived_study_is_not_replaced(tmp_path: Path) -> None:
    load(tmp_path)
    study_archive(study=Study.objects.get(), actor=None)
    assert "is archived" in refusal(tmp_path, OTHER, replace=True)
    assert len(kept_files()) == 1


def test_no_responses_are_no_import(tmp_path: Path) -> None:
    assert refusal(tmp_path, "annotator,image,choice\n").startswith("a.csv: there are no responses")
    assert not Study.objects.exists()


def test_faults_write_nothing(tmp_path: Path) -> None:
    assert "line 2: choice" in refusal(tmp_path, SMALL.replace("finetuned", "best"))
    assert not Study.objects.exists()
    assert not kept_files()


def test_the_owner_is_a_researcher(tmp_path: Path) -> None:
    User.objects.create_user("ada", password=PASSWORD, is_staff=True)
    load(tmp_path, owner="ada")
    assert Study.objects.get().owner == User.objects.get(username="ada")


def test_an_owner_who_is_no_researcher_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    User.objects.create_user("bob", password=PASSWORD)
    assert refusal(tmp_path, owner="bob").startswith("--owner bob: ")
    assert not Study.objects.exists()
    assert not kept_files()


def test_an_import_is_in_the_log(tmp_path: Path) -> None:
    load(tmp_path)
    load(tmp_path, OTHER, replace=True)
    entries = list(AuditEntry.objects.order_by("pk").values_list("action", "detail__change", "detail__rows"))
    assert entries == [("responses_imported", "imported", 4), ("responses_imported", "replaced", 4)]


def test_the_same_responses_give_the_same_bytes(tmp_path: Path) -> None:
    load(tmp_path)
    load(tmp_path, slug="again")
    digests = ImportedResponses.objects.values_list("digest", flat=True)
    assert len(set(digests)) == 1


def test_decisions_are_no_judgements(tmp_path: Path) -> None:
    load(tmp_path, "participant,item,response,expected\nP,cat,a,b\n", kind="two_choice")
    study = Study.objects.get()
    with pytest.raises(FrameError, match="its answers are decisions that are right or wrong"):
        judgement_frame(study)
    assert len(imported_frame(study)) == 1


def test_a_study_that_is_run_here_has_no_imported_responses(tiny_study: Study) -> None:
    with pytest.raises(FrameError, match="study tiny: it was not imported"):
        imported_judgements(tiny_study)


def test_the_database_keeps_imported_studies_closed(tmp_path: Path) -> None:
    load(tmp_path)
    with pytest.raises(IntegrityError), transaction.atomic():
        Study.objects.update(state="open")


def test_more_than_a_thousand_answers_are_no_categories(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {"participant": "P", "item": "i", "response": [f"r{n}" for n in range(1001)], "expected": "r1"}
    )
    path = tmp_path / "a.parquet"
    frame.to_parquet(path)
    assert "there are 1001 answers" in refused("import_responses", path, slug="many", kind="categories")
